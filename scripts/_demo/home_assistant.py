"""The demo's Home Assistant: started, onboarded, open to whoever sits at this machine."""

import asyncio
from asyncio.subprocess import STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
import secrets

from aiohttp import ClientError, ClientSession

from .client import HomeAssistant, log_in
from .error import DemoError
from .log import read_log
from .process import running

LOG = "home-assistant.log"
_CONSOLE = "console.log"
_START_S = 120
_POLL_S = 0.2


@asynccontextmanager
async def home_assistant(
    session: ClientSession, folder: Path, port: int, language: str
) -> AsyncIterator[tuple[HomeAssistant, Process]]:
    """Run Home Assistant on a configuration folder while the context lasts; gives a client of it, and its process."""
    url = f"http://127.0.0.1:{port}"
    with (folder / _CONSOLE).open("wb") as console:
        arguments = ("-c", str(folder), "--skip-pip", "--log-no-color")
        async with running("homeassistant", *arguments, cwd=folder, stdout=console, stderr=STDOUT) as process:
            try:
                async with asyncio.timeout(_START_S):
                    client = await _bring_up(session, url, language, process)
            except TimeoutError:
                raise DemoError(f"Home Assistant does not answer at {url}\n{end_of_log(folder)}") from None
            except DemoError as error:
                raise DemoError(f"{error}\n{end_of_log(folder)}") from error
            yield client, process


async def _bring_up(session: ClientSession, url: str, language: str, process: Process) -> HomeAssistant:
    anyone = HomeAssistant(session, url)
    # Nobody needs the password: being on this machine is enough.
    user = {"name": "Demo", "username": "demo", "password": secrets.token_urlsafe(), "language": language}
    while True:
        if process.returncode is not None:
            raise DemoError(f"Home Assistant ended with status {process.returncode}")
        try:
            # Not there yet, or without this part yet; started again on a folder, it asks no more.
            with suppress(DemoError):
                if not all(step["done"] for step in await anyone.get("/api/onboarding")):
                    await anyone.post("/api/onboarding/users", {**user, "client_id": f"{url}/"})
            client = await log_in(session, url)
            break
        except ClientError, DemoError:
            await asyncio.sleep(_POLL_S)
    while (await client.get("/api/config"))["state"] != "RUNNING":  # noqa: ASYNC110  # it is another process's state
        await asyncio.sleep(_POLL_S)
    return client


async def make_at_home(client: HomeAssistant, language: str) -> None:
    """Show the pages in the language of the demo, and not what this environment lacks: voice, cameras, radio."""
    as_language = dict.fromkeys(("number_format", "time_format", "date_format", "first_weekday"), "language")
    await client.command(
        "frontend/set_user_data", key="language", value={"language": language, "time_zone": "server", **as_language}
    )
    await client.service("persistent_notification.dismiss", notification_id="invalid_config")


def end_of_log(folder: Path) -> str:
    """Return the last lines that Home Assistant said, without what is not installed."""
    # What goes wrong before there is a log is on the console; later the console has the same as the log.
    text = (folder / _CONSOLE).read_text(errors="replace")
    told = [str(record) for record in read_log(text) if not record.not_installed] or text.splitlines()
    return "\n".join(told[-12:])
