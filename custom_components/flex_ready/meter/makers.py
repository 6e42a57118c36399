"""Who made a meter, by the first two digits of its serial number (Enedis, Euridis identifiers V3.04A, 27/03/2019)."""

_MAKERS = {
    "01": "Crouzet",
    "02": "Sagemcom",
    "03": "Itron",
    "04": "Landis+Gyr",
    "06": "Itron",
    "11": "Elster",
}


def maker_of(serial: str | None) -> str | None:
    """Return the maker of a meter, or None where its number does not tell."""
    return _MAKERS.get(serial[:2]) if serial and len(serial) == 12 else None
