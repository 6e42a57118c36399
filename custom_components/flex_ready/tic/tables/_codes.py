"""Codes that several meters share."""

from ..forms import Code

PERIODS = Code(
    frozenset(
        (
            "P",
            "PM",
            "HH",
            "HP",
            "HC",
            "HPH",
            "HCH",
            "HPE",
            "HCE",
            "HPB",
            "HCB",
            "HPD",
            "HCD",
            "JA",
            "000",
            "XXX",
            "?",
        )
    ),
    r" {0,2}[A-Z0-9?]{1,3} {0,2}",
)
"""Tariff periods: P peak, PM mobile peak, HH winter hours, HP/HC peak and off-peak hours of the year or, with a
letter, of winter (H), summer (E, named B by TURPE 6), half-season (D); JA July and August; 000 none."""

CONTRACTS = Code(
    frozenset(
        (
            "BT 4 SUP36",
            "BT 5 SUP36",
            "HTA 5",
            "HTA 8",
            "TJ EJP",
            "TJ EJP-HH",
            "TJ EJP-PM",
            "TJ EJP-SD",
            "TJ LU",
            "TJ LU-CH",
            "TJ LU-P",
            "TJ LU-PH",
            "TJ LU-SD",
            "TJ MU",
            "TV A5 BASE",
            "TV A8 BASE",
        )
    ),
    r"[ -_a-~]{1,10}",
)
"""Tariff treatments; a supplier may name his own."""

WARNING = Code(frozenset(("DEP",)), r" {0,2}[A-Z]{3} {0,2}")
"""PREAVIS: no other code is known."""
