"""Wires that know their speed: a pty and a serial server that deliver garbage at any speed but the meter's."""

import asyncio
from collections.abc import Callable
import contextlib
import os
from pathlib import Path
import termios
import tty
from typing import Self

from emulator.meter.faults import garble

_IAC, _SB, _SE, _WILL, _WONT, _DO = 255, 250, 240, 251, 252, 253  # codespell:ignore wont
_COM_PORT, _SET_BAUDRATE, _SERVER = 44, 1, 100
_SPEEDS = {getattr(termios, f"B{speed}"): speed for speed in (1200, 2400, 4800, 9600, 19200)}


def at_speed(line: bytes, speed: int) -> Callable[[int], bytes]:
    """Give what a reader hears of a line that is sent at a speed, by its own speed."""
    return lambda read: line if read == speed else garble(line, sent=speed, read=read)


class SpeedyCable:
    """A pty that asks which speed its reader has set, and sends what is heard at that; enter it to send."""

    def __init__(self, link: Path, heard: Callable[[int], bytes]) -> None:
        self.speeds: list[int] = []
        self._heard = heard
        self._master, slave = os.openpty()
        tty.setraw(slave)
        link.symlink_to(os.ttyname(slave))
        os.close(slave)
        os.set_blocking(self._master, False)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start sending."""
        self._task = asyncio.create_task(self._send())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Pull the cable."""
        await self.pull()

    async def pull(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
            os.close(self._master)

    async def _send(self) -> None:
        sent = 0
        while True:
            speed = _SPEEDS.get(termios.tcgetattr(self._master)[4])
            if speed and (not self.speeds or self.speeds[-1] != speed):
                self.speeds.append(speed)
            if speed and (line := self._heard(speed)):
                at = sent % len(line)
                with contextlib.suppress(BlockingIOError):
                    sent += os.write(self._master, line[at : at + 200])
            await asyncio.sleep(0.01)


class SerialServer:
    """A serial server that speaks RFC 2217 (Telnet COM-PORT-OPTION); enter it to listen."""

    def __init__(self, heard: Callable[[int], bytes]) -> None:
        self.speeds: list[int] = []
        self.clients = 0
        self.url = ""
        self._heard = heard
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Listen on any port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"rfc2217://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
            self._server.close_clients()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients += 1
        play: asyncio.Task[None] | None = None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(bytes([_IAC]))
                command = (await reader.readexactly(1))[0]
                if command == _SB:
                    order = (await reader.readuntil(bytes([_IAC, _SE])))[:-2].replace(b"\xff\xff", b"\xff")
                    echo = order[2:].replace(b"\xff", b"\xff\xff")
                    writer.write(bytes([_IAC, _SB, _COM_PORT, order[1] + _SERVER, *echo, _IAC, _SE]))
                    if order[1] == _SET_BAUDRATE:
                        self.speeds.append(int.from_bytes(order[2:6]))
                        play = play or asyncio.create_task(self._play(writer, self.speeds[-1]))
                elif command in (_WILL, _DO):
                    option = (await reader.readexactly(1))[0]
                    writer.write(bytes([_IAC, _DO if command == _WILL else _WILL, option]))
                elif command >= _SB:
                    await reader.readexactly(1)
        if play:
            play.cancel()
        self.clients -= 1
        writer.close()

    async def _play(self, writer: asyncio.StreamWriter, speed: int) -> None:
        await asyncio.sleep(0.05)  # until it is set up
        while line := self._heard(speed):
            writer.write(line.replace(b"\xff", b"\xff\xff"))
            await asyncio.sleep(0.05)
