"""The SAPHIR of sites above 250 kVA, as far as Flex Ready 2.4.3 describes its output.

No frame of one is public: order, units and what stands for an unused period are this emulator's choice.
"""

from collections.abc import Iterator

from .clock import slashed
from .config import MeterConfig
from .metrology import KDC, KDCD, Metrology, kwh, wh
from .wire import Group

_PERIODS = 8
_UNUSED = "000"


def groups(meter: Metrology, config: MeterConfig, _number: int) -> Iterator[Group]:
    """Give the groups of a frame that begins now."""
    for label, data in _rows(meter, config):
        yield Group(label, None, data)


def _rows(meter: Metrology, config: MeterConfig) -> Iterator[tuple[str, str]]:
    grids = {"D": meter.indexes["distributor"], "F": meter.indexes["supplier"]}
    yield "DATE", slashed(meter.now)
    if meter.warning:
        yield "PREAVIS", "DEP"
    yield "KDC", f"{KDC}%"
    yield "KDCD", f"{KDCD}%"
    for number in range(_PERIODS):
        used = number < len(grids["D"])
        yield f"PSp{number + 1}", f"{config.subscribed if used else 0}kW"
    yield "PTCOURD", f"{meter.period('distributor'):<3}"
    yield "PTCOURF", f"{meter.period('supplier'):<3}"
    for letter, periods in grids.items():
        names = [*periods, *[_UNUSED] * (_PERIODS - len(periods))]
        for number, name in enumerate(names, 1):
            yield f"LIB_p{number}{letter}", f"{name:<3}"
    yield "EAS", f"{wh(meter.window.ea_s)}Wh"
    for letter, periods in grids.items():
        registers = [*(index.ea_s for index in periods.values()), *[0] * (_PERIODS - len(periods))]
        for number, register in enumerate(registers, 1):
            yield f"EAp_{number}S{letter}", f"{kwh(register)}kWh"
