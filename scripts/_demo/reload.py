"""The entry unloaded and loaded again: the port must be free in between, and opened once after."""

from pathlib import Path

from .checklist import Checklist, Probe, Seen
from .emulator import Emulator
from .meter_view import MeterView

_WITHIN_S = 30
_ESTABLISHED = "01"


async def check_reload(view: MeterView, emulator: Emulator, keys: list[str], checklist: Checklist) -> None:
    """Check it; the entities of `keys` are to be back at the end."""

    def entry_is(wanted: str, ports: int) -> Probe:
        async def probe() -> Seen:
            state, open_ports = (await view.entry())["state"], connections(emulator.meter)
            return Seen(state == wanted and open_ports == ports, f"{state}, {open_ports} connections to the meter")

        return probe

    async def back() -> Seen:
        states = [await view.state(key) for key in keys]
        return Seen(all(state.known for state in states), ", ".join(str(state) for state in states[:4]))

    await view.client.command("config_entries/disable", entry_id=view.entry_id, disabled_by="user")
    await checklist.check("unloading closes the port", entry_is("not_loaded", 0))
    await view.client.command("config_entries/disable", entry_id=view.entry_id, disabled_by=None)
    await checklist.check("loading opens it again", entry_is("loaded", 1), _WITHIN_S)
    await view.client.post(f"/api/config/config_entries/entry/{view.entry_id}/reload")
    await checklist.check("reloading opens it once", entry_is("loaded", 1), _WITHIN_S)
    await checklist.check("the entities are back", back, _WITHIN_S)


def connections(meter: str, table: Path = Path("/proc/net/tcp")) -> int:
    """Count the TCP connections to the meter's port: the third column is where to, the fourth its state."""
    port = f":{int(meter.rpartition(':')[2]):04X}"
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return sum(row[2].endswith(port) and row[3] == _ESTABLISHED for row in rows)
