"""The PME-PMI: labels in the order of a real meter's frame, units glued to the numbers.

Labels and formats: Enedis-NOI-CPT_02E as read by public decoders, and a captured Landis+Gyr meter.
"""

from collections.abc import Iterator
from fractions import Fraction

from .clock import slashed
from .config import MeterConfig
from .metrology import Metrology, kwh, serial, wh
from .wire import Group

type Row = tuple[str, str]


def groups(meter: Metrology, config: MeterConfig, _number: int) -> Iterator[Group]:
    """Give the groups of a frame that begins now; ``_i`` labels only with CONFIG PROD."""
    for label, data in _rows(meter, config):
        if config.producer or not label.endswith("_i"):
            yield Group(label, None, data)


def _rows(meter: Metrology, config: MeterConfig) -> Iterator[Row]:
    if config.palier == 2013:
        yield "ADS", serial("0414", "36", config.seed)
    yield "MESURES1", f"{meter.distributor.name:<10}"
    yield "DATE", slashed(meter.now)
    yield from _window(meter)
    yield "PTCOUR1", f"{meter.period('distributor'):<3}"
    yield "TARIFDYN", "INACTIF"
    yield "ETATDYN1", "000"
    yield "CONFIG", "PROD" if config.producer else "CONSO"
    for rank, point in enumerate(meter.pa, 1):
        yield f"DATEPA{rank}", slashed(point.end)
        yield f"PA{rank}_s", f"{point.mean.ea_s // 1000}kW"
        yield f"PA{rank}_i", f"{point.mean.ea_i // 1000}kW"
    yield from _billing(meter, config)
    yield "PS", f"{config.subscribed}{config.unit}"
    if meter.warning:
        yield "PREAVIS", "DEP"
    yield "PA1MN", f"{meter.minute.ea_s // 1000}kW"
    yield from _peaks(meter, config)
    yield "MESURES2", f"{meter.supplier.name:<10}"
    yield "PTCOUR2", f"{meter.period('supplier'):<3}"
    yield "ETATDYN2", "000"
    yield from _supplier_billing(meter, config)


def _window(meter: Metrology) -> Iterator[Row]:
    window = meter.window
    units = ("Wh", "varh", "varh", "VAh")
    for way, registers in (("s", window[:4]), ("i", window[4:])):
        for name, register, unit in zip(("EA", "ER+", "ER-", "EAPP"), registers, units, strict=True):
            yield f"{name}_{way}", f"{wh(register)}{unit}"


def _billing(meter: Metrology, config: MeterConfig) -> Iterator[Row]:
    now = meter.index("distributor")
    yield "DebP", slashed(meter.period_start)
    yield "EAP_s", f"{kwh(now.ea_s)}kWh"
    yield "EAP_i", f"{kwh(now.ea_i)}kWh"
    yield "ER+P_s", f"{kwh(now.er_plus_s)}kvarh"
    yield "ER-P_s", f"{kwh(now.er_minus_s)}kvarh"
    yield "ER+P_i", f"{kwh(now.er_plus_i)}kvarh"
    yield "ER-P_i", f"{kwh(now.er_minus_i)}kvarh"
    before = meter.frozen["distributor"][meter.period("distributor")]
    yield "DebP-1", slashed(meter.previous_start)
    yield "FinP-1", slashed(meter.period_start)
    yield f"{config.spelling}-1_s", f"{kwh(before.ea_s)}kWh"
    yield f"{config.spelling}-1_i", f"{kwh(before.ea_i)}kWh"
    yield "ER+P-1_s", f"{kwh(before.er_plus_s)}kvarh"
    yield "ER-P-1_s", f"{kwh(before.er_minus_s)}kvarh"
    yield "ER+P-1_i", f"{kwh(before.er_plus_i)}kvarh"
    yield "ER-P-1_i", f"{kwh(before.er_minus_i)}kvarh"


def _peaks(meter: Metrology, config: MeterConfig) -> Iterator[Row]:
    reached = meter.pmax.get(meter.period("distributor"))
    active = config.unit == "kW"
    for way, register in (("s", 0 if active else 3), ("i", 4 if active else 7)):
        yield f"PMAX_{way}", f"{reached[register] // 1000 if reached else 0}{config.unit}"
    yield "TGPHI_s", tan_phi(meter.td_closed.tan_phi())
    yield "TGPHI_i", tan_phi(meter.td_closed.tan_phi(export=True))


def _supplier_billing(meter: Metrology, config: MeterConfig) -> Iterator[Row]:
    yield "DebP_2", slashed(meter.period_start)
    yield f"{config.spelling}_s2", f"{kwh(meter.index('supplier').ea_s)}kWh"
    yield "DebP-1_2", slashed(meter.previous_start)
    yield "FinP-1_2", slashed(meter.period_start)
    yield f"{config.spelling}-1_s2", f"{kwh(meter.frozen['supplier'][meter.period('supplier')].ea_s)}kWh"


def tan_phi(value: Fraction) -> str:
    """Write a tan phi as ``±d,dd``, within 9,99."""
    held = max(Fraction(-999, 100), min(Fraction(999, 100), value))
    return f"{float(held):+.2f}".replace(".", ",")
