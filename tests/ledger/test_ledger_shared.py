"""Buildings share a ledger; Home Assistant purges it at night, has it in its backups, and closes it at the end."""

import asyncio
from datetime import timedelta
from io import BytesIO
from pathlib import Path
import tarfile

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.backup.const import DATA_MANAGER
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from kept import SITE, life, url
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    async_fire_time_changed,
)

from custom_components.flex_ready import backup
from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.desk.ledgers import async_get_ledger, async_release
from custom_components.flex_ready.ledger import Ledger, LedgerError

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """A configuration folder of its own."""
    return hass_tmp_config_dir


@pytest.fixture
def file(hass_config_dir: str) -> Path:
    """Where the ledger is."""
    return Path(hass_config_dir) / "flex_ready.db"


def content(file: Path) -> bytes:
    """Return what is in a file."""
    return file.read_bytes()


def spoil(file: Path) -> None:
    """Make something else of a file."""
    file.write_text("no database")


async def is_closed(ledger: Ledger) -> bool:
    """Tell whether nothing can be kept any more."""
    try:
        await ledger.keep(SITE, [])
    except LedgerError:
        return True
    return False


async def test_one_for_all(hass: HomeAssistant, file: Path, tmp_path: Path) -> None:
    """Of one database; the last one who gives it back closes it, and it can be opened again."""
    one, same = await asyncio.gather(async_get_ledger(hass, None), async_get_ledger(hass, url(file)))
    other = await async_get_ledger(hass, url(tmp_path / "other.db"))
    assert one is same
    assert one is not other
    await async_release(hass, None)
    assert not await is_closed(one)
    await async_release(hass, None)
    assert await is_closed(one)
    assert not await is_closed(other)
    await async_release(hass, url(tmp_path / "other.db"))
    again = await async_get_ledger(hass, None)
    assert not await is_closed(again)
    await async_release(hass, None)


async def test_the_end_of_home_assistant(hass: HomeAssistant, file: Path) -> None:
    """What its last writes keep is kept; then it is closed, whoever still has it."""
    ledger = await async_get_ledger(hass, None)

    async def last(_event: object) -> None:
        await ledger.keep(SITE, life("last"))

    hass.bus.async_listen_once("homeassistant_final_write", last)
    await hass.async_stop(force=True)
    assert await is_closed(ledger)
    await async_release(hass, None)
    again = await Ledger.open(url(file))
    assert await again.transitions(SITE) == life("last")
    await again.close()


async def test_every_night(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """What is older than 400 days goes."""
    ledger = await async_get_ledger(hass, None)
    now = dt_util.utcnow()
    young = life("young", now - timedelta(days=398))
    await ledger.keep(SITE, [*life("old", now - timedelta(days=402)), *young])
    freezer.move_to(dt_util.now().replace(hour=3, minute=47, second=1) + timedelta(days=1))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    await ledger.keep(SITE, [])
    assert await ledger.transitions(SITE) == young
    await async_release(hass, None)


async def test_a_real_backup(hass: HomeAssistant, file: Path, tmp_path: Path) -> None:
    """Made by Home Assistant while requests come in: it has all that came before."""
    assert await async_setup_component(hass, "backup", {})
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    ledger = await async_get_ledger(hass, None)
    await ledger.keep(SITE, life("before"))
    manager = hass.data[DATA_MANAGER]
    assert manager.platforms[DOMAIN] is backup

    async def go_on() -> None:
        number = 0
        while True:
            await ledger.keep(SITE, life(str(number)))
            number += 1

    going = hass.async_create_background_task(go_on(), "requests")
    await manager.async_create_backup(
        agent_ids=["backup.local"],
        extra_metadata=None,
        include_addons=None,
        include_all_addons=False,
        include_database=False,
        include_folders=None,
        include_homeassistant=True,
        name="a night",
        password=None,
    )
    going.cancel()
    kept = len(await ledger.transitions(SITE))
    await async_release(hass, None)
    restored = await Ledger.open(url(unpacked(file.parent / "backups", tmp_path / "restored")))
    found = await restored.transitions(SITE)
    await restored.close()
    assert restored.replaced is None
    assert found[:2] == life("before")
    assert 2 <= len(found) <= kept


def unpacked(backups: Path, target: Path) -> Path:
    """Restore the ledger of the only backup there is."""
    (packed,) = backups.glob("*.tar")
    target.mkdir()
    with tarfile.open(packed) as outer:
        inner = outer.extractfile("homeassistant.tar.gz")
        assert inner is not None
        with tarfile.open(fileobj=BytesIO(inner.read())) as archive:
            for name in archive.getnames():
                if Path(name).name.startswith("flex_ready.db"):
                    member = archive.extractfile(name)
                    assert member is not None
                    (target / Path(name).name).write_bytes(member.read())
    assert (target / "flex_ready.db").exists()
    return target / "flex_ready.db"


async def fill(ledger: Ledger, first: int) -> None:
    """Keep more than SQLite leaves in its log."""
    for number in range(first, first + 600):
        await ledger.keep(SITE, life(str(number)))


async def test_the_file_is_left_alone_for_a_backup(hass: HomeAssistant, file: Path) -> None:
    """Also that of a ledger that is opened meanwhile; afterwards it is written again."""
    await backup.async_pre_backup(hass)
    await backup.async_post_backup(hass)  # nothing is open: nothing to do
    ledger = await async_get_ledger(hass, None)
    await ledger.keep(SITE, life("before"))
    await backup.async_pre_backup(hass)
    held = content(file)
    await fill(ledger, 0)
    assert content(file) == held
    other = await async_get_ledger(hass, url(file.with_name("other.db")))
    held_too = content(file.with_name("other.db"))
    await fill(other, 0)
    assert content(file.with_name("other.db")) == held_too
    await backup.async_post_backup(hass)
    await fill(ledger, 600)
    assert content(file) != held
    await async_release(hass, None)
    await async_release(hass, url(file.with_name("other.db")))


async def test_a_backup_of_which_nothing_is_heard(
    hass: HomeAssistant, file: Path, freezer: FrozenDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """Is over after an hour."""
    ledger = await async_get_ledger(hass, None)
    await backup.async_pre_backup(hass)
    held = content(file)
    freezer.tick(timedelta(minutes=61))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert "taken to be over" in caplog.text
    await fill(ledger, 0)
    assert content(file) != held
    await async_release(hass, None)


async def test_a_ledger_in_trouble_keeps_no_backup_from_being_made(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said in the log."""
    ledger = await async_get_ledger(hass, None)
    await ledger.close()
    await backup.async_pre_backup(hass)
    assert "could not be held for the backup: the ledger is closed" in caplog.text
    await backup.async_post_backup(hass)
    await async_release(hass, None)


async def test_a_damaged_file_is_told_to_the_user(hass: HomeAssistant, file: Path) -> None:
    """With where it is now."""
    spoil(file)
    ledger = await async_get_ledger(hass, None)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, "ledger_replaced")
    assert issue is not None
    assert issue.translation_placeholders == {"file": ledger.replaced}
    await async_release(hass, None)


async def test_what_cannot_be_opened_is_no_ledger(hass: HomeAssistant, tmp_path: Path) -> None:
    """And can be tried again."""
    folder = tmp_path / "later"
    with pytest.raises(LedgerError, match="unable to open"):
        await async_get_ledger(hass, url(folder / "flex_ready.db"))
    folder.mkdir()
    await async_get_ledger(hass, url(folder / "flex_ready.db"))
    await async_release(hass, url(folder / "flex_ready.db"))
