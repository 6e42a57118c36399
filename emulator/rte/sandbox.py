"""RTE's sandbox: always the same four days of June 2022, out of order, the first of them begun (composed anew)."""


def _day(day: str, dvalue: int, levels: str, first: int = 0) -> dict[str, object]:
    return {
        "GenerationFichier": "2022-06-03T07:36:25+02:00",
        "jour": f"2022-06-{day}T00:00:00+02:00",
        "dvalue": dvalue,
        "message": " Pas d\u2019alerte " if dvalue == 1 else " Alerte ",
        "values": [{"pas": pas, "hvalue": int(level)} for pas, level in enumerate(levels, first)],
    }


SANDBOX: dict[str, object] = {
    "signals": [
        _day("06", 1, "001111111111111111111110"),
        _day("03", 3, "22111112222333221", first=7),
        _day("05", 2, "111111122222111111222111"),
        _day("04", 3, "111111223332211111233321"),
    ]
}
