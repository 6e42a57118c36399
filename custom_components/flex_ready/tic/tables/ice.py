"""ICE (Emeraude, 2 and 4 quadrants), which SAPHIR replaces.

Labels and formats as the LoRaWAN sensors that read it publish them; no frame of a real meter was at hand.
Blocks: `p` the running billing period, `p1` the one before.
"""

from ..forms import Code, Date, Measure, Text
from ..model import Meter
from ._codes import PERIODS, WARNING
from ._table import Label, Table, When

_A, _O, _X = When.ALWAYS, When.OPTION, When.PRESENCE
_S = "02E"
PERIOD_CODES = ("P", "PM", "HCE", "HCH", "HH", "HCD", "HD", "JA", "HPE", "HPH", "HPD", "SCM", "HM", "DSM")
_BLOCKS = (("p", "P", "P"), ("p1", "P-1", "P-1"))

LABELS: tuple[Label, ...] = (
    Label(
        "CONTRAT",
        Code(frozenset(("BASE_A5", "BASE_A8", "EJP_A5", "EJP_A8", "MOD")), "[A-Z0-9_ ]{1,10}"),
        "contract",
        "contrat",
        _A,
        _S,
    ),
    Label("DATECOUR", Date(), "meter clock", "horloge du compteur", _A, _S),
    Label("DATE", Date(), "meter clock", "horloge du compteur", _O, _S),
    Label(
        "EA",
        Measure("Wh"),
        "active energy since the last Td top",
        "énergie active depuis le dernier top Td",
        _A,
        _S,
    ),
    Label(
        "ERP",
        Measure("varh"),
        "positive reactive energy since the last Td top",
        "énergie réactive positive depuis le dernier top Td",
        _A,
        _S,
    ),
    Label("PTCOUR", PERIODS, "tariff period", "période tarifaire", _A, _S),
    Label("PREAVIS", WARNING, "drawn power above KDC", "puissance soutirée au-delà de KDC", _X, _S),
    Label("MODE", Code(frozenset(("CONTROLE",)), "[A-Z0-9_ ]{1,8}"), "control mode", "mode contrôle", _X, _S),
    *(
        row
        for number in range(1, 7)
        for row in (
            Label(f"DATEPA{number}", Date(), f"end of Tc {number}", f"fin du Tc {number}", _A, _S),
            Label(
                f"PA{number}",
                Measure("kW"),
                f"mean power of Tc {number}",
                f"puissance moyenne du Tc {number}",
                _A,
                _S,
            ),
        )
    ),
    *(
        row
        for block, en, fr in _BLOCKS
        for row in (
            Label(f"DEBUT{block}", Date(), f"start of {en}", f"début de {fr}", _A, _S),
            Label(f"FIN{block}", Date(), f"end of {en}", f"fin de {fr}", _O, _S),
            Label(
                f"CAF{block}",
                Measure(None),
                f"coefficient of {en}",
                f"coefficient d'anticipation de {fr}",
                _O,
                _S,
            ),
            *(
                Label(
                    f"EA{block}{code}",
                    Measure("kWh"),
                    f"active energy of {code}, {en}",
                    f"énergie active {code}, {fr}",
                    _O,
                    _S,
                )
                for code in PERIOD_CODES
            ),
            *(
                Label(
                    f"ER{sign}{block}{code}",
                    Measure("kvarh"),
                    f"{word} reactive energy of {code}, {en}",
                    f"énergie réactive {mot} {code}, {fr}",
                    _O,
                    _S,
                )
                for sign, word, mot in (("P", "positive", "positive"), ("N", "negative", "négative"))
                for code in PERIOD_CODES
            ),
        )
    ),
    Label("KDC", Measure("%"), "warning threshold", "seuil d'avertissement de dépassement", _A, _S),
    Label("KDCD", Measure("%"), "end of warning threshold", "seuil de fin d'avertissement", _A, _S),
    *(
        Label(
            f"PS{code}",
            Measure("kW"),
            f"subscribed power of {code}",
            f"puissance souscrite de {code}",
            _O,
            _S,
        )
        for code in PERIOD_CODES
    ),
    Label("PA1MN", Measure("kW"), "mean power over 1 minute", "puissance moyenne sur 1 minute", _O, _S),
    Label("PA10MN", Measure("kW"), "mean power over 10 minutes", "puissance moyenne sur 10 minutes", _O, _S),
    Label(
        "PREA1MN",
        Measure("kvar"),
        "mean reactive power over 1 minute",
        "puissance réactive moyenne sur 1 minute",
        _O,
        _S,
    ),
    Label(
        "PREA10MN",
        Measure("kvar"),
        "mean reactive power over 10 minutes",
        "puissance réactive moyenne sur 10 minutes",
        _O,
        _S,
    ),
    Label("TGPHI", Measure(None), "tan phi", "tan phi", _O, _S),
    Label("U10MN", Measure("V"), "mean voltage over 10 minutes", "tension moyenne sur 10 minutes", _O, _S),
    Label(
        "Appli",
        Text(16, empty=True),
        "application (a second block is injection)",
        "application (un second bloc : injection)",
        _O,
        _S,
    ),
)

TABLE = Table(Meter.ICE, LABELS, frozenset(("CONTRAT",)))
