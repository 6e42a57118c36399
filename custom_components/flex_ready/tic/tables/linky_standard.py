"""Linky in standard mode (Enedis-NOI-CPT_54E v3, 6.2)."""

from ..forms import Digits, Identifier, Nothing, Profile, Register, Text
from ..model import Meter
from ..stge import read_stge
from ._table import Label, Table, When

_A, _O, _P, _3 = When.ALWAYS, When.OPTION, When.PRODUCER, When.THREE_PHASE
_S = "54E 6.2"
_INDEX, _VARH = Digits(9, "Wh"), Digits(9, "VArh")
_VA, _W, _V, _AMPERES, _KVA = (
    Digits(5, "VA"),
    Digits(5, "W"),
    Digits(3, "V"),
    Digits(3, "A"),
    Digits(2, "kVA"),
)
_NUMBER2 = Digits(2)

LABELS: tuple[Label, ...] = (
    Label("ADSC", Identifier(12), "secondary address", "adresse secondaire", _A, _S),
    Label("VTIC", _NUMBER2, "TIC version", "version de la TIC", _A, _S),
    Label("DATE", Nothing(), "meter clock", "horloge du compteur", _A, _S, dated=True),
    Label("NGTF", Text(16, padded=True), "supplier's tariff", "tarif du fournisseur", _A, _S),
    Label("LTARF", Text(16, padded=True), "supplier's running period", "période fournisseur en cours", _A, _S),
    Label("EAST", _INDEX, "active energy drawn, total", "énergie active soutirée totale", _A, _S),
    *(
        Label(
            f"EASF{n:02}",
            _INDEX,
            f"active energy drawn, supplier index {n}",
            f"énergie active soutirée, index fournisseur {n}",
            _A,
            _S,
        )
        for n in range(1, 11)
    ),
    *(
        Label(
            f"EASD{n:02}",
            _INDEX,
            f"active energy drawn, distributor index {n}",
            f"énergie active soutirée, index distributeur {n}",
            _A,
            _S,
        )
        for n in range(1, 5)
    ),
    Label("EAIT", _INDEX, "active energy injected, total", "énergie active injectée totale", _P, _S),
    *(
        Label(f"ERQ{n}", _VARH, f"reactive energy, quadrant {n}", f"énergie réactive, quadrant {n}", _P, _S)
        for n in range(1, 5)
    ),
    *(
        Label(
            f"IRMS{n}",
            _AMPERES,
            f"RMS current, phase {n}",
            f"courant efficace, phase {n}",
            _A if n == 1 else _3,
            _S,
        )
        for n in (1, 2, 3)
    ),
    *(
        Label(
            f"URMS{n}",
            _V,
            f"RMS voltage, phase {n}",
            f"tension efficace, phase {n}",
            _A if n == 1 else _3,
            _S,
        )
        for n in (1, 2, 3)
    ),
    Label("PREF", _KVA, "reference power", "puissance de référence", _A, _S),
    Label("PCOUP", _KVA, "breaking power", "puissance de coupure", _A, _S),
    Label("SINSTS", _VA, "apparent power drawn", "puissance apparente soutirée", _A, _S),
    *(
        Label(
            f"SINSTS{n}",
            _VA,
            f"apparent power drawn, phase {n}",
            f"puissance apparente soutirée, phase {n}",
            _3,
            _S,
        )
        for n in (1, 2, 3)
    ),
    Label("SINST1", _VA, "apparent power drawn (pilot meters)", "puissance apparente soutirée (pilotes)", _O, _S),
    *(
        Label(
            f"SMAX{kind}{phase}{day}",
            _VA,
            f"highest apparent power {en}{f', phase {phase}' if phase else ''}, {when}",
            f"puissance apparente maximale {fr}{f', phase {phase}' if phase else ''}, {quand}",
            _P if kind == "IN" else (_3 if phase else _A),
            _S,
            dated=True,
        )
        for kind, en, fr, phases in (
            ("SN", "drawn", "soutirée", ("", "1", "2", "3")),
            ("IN", "injected", "injectée", ("",)),
        )
        for phase in phases
        for day, when, quand in (("", "today", "aujourd'hui"), ("-1", "yesterday", "hier"))
    ),
    Label(
        "SMAXN",
        _VA,
        "highest apparent power, today (pilot meters)",
        "maximum du jour (pilotes)",
        _O,
        _S,
        dated=True,
    ),
    Label(
        "SMAXN-1",
        _VA,
        "highest apparent power, yesterday (pilot meters)",
        "maximum d'hier (pilotes)",
        _O,
        _S,
        dated=True,
    ),
    Label("SINSTI", _VA, "apparent power injected", "puissance apparente injectée", _P, _S),
    Label(
        "CCASN",
        _W,
        "load curve, latest point drawn",
        "courbe de charge, dernier point soutiré",
        _A,
        _S,
        dated=True,
    ),
    Label("CCASN-1", _W, "load curve, point before", "courbe de charge, point précédent", _A, _S, dated=True),
    Label(
        "CCAIN",
        _W,
        "load curve, latest point injected",
        "courbe de charge, dernier point injecté",
        _P,
        _S,
        dated=True,
    ),
    Label(
        "CCAIN-1",
        _W,
        "load curve, injected point before",
        "courbe de charge, point injecté précédent",
        _P,
        _S,
        dated=True,
    ),
    *(
        Label(
            f"UMOY{n}",
            _V,
            f"mean voltage, phase {n}",
            f"tension moyenne, phase {n}",
            _A if n == 1 else _3,
            _S,
            dated=True,
        )
        for n in (1, 2, 3)
    ),
    Label("STGE", Register(8, read_stge), "status register", "registre de statuts", _A, _S),
    *(
        row
        for n in (1, 2, 3)
        for row in (
            Label(
                f"DPM{n}",
                _NUMBER2,
                f"start of mobile peak {n}",
                f"début de pointe mobile {n}",
                _O,
                _S,
                dated=True,
            ),
            Label(
                f"FPM{n}",
                _NUMBER2,
                f"end of mobile peak {n}",
                f"fin de pointe mobile {n}",
                _O,
                _S,
                dated=True,
            ),
        )
    ),
    Label("MSG1", Text(32, empty=True, padded=True), "short message", "message court", _A, _S),
    Label("MSG2", Text(16, empty=True), "very short message", "message ultra court", _O, _S),
    Label("PRM", Identifier(14), "delivery point", "point de livraison", _A, _S),
    Label("RELAIS", Digits(3), "state of 8 relays", "état de 8 relais", _A, _S),
    Label("NTARF", _NUMBER2, "supplier's running index", "index fournisseur en cours", _A, _S),
    Label("NJOURF", _NUMBER2, "supplier's day number, today", "jour fournisseur, aujourd'hui", _A, _S),
    Label("NJOURF+1", _NUMBER2, "supplier's day number, tomorrow", "jour fournisseur, demain", _A, _S),
    Label("PJOURF+1", Profile(), "supplier's profile of tomorrow", "profil fournisseur de demain", _A, _S),
    Label("PPOINTE", Profile(), "profile of the next peak day", "profil du prochain jour de pointe", _O, _S),
)

TABLE = Table(Meter.LINKY_STANDARD, LABELS, frozenset(("ADSC",)))
