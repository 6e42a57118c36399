"""SAPHIR: HTA. Built from the Flex Ready reference 2.4.3 alone; nobody has published a frame.

Separator, checksum rule and speed are learned from the line, and the `p` and `x` of the labels are taken in any
spelling that a meter may turn out to use (EAp_1SD, EAP1SD, PSp1, PS1, LIB_p1D, LIB_1D). What a real meter sends
beyond these labels is kept as unknown and stands in the diagnostics.
"""

import re

from ..forms import Date, Identifier, Measure, Text
from ..model import Meter
from ._codes import PERIODS, WARNING
from ._table import Label, Table, When

_A, _O, _X = When.ALWAYS, When.OPTION, When.PRESENCE
_FR = "FR"
_GRIDS = (("D", "distributor", "distributeur"), ("F", "supplier", "fournisseur"))

_SPELLINGS = (
    (re.compile(r"PS_?P?_?([1-8])"), r"PSP\1"),
    (re.compile(r"LIB_?P?_?([1-8])_?([DF])"), r"LIB_P\1\2"),
    (re.compile(r"EA_?P?_?([1-8])_?S_?([DF])"), r"EAP_\1S\2"),
)


def spelling(label: str) -> str:
    """Return the one spelling of a label: upper case, one form of `p` and of the underscores."""
    upper = label.upper()
    for pattern, form in _SPELLINGS:
        if match := pattern.fullmatch(upper):
            return match.expand(form)
    return upper


LABELS: tuple[Label, ...] = (
    Label("ADS", Identifier(12), "serial number", "numéro de série", _O, "inferred from PME-PMI"),
    Label("DATE", Date(), "meter clock", "horloge du compteur", _A, _FR),
    Label("PREAVIS", WARNING, "drawn power above KDC", "puissance soutirée au-delà de KDC", _X, _FR),
    Label("KDC", Measure("%"), "warning threshold", "seuil d'avertissement de dépassement", _A, _FR),
    Label("KDCD", Measure("%"), "end of warning threshold", "seuil de fin d'avertissement", _A, _FR),
    Label("PTCOURD", PERIODS, "distributor's tariff period", "période tarifaire du distributeur", _A, _FR),
    Label("PTCOURF", PERIODS, "supplier's tariff period", "période tarifaire du fournisseur", _A, _FR),
    Label(
        "EAS",
        Measure("Wh"),
        "active energy drawn since the last Td top",
        "énergie active soutirée depuis le dernier top Td",
        _A,
        _FR,
    ),
    *(
        Label(
            f"PSp{x}",
            Measure("kW"),
            f"subscribed power of distributor period {x}",
            f"puissance souscrite de la période distributeur {x}",
            _A,
            _FR,
        )
        for x in range(1, 9)
    ),
    *(
        Label(
            f"LIB_p{x}{grid}",
            Text(16, empty=True),
            f"name of {en} period {x}",
            f"libellé de la période {fr} {x}",
            _A if grid == "D" else _O,
            _FR if grid == "D" else "inferred from LIB_pxD",
        )
        for grid, en, fr in _GRIDS
        for x in range(1, 9)
    ),
    *(
        Label(
            f"EAp_{x}S{grid}",
            Measure("kWh"),
            f"active index drawn, {en} period {x}",
            f"index actif soutiré, période {fr} {x}",
            _A,
            _FR,
        )
        for grid, en, fr in _GRIDS
        for x in range(1, 9)
    ),
)

TABLE = Table(Meter.SAPHIR, LABELS, frozenset(), spelling)
