"""STGE, the status register of a Linky in standard mode (Enedis-NOI-CPT_54E 6.2.3.14)."""

from .model import Fields

BREAKER = (
    "closed",
    "open_overload",
    "open_overvoltage",
    "open_load_shedding",
    "open_order",
    "open_overheating_over_limit",
    "open_overheating_under_limit",
)
_EURIDIS = {0: "off", 1: "on", 3: "on_secured"}
_PLC = ("new_or_unlocked", "new_locked", "registered")
TEMPO = ("none", "blue", "white", "red")


def _name(names: tuple[str, ...], code: int) -> str:
    return names[code] if code < len(names) else "unknown"


def read_stge(word: int) -> Fields:
    """Take the 32 bits apart; a code the document does not name reads "unknown"."""

    def bits(low: int, width: int) -> int:
        return word >> low & (1 << width) - 1

    return {
        "dry_contact": "open" if bits(0, 1) else "closed",
        "breaker": _name(BREAKER, bits(1, 3)),
        "terminal_cover": "open" if bits(4, 1) else "closed",
        "overvoltage": bool(bits(6, 1)),
        "over_reference_power": bool(bits(7, 1)),
        "producer": bool(bits(8, 1)),
        "exporting": bool(bits(9, 1)),
        "supplier_index": bits(10, 4) + 1,
        "distributor_index": bits(14, 2) + 1,
        "clock_degraded": bool(bits(16, 1)),
        "tic_mode": "standard" if bits(17, 1) else "historique",
        "euridis_output": _EURIDIS.get(bits(19, 2), "unknown"),
        "plc_state": _name(_PLC, bits(21, 2)),
        "plc_synchronised": bool(bits(23, 1)),
        "tempo_today": TEMPO[bits(24, 2)],
        "tempo_tomorrow": TEMPO[bits(26, 2)],
        "mobile_peak_notice": bits(28, 2),
        "mobile_peak": bits(30, 2),
    }
