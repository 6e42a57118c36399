"""The port that the meter's bytes come through: a serial device, a network gateway, a proxy."""

import asyncio
from collections.abc import Callable
import contextlib
from enum import StrEnum
import errno
import re
import socket
from typing import Self, override

import serialx
from serialx.common import UnknownUriScheme

OnBytes = Callable[[bytes], None]
OnLost = Callable[[Exception | None], None]

_SLICE = 8 * 1024
"""Bytes handled at a time: a flood must leave the event loop to others every few milliseconds."""
_MOST = 1024 * 1024
"""Bytes that wait for their turn; what is more is lost, oldest first."""
_OPEN_TIMEOUT_S = 15
_CLOSE_TIMEOUT_S = 5


class Trouble(StrEnum):
    """Why a port cannot be read: what a user has to be told apart."""

    NOT_FOUND = "not_found"
    BUSY = "busy"
    NO_PERMISSION = "no_permission"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    BAD_ADDRESS = "bad_address"
    CANNOT_OPEN = "cannot_open"
    SILENT = "silent"
    WRONG_SPEED = "wrong_speed"
    NOT_TIC = "not_tic"


class PortError(Exception):
    """A port that cannot be opened or read; `trouble` says why, the text is the system's own."""

    def __init__(self, trouble: Trouble, text: str = "") -> None:
        super().__init__(text or trouble.value)
        self.trouble = trouble


_BY_ERRNO = {
    errno.ENOENT: Trouble.NOT_FOUND,
    errno.ENODEV: Trouble.NOT_FOUND,
    errno.ENXIO: Trouble.NOT_FOUND,
    errno.EBUSY: Trouble.BUSY,
    errno.EAGAIN: Trouble.BUSY,
    errno.EACCES: Trouble.NO_PERMISSION,
    errno.EPERM: Trouble.NO_PERMISSION,
    errno.ECONNREFUSED: Trouble.REFUSED,
    errno.EHOSTUNREACH: Trouble.UNREACHABLE,
    errno.ENETUNREACH: Trouble.UNREACHABLE,
    errno.ETIMEDOUT: Trouble.UNREACHABLE,
}


def _trouble(error: Exception) -> Trouble:
    if isinstance(error, UnknownUriScheme | ValueError):
        return Trouble.BAD_ADDRESS
    if isinstance(error, TimeoutError | socket.gaierror):
        return Trouble.UNREACHABLE
    if isinstance(error, OSError):
        # A name with several addresses (localhost) gives one error without number, and theirs in its text.
        numbers = [error.errno] if error.errno else map(int, re.findall(r"\[Errno (\d+)\]", str(error)))
        return next((_BY_ERRNO[number] for number in numbers if number in _BY_ERRNO), Trouble.CANNOT_OPEN)
    return Trouble.CANNOT_OPEN


def has_speed(url: str) -> bool:
    """Tell whether the speed of a port is ours to set: a raw TCP gateway has its own."""
    return not url.startswith("socket://")


class Port(asyncio.Protocol):
    """An open port. `on_bytes` gets what arrives; `on_lost` is called once when the port goes away by itself."""

    def __init__(self, on_bytes: OnBytes, on_lost: OnLost) -> None:
        self._on_bytes = on_bytes
        self._on_lost = on_lost
        self._transport: serialx.BaseSerialTransport | None = None
        self._waiting = b""
        self._closing = False
        self._closed = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, url: str, baudrate: int, on_bytes: OnBytes, on_lost: OnLost) -> Self:
        """Open a port at 7E1 (Enedis-NOI-CPT_54E 5.3.5); raise PortError.

        `url`: a device, `socket://host:port`, `rfc2217://host:port`, or what else serialx knows.
        """
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT_S):
                try:
                    port = cls(on_bytes, on_lost)
                    await port._connect(url, baudrate, serialx.Parity.EVEN, 7)
                except OSError as error:
                    if error.errno != errno.EINVAL:
                        raise
                    # A pseudo-terminal (socat, our emulator) has no parity: it refuses where nothing else changes.
                    # Characters of 8N1 are as long, and bit 7 is masked.
                    port = cls(on_bytes, on_lost)
                    await port._connect(url, baudrate, serialx.Parity.NONE, 8)
        except (OSError, serialx.SerialException, ValueError) as error:
            raise PortError(_trouble(error), str(error)) from error
        return port

    async def _connect(self, url: str, baudrate: int, parity: serialx.Parity, bits: int) -> None:
        self._transport, _ = await serialx.create_serial_connection(
            asyncio.get_running_loop(),
            lambda: self,
            url,
            baudrate,
            parity,
            serialx.StopBits.ONE,
            byte_size=bits,
        )

    async def close(self) -> None:
        """Close the port and wait until it is free for others."""
        self._closing = True
        self._waiting = b""
        if self._transport is None or self._closed.done():
            return
        self._transport.close()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await asyncio.shield(self._closed)
        except TimeoutError:
            self._transport.abort()

    @override
    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if len(data) <= _SLICE and not self._waiting:
            self._on_bytes(data)
            return
        idle = not self._waiting
        self._waiting = (self._waiting + data)[-_MOST:]
        if idle:
            if self._transport is not None:
                with contextlib.suppress(NotImplementedError):  # a proxy cannot be held back
                    self._transport.pause_reading()
            self._next_slice()

    def _next_slice(self) -> None:
        if self._closing:
            return
        data, self._waiting = self._waiting[:_SLICE], self._waiting[_SLICE:]
        try:
            self._on_bytes(data)
        finally:
            # Whatever became of it, the port is not left held back.
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._next_slice)
            elif self._transport is not None and not self._closing:
                with contextlib.suppress(NotImplementedError):
                    self._transport.resume_reading()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed.done():
            self._closed.set_result(None)
        if not self._closing:
            self._closing = True
            self._on_lost(exc)
