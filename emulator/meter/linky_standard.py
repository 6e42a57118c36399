"""The Linky in standard mode: horodated groups, zero-padded numbers, HT (CPT_54E 6.2)."""

from collections.abc import Iterator
from datetime import timedelta

from .clock import MINUTE, horodate, local
from .config import MeterConfig
from .linky import Colour, LinkyCalendar
from .metrology import TC, Energies, Metrology, Peak, serial, wh
from .wire import Group

_CONTRACTS = {"base": "      BASE      ", "hc": "H PLEINE/CREUSE ", "tempo": "     TEMPO      "}
_COLOURS: dict[Colour, str] = {"B": "BLEU", "W": "BLANC", "R": "ROUGE"}  # codespell:ignore
_NAMES = {"BASE": "      BASE      ", "HC": "  HEURE CREUSE  ", "HP": "  HEURE PLEINE  "} | {
    f"{hours}J{letter}": f"{hours} {colour}".center(16) for hours in ("HC", "HP") for letter, colour in _COLOURS.items()
}
_MESSAGE = "PAS DE          MESSAGE         "
_UNUSED = "NONUTILE"
_DAY_BLOCKS = 11
_CLOSED, _OPEN = 0xC000, 0x8000
"""Orders to the dry contact in a day profile."""


def groups(meter: Metrology, config: MeterConfig, _number: int) -> Iterator[Group]:
    """Give the groups of a frame that begins now."""
    contract = meter.supplier
    assert isinstance(contract, LinkyCalendar)
    now = horodate(meter.now)
    period = meter.period("supplier")
    yield _plain("ADSC", serial("0421", "75" if config.phases == 3 else "64", config.seed))
    yield _plain("VTIC", "02")
    yield Group("DATE", now, "")
    yield _plain("NGTF", _CONTRACTS[config.tariff])
    yield _plain("LTARF", _NAMES[period])
    yield from _indexes(meter, config)
    yield from _instant(meter, config)
    yield from _history(meter, config)
    yield _plain("STGE", f"{status(meter, config, contract):08X}")
    yield _plain("MSG1", _MESSAGE)
    yield _plain("PRM", f"30001{serial('0421', '00', config.seed)[3:]}")
    yield _plain("RELAIS", f"{meter.contact_closed:03d}")
    yield _plain("NTARF", f"{contract.periods.index(period) + 1:02d}")
    yield _plain("NJOURF", "00")
    yield _plain("NJOURF+1", "00")
    yield _plain("PJOURF+1", _tomorrow(meter, contract))


def status(meter: Metrology, config: MeterConfig, contract: LinkyCalendar) -> int:
    """Give the 32 bits of STGE (CPT_54E 6.2.3.14)."""
    moment = local(meter.now)
    word = 1 << 17 | 0b11 << 19 | 0b01 << 21  # standard mode; Euridis output on and secured; powerline idle
    word |= not meter.contact_closed
    word |= (meter.imported_va > meter.subscribed_w) << 7
    word |= config.producer << 8
    word |= (meter.power.active_w < 0) << 9
    word |= contract.periods.index(contract.period(moment)) << 10
    word |= meter.distributor.periods.index(meter.period("distributor")) << 14
    if contract.tariff == "tempo":
        word |= ("BWR".index(contract.colour(moment)) + 1) << 24
        tomorrow = contract.tomorrow(moment)
        word |= ("BWR".index(tomorrow) + 1 if tomorrow else 0) << 26
    return word


def _indexes(meter: Metrology, config: MeterConfig) -> Iterator[Group]:
    supplier = [meter.index("supplier", period) for period in meter.supplier.periods]
    distributor = [meter.index("distributor", period) for period in meter.distributor.periods]
    total = Energies._make(map(sum, zip(*supplier, strict=True)))
    yield _energy("EAST", total.ea_s)
    for grid, indexes, count in (("EASF", supplier, 10), ("EASD", distributor, 4)):
        for number in range(count):
            yield _energy(f"{grid}{number + 1:02d}", indexes[number].ea_s if number < len(indexes) else 0)
    if config.producer:
        yield _energy("EAIT", total.ea_i)
        quadrants = (total.er_plus_s, total.er_plus_i, total.er_minus_i, total.er_minus_s)
        for quadrant, register in enumerate(quadrants, 1):
            yield _energy(f"ERQ{quadrant}", register)


def _instant(meter: Metrology, config: MeterConfig) -> Iterator[Group]:
    powers = meter.phase_va()
    voltages = meter.voltages()
    for phase, (power, voltage) in enumerate(zip(powers, voltages, strict=True), 1):
        yield _plain(f"IRMS{phase}", f"{round(power / voltage):03d}")
    for phase, voltage in enumerate(voltages, 1):
        yield _plain(f"URMS{phase}", f"{voltage:03d}")
    yield _plain("PREF", f"{config.subscribed:02d}")
    yield _plain("PCOUP", f"{config.subscribed:02d}")
    yield _plain("SINSTS", f"{meter.imported_va:05d}")
    if config.phases == 3:
        for phase, power in enumerate(meter.phase_va(meter.imported_va), 1):
            yield _plain(f"SINSTS{phase}", f"{power:05d}")


def _history(meter: Metrology, config: MeterConfig) -> Iterator[Group]:
    for suffix, peak in (("", meter.day_peak), ("-1", meter.eve_peak)):
        yield from _peak("SMAXSN", suffix, peak)
        if config.phases == 3:
            for phase, va in enumerate(meter.phase_va(peak.va), 1):
                yield from _peak(f"SMAXSN{phase}", suffix, Peak(va, peak.at))
    if config.producer:
        exported = 0 if meter.power.active_w >= 0 else meter.power.apparent_va
        yield _plain("SINSTI", f"{exported:05d}")
        yield from _peak("SMAXIN", "", meter.day_peak_i)
        yield from _peak("SMAXIN", "-1", meter.eve_peak_i)
    for rank, point in enumerate(meter.curve):
        yield Group(f"CCASN{'-1' if rank else ''}", horodate(point.end), f"{point.mean.ea_s:05d}")
    if config.producer:
        for rank, point in enumerate(meter.curve):
            yield Group(f"CCAIN{'-1' if rank else ''}", horodate(point.end), f"{point.mean.ea_i:05d}")
    top = meter.now // TC * TC
    for phase, voltage in enumerate(meter.voltages(top - 5 * MINUTE), 1):
        yield Group(f"UMOY{phase}", horodate(top), f"{voltage:03d}")


def _tomorrow(meter: Metrology, contract: LinkyCalendar) -> str:
    """Write the profile of tomorrow: ``HHMM``, then contact and index in force from that time on."""
    evening = local(meter.now).replace(hour=0, minute=0) + timedelta(days=1)
    times = (0,) if contract.tariff == "base" else (0, *reversed(contract.off_peak_hours))
    blocks = []
    for hour in times:
        moment = evening.replace(hour=hour)
        contact = _CLOSED if contract.tariff != "base" and contract.off_peak(moment) else _OPEN
        number = contract.periods.index(contract.period(moment)) + 1
        blocks.append(f"{hour:02d}00{contact | number:04X}")
    return " ".join(blocks + [_UNUSED] * (_DAY_BLOCKS - len(blocks)))


def _peak(label: str, suffix: str, peak: Peak) -> Iterator[Group]:
    yield Group(f"{label}{suffix}", horodate(peak.at), f"{peak.va:05d}")


def _energy(label: str, register: int) -> Group:
    return Group(label, None, f"{wh(register):09d}")


def _plain(label: str, data: str) -> Group:
    return Group(label, None, data)
