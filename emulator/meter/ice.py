"""The ICE (Emeraude, two quadrants) under a basic A5 contract: zero-padded numbers with their unit.

Labels, order and widths: firmware tables of public decoders; no frame of one is public.
"""

from collections.abc import Iterator
from fractions import Fraction

from .clock import slashed
from .config import MeterConfig
from .metrology import KDC, KDCD, NOMINAL_V, Energies, Metrology, kwh, wh
from .wire import Group

type Row = tuple[str, str]

_PERIODS = ("P", "HCE", "HCH", "HPE", "HPH")
_POWERS = ("P", "HPH", "HCH", "HPE", "HCE")
_LINE_V = 20_000


def groups(meter: Metrology, config: MeterConfig, _number: int) -> Iterator[Group]:
    """Give the groups of a frame that begins now."""
    for label, data in _rows(meter, config):
        yield Group(label, None, data)


def _rows(meter: Metrology, config: MeterConfig) -> Iterator[Row]:
    now = slashed(meter.now)
    yield "CONTRAT", "BASE_A5"
    yield "DATECOUR", now
    yield "EA", f"{wh(meter.window.ea_s):05d}Wh"
    yield "ERP", f"{wh(meter.window.er_plus_s):05d}varh"
    yield "PTCOUR", meter.period("distributor")
    if meter.warning:
        yield "PREAVIS", "DEP"
    for rank, point in enumerate(meter.pa, 1):
        yield f"DATEPA{rank}", slashed(point.end)
        yield f"PA{rank}", f"{point.mean.ea_s // 1000:05d}kW"
    yield from _billing("p", slashed(meter.period_start), now, meter.indexes["distributor"])
    yield from _billing("p1", slashed(meter.previous_start), slashed(meter.period_start), meter.frozen["distributor"])
    yield "KDC", f"{KDC:03d}%"
    yield "KDCD", f"{KDCD:03d}%"
    for period in _POWERS:
        yield f"PS{period}", f"{config.subscribed:05d}kW"
    ten_minutes = meter.pa[0].mean
    yield "PA1MN", f"{meter.minute.ea_s // 1000:05d}kW"
    yield "PA10MN", f"{ten_minutes.ea_s // 1000:05d}kW"
    yield "PREA1MN", _signed_kvar(meter.minute)
    yield "PREA10MN", _signed_kvar(ten_minutes)
    yield "TGPHI", f"{float(min(abs(meter.td_closed.tan_phi()), Fraction(99))):05.2f}".replace(".", ",")
    yield "U10MN", f"{meter.voltages()[0] * _LINE_V // NOMINAL_V:05d}V"


def _billing(block: str, start: str, end: str, indexes: dict[str, Energies]) -> Iterator[Row]:
    yield f"DEBUT{block}", start
    yield f"FIN{block}", end
    yield f"CAF{block}", "00000"  # codespell:ignore
    for period in _PERIODS:
        index = indexes[period]
        yield f"EA{block}{period}", f"{kwh(index.ea_s):07d}kWh"
        yield f"ERP{block}{period}", f"{kwh(index.er_plus_s):07d}kvarh"
        yield f"ERN{block}{period}", f"{kwh(index.er_minus_s):07d}kvarh"


def _signed_kvar(mean: Energies) -> str:
    return f"{(mean.er_plus_s - mean.er_minus_s) // 1000:+06d}kvar"
