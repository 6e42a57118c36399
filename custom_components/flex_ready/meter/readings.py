"""How the values that no single label carries are read from the state of a meter (pure)."""

from ..tic import Meter, stge
from ..tic.stge import TEMPO
from .state import MeterState

PERIODS = ("p", "pm", "hh", "hp", "hc", "hph", "hch", "hpe", "hce", "hpb", "hcb", "hpd", "hcd", "ja", "none", "other")
"""The codes of PTCOUR1 and the like; "other" is what no document names."""
PTEC = ("th", "hc", "hp", "hn", "pm", "hcjb", "hpjb", "hcjw", "hpjw", "hcjr", "hpjr", "other")
BREAKER = (*stge.BREAKER, "other")


def measured_power(state: MeterState, *keys: str) -> int | None:
    """Return the power of the first label that tells it, W or VA: by slope for energies, else as sent."""
    for key in keys:
        if state.group(key) is not None and (power := state.td.power(key)) is not None:
            return round(power)
        if key.startswith(("PAPP", "SINST")) and (sent := state.number(key)) is not None:
            return round(sent)
    return None


def contract_power(state: MeterState, unit: str, label: str = "PS") -> float | None:
    """Return the subscribed power (or what `label` carries) where it is in `unit` (kW or kVA).

    A PME-PMI sends that of the running period, a SAPHIR and an ICE one per period, a Linky in standard mode PREF.
    """
    key = label
    if label == "PS":
        key = _contract_label(state) or label
    group = state.group(key)
    return state.number(key) if group and group.unit == unit else None


def _contract_label(state: MeterState) -> str | None:
    match state.meter:
        case Meter.LINKY_STANDARD:
            return "PREF"
        case Meter.ICE:
            return f"PS{state.text('PTCOUR')}"
        case Meter.SAPHIR:
            running = state.text("PTCOURD")
            numbers = (n for n in range(1, 9) if running and state.text(f"LIB_p{n}D") == running)
            return next((f"PSp{n}" for n in numbers), None)
    return None


def td_minutes(state: MeterState) -> int | None:
    """Return Td in minutes, once it is known."""
    return state.td.td


def td_overrun(state: MeterState) -> bool | None:
    """Tell whether the energy of the running Td is already more than the subscribed power allows for all of it.

    In exact integers: E(Td) x 60 > PS x 1000 x Td (Flex Ready reference 2.4.3); VAh against kVA, Wh against kW.
    """
    td = state.td.td
    for unit, counters in (("kVA", ("EAPP_s",)), ("kW", ("EA_s", "EAS", "EA"))):
        limit = contract_power(state, unit)
        energy = next((value for key in counters if (value := state.number(key)) is not None), None)
        if td is not None and limit is not None and energy is not None:
            return energy * 60 > limit * 1000 * td
    return None


def period(state: MeterState, *labels: str) -> str | None:
    """Return the running tariff period, as one of PERIODS."""
    code = next((text for label in labels if (text := state.text(label)) is not None), None)
    return None if code is None else _one_of(PERIODS, "none" if code == "000" else code)


def period_historique(state: MeterState) -> str | None:
    """Return the running period of a Linky in historique mode, as one of PTEC."""
    code = state.text("PTEC")
    return None if code is None else _one_of(PTEC, code.strip("."))


def tempo(state: MeterState, field: str) -> str | None:
    """Return the colour of a day of a Tempo contract (a field of STGE, or DEMAIN), as one of TEMPO."""
    sent = state.text("DEMAIN") if field == "tempo_tomorrow" else None
    if sent is not None:
        return {"BLEU": "blue", "BLAN": "white", "ROUG": "red"}.get(sent, "none")
    colour = state.field(field)
    if colour == "none" and "TEMPO" not in (state.text("NGTF") or ""):
        return None  # a contract without colours
    return str(colour) if colour in TEMPO else None


def breaker(state: MeterState) -> str | None:
    """Return the state of the breaker of a Linky, as one of BREAKER."""
    told = state.field("breaker")
    return None if told is None else str(told) if told in BREAKER else "other"


def drift(state: MeterState) -> int | None:
    """Return by how many seconds the meter's clock is ahead of the host's."""
    return None if state.drift_s is None else round(state.drift_s)


def share_of_bad_groups(state: MeterState) -> float | None:
    """Return the share of bad groups over the last hour, in %."""
    share = state.quality.bad_share
    return None if share is None else round(100 * share, 2)


def frame_period(state: MeterState) -> float | None:
    """Return the time between two frames, in s."""
    seconds = state.quality.frame_period
    return None if seconds is None else round(seconds, 1)


def index_of_period(state: MeterState, key: str) -> int | None:
    """Return an energy index in Wh."""
    index = state.book.indexes.get(key)
    return None if index is None else index.wh


def _one_of(options: tuple[str, ...], code: str) -> str:
    lower = code.lower()
    return lower if lower in options else "other"
