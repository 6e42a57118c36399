"""Linky in historique mode, and the electronic meters before it (Enedis-NOI-CPT_54E v3, 6.1)."""

from ..forms import Code, Digits, Identifier
from ..model import Meter
from ._table import Label, Table, When

_A, _O, _3, _X = When.ALWAYS, When.OPTION, When.THREE_PHASE, When.PRESENCE
_S = "54E 6.1"
_INDEX = Digits(9, "Wh")
_AMPERES = Digits(3, "A")

INDEXES: tuple[tuple[str, str, str], ...] = (
    ("BASE", "total index", "index total"),
    ("HCHC", "off-peak index", "index heures creuses"),
    ("HCHP", "peak hours index", "index heures pleines"),
    ("EJPHN", "EJP normal hours index", "index EJP heures normales"),
    ("EJPHPM", "EJP mobile peak index", "index EJP pointe mobile"),
    ("BBRHCJB", "Tempo blue off-peak index", "index Tempo bleu heures creuses"),
    ("BBRHPJB", "Tempo blue peak hours index", "index Tempo bleu heures pleines"),
    ("BBRHCJW", "Tempo white off-peak index", "index Tempo blanc heures creuses"),
    ("BBRHPJW", "Tempo white peak hours index", "index Tempo blanc heures pleines"),
    ("BBRHCJR", "Tempo red off-peak index", "index Tempo rouge heures creuses"),
    ("BBRHPJR", "Tempo red peak hours index", "index Tempo rouge heures pleines"),
)

LABELS: tuple[Label, ...] = (
    *(
        Label(
            f"ADIR{phase}",
            _AMPERES,
            f"over-current on phase {phase}",
            f"dépassement sur la phase {phase}",
            _X,
            _S,
        )
        for phase in (1, 2, 3)
    ),
    Label("ADCO", Identifier(12), "meter address", "adresse du compteur", _A, _S),
    Label(
        "OPTARIF",
        Code(frozenset(("BASE", "HC..", "EJP.")), "[A-Z.][A-Z0-9.]{2}[ -_]"),
        "tariff option",
        "option tarifaire",
        _A,
        _S,
    ),
    Label("ISOUSC", Digits(2, "A"), "subscribed current", "intensité souscrite", _A, _S),
    *(Label(label, _INDEX, en, fr, _O, _S) for label, en, fr in INDEXES),
    Label("PEJP", Digits(2, "min"), "notice of an EJP start", "préavis de début EJP", _X, _S),
    Label(
        "PTEC",
        Code(
            frozenset(("TH..", "HC..", "HP..", "HN..", "PM..", "HCJB", "HPJB", "HCJW", "HPJW", "HCJR", "HPJR")),
            "[A-Z.]{4}",
        ),
        "tariff period",
        "période tarifaire",
        _A,
        _S,
    ),
    Label(
        "DEMAIN",
        Code(frozenset(("----", "BLEU", "BLAN", "ROUG")), "[A-Z-]{4}"),
        "colour of tomorrow",
        "couleur du lendemain",
        _O,
        _S,
    ),
    Label("IINST", _AMPERES, "current", "intensité", _A, _S),
    *(Label(f"IINST{n}", _AMPERES, f"current, phase {n}", f"intensité, phase {n}", _3, _S) for n in (1, 2, 3)),
    Label("ADPS", _AMPERES, "current above the subscribed one", "dépassement de l'intensité souscrite", _X, _S),
    Label("IMAX", _AMPERES, "highest current", "intensité maximale", _A, _S),
    *(
        Label(f"IMAX{n}", _AMPERES, f"highest current, phase {n}", f"intensité maximale, phase {n}", _3, _S)
        for n in (1, 2, 3)
    ),
    Label("PMAX", Digits(5, "W"), "highest power of three phases", "puissance maximale triphasée", _3, _S),
    Label("PAPP", Digits(5, "VA"), "apparent power", "puissance apparente", _A, _S),
    Label("HHPHC", Code(frozenset("ACDEY"), "[ -_]"), "off-peak schedule", "groupe horaire", _O, _S),
    Label("MOTDETAT", Code(frozenset(("000000",)), "[0-9A-F]{6}"), "status word", "mot d'état", _A, _S),
    Label(
        "PPOT",
        Code(frozenset(("00",)), "[0-9A-F]{2}"),
        "presence of voltages",
        "présence des potentiels",
        _3,
        _S,
    ),
)

TABLE = Table(Meter.LINKY_HISTORIQUE, LABELS, frozenset(("ADCO", "ADIR1", "ADIR2", "ADIR3")))
