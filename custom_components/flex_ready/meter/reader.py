"""The one reader of a port: opens it once, hands its bytes over, and opens it again when it is lost."""

import asyncio
from collections.abc import Callable

from ..port import OnBytes, Port, PortError

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_QUIET_S = 60.0
"""A gateway that lost its power leaves a connection that looks alive: opened again after this time in silence."""


class Reader:
    """Keeps a port open. `on_lost` is told of every loss, in words; what comes back is told by its bytes."""

    def __init__(self, url: str, baudrate: int, on_bytes: OnBytes, on_lost: Callable[[str], None]) -> None:
        self._url = url
        self._baudrate = baudrate
        self._on_bytes = on_bytes
        self._on_lost = on_lost
        self._port: Port | None = None
        self._gone = asyncio.Event()
        self._heard = False

    async def open(self) -> None:
        """Open the port; raise PortError."""
        self._gone.clear()
        self._port = await Port.open(self._url, self._baudrate, self._take, self._lost)

    async def run(self) -> None:
        """Keep the port open, from one that `open` has opened, until cancelled."""
        wait = _FIRST_WAIT_S
        try:
            while True:
                if self._port is None:
                    await asyncio.sleep(wait)
                    wait = min(2 * wait, _LONGEST_WAIT_S)
                    try:
                        await self.open()
                    except PortError as error:
                        self._on_lost(str(error))
                        continue
                if await self._until_gone():
                    wait = _FIRST_WAIT_S
                await self.close()
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the port and wait until it is free."""
        if self._port is not None:
            port, self._port = self._port, None
            await port.close()

    async def _until_gone(self) -> bool:
        """Wait until the port is lost or stays quiet; return whether anything was heard from it."""
        heard = False
        while True:
            self._heard = False
            try:
                async with asyncio.timeout(_QUIET_S):
                    await self._gone.wait()
            except TimeoutError:
                if self._heard:
                    heard = True
                    continue
                self._on_lost(f"nothing arrives for {_QUIET_S:.0f} s")
            return heard or self._heard

    def _take(self, data: bytes) -> None:
        self._heard = True
        self._on_bytes(data)

    def _lost(self, error: Exception | None) -> None:
        self._on_lost(str(error) if error else "closed by the other side")
        self._gone.set()
