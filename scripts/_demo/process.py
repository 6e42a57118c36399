"""The programs that the demo starts: none outlives its context."""

import asyncio
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
import os
from pathlib import Path
import sys
from typing import IO

ROOT = Path(__file__).parents[2]

_PATIENCE_S = 45
"""Home Assistant gives its own parts up to half a minute to stop."""


@asynccontextmanager
async def running(
    module: str, *arguments: str, cwd: Path, stdout: int | IO[bytes], stderr: int | IO[bytes] | None = None
) -> AsyncIterator[Process]:
    """Run a Python module while the context lasts, then end it: with SIGTERM, or by force if that does not help."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        cwd=cwd,
        stdin=DEVNULL,
        stdout=stdout,
        stderr=stderr,
        # PYTHONPATH is how the demo finds itself; what it starts must not see it.
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        # Ctrl-C in a terminal goes to the whole group: each is to be stopped once, in order, by us.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
