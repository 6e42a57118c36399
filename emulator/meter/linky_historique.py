"""The Linky in historique mode: zero-padded numbers without unit, as the meters before it (CPT_54E 6.1)."""

from collections.abc import Iterator

from .clock import MINUTE, local
from .config import MeterConfig
from .linky import Colour, LinkyCalendar
from .metrology import Metrology, serial, wh
from .wire import Group

type Row = tuple[str, str]

_OPTARIF = {"base": "BASE", "hc": "HC..", "tempo": "BBR("}
_INDEX = {"BASE": "BASE", "HC": "HCHC", "HP": "HCHP"} | {
    f"H{h}J{colour}": f"BBRH{h}J{colour}" for h in "CP" for colour in "BWR"
}
_DEMAIN: dict[Colour | None, str] = {None: "----", "B": "BLEU", "W": "BLAN", "R": "ROUG"}
_CYCLE = 21
"""During an overrun and the minute after it a three-phase meter sends 20 short frames, then a long one."""


def groups(meter: Metrology, config: MeterConfig, number: int) -> Iterator[Group]:
    """Give the groups of a frame that begins now, the ``number``-th of the run."""
    over = config.phases == 3 and meter.over_at is not None and meter.now - meter.over_at < MINUTE
    rows = _short(meter, config) if over and number % _CYCLE != _CYCLE - 1 else _long(meter, config)
    for label, data in rows:
        yield Group(label, None, data)


def _short(meter: Metrology, config: MeterConfig) -> Iterator[Row]:
    amps = meter.phase_amps()
    for phase, current in enumerate(amps, 1):
        if current > config.subscribed_amps:
            yield f"ADIR{phase}", f"{current:03d}"
    yield "ADCO", serial("0421", "75", config.seed)
    for phase, current in enumerate(amps, 1):
        yield f"IINST{phase}", f"{current:03d}"


def _long(meter: Metrology, config: MeterConfig) -> Iterator[Row]:
    contract = meter.supplier
    assert isinstance(contract, LinkyCalendar)
    moment = local(meter.now)
    period = contract.period(moment)
    yield "ADCO", serial("0421", "75" if config.phases == 3 else "64", config.seed)
    yield "OPTARIF", _OPTARIF[config.tariff]
    yield "ISOUSC", f"{config.subscribed_amps:02d}"
    for name in contract.periods:
        yield _INDEX[name], f"{wh(meter.index('supplier', name).ea_s):09d}"
    yield "PTEC", "TH.." if period == "BASE" else f"{period:.<4}"
    if config.tariff == "tempo":
        yield "DEMAIN", _DEMAIN[contract.tomorrow(moment)]
    yield from _currents(meter, config)
    if config.phases == 3:
        yield "PMAX", f"{meter.eve_peak.va:05d}"
    yield "PAPP", f"{round(meter.imported_va, -1):05d}"
    yield "HHPHC", "A"
    yield "MOTDETAT", "000000"
    if config.phases == 3:
        yield "PPOT", "00"


def _currents(meter: Metrology, config: MeterConfig) -> Iterator[Row]:
    amps = meter.phase_amps()
    peaks = meter.phase_amps(max(meter.day_peak.va, meter.eve_peak.va))
    phases = [""] if config.phases == 1 else ["1", "2", "3"]
    for phase, current in zip(phases, amps, strict=True):
        yield f"IINST{phase}", f"{current:03d}"
    if config.phases == 1 and amps[0] > config.subscribed_amps:
        yield "ADPS", f"{amps[0]:03d}"
    for phase, current in zip(phases, peaks, strict=True):
        yield f"IMAX{phase}", f"{current:03d}"
