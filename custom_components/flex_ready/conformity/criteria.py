"""The criteria of the Flex Ready referential, in its own words (pure).

Source: the referential's sections 2.4.3 (meter) and 2.5 (Ecowatt) and its annexes 1 (operator) and 2 (supplier), as far
as they are public. What they leave open stands beside the row that decides it.
"""

from dataclasses import dataclass
from enum import StrEnum

from ..tic import Meter

CLOCK_TOLERANCE_S = 30
"""The referential gives none: half of the minute by which a PME-PMI judges the subscribed power."""
CALLED_WITHIN_DAYS = 7
"""An operator that called before tells nothing of today."""


class Part(StrEnum):
    """The parts of the referential."""

    METER = "meter"
    ECOWATT = "ecowatt"
    SUPPLIER = "supplier"
    OPERATOR = "operator"

    @property
    def standing(self) -> Standing:
        """Return what the referential says of the part as a whole."""
        return _STANDINGS.get(self, Standing.NOT_STATED)


class Standing(StrEnum):
    """Whether the mark can be had without a part."""

    MANDATORY = "mandatory"
    """2.5: "une condition obligatoire"."""
    OPTIONAL = "optional"
    """2.4.1: "une condition optionnelle"."""
    NOT_STATED = "not_stated"
    """The annexes describe it; what is public does not say whether it may be left out."""


_STANDINGS = {Part.METER: Standing.OPTIONAL, Part.ECOWATT: Standing.MANDATORY}


class Sent(StrEnum):
    """When a meter of the referential has to send a label."""

    ALWAYS = "always"
    WARNING = "warning"
    """Only while it warns of too much power."""
    MEDIUM_VOLTAGE = "medium_voltage"
    """Counts for a customer of medium voltage only: the subscribed power is in kW."""
    EACH_PERIOD = "each_period"
    """The x stands for each period that a LIB_pxD names."""
    SOME_PERIOD = "some_period"
    """The x stands for one period at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One criterion."""

    id: str
    part: Part
    source: str
    """Section or annex of the referential."""
    words: str
    """The referential's own, in French or, in its annexes, in English."""
    label: str = ""
    """As the referential spells it, of a criterion that is about one label."""
    sent: Sent = Sent.ALWAYS

    @property
    def check(self) -> str:
        """Return what says what is looked at: one text for all labels of one kind, one for each other criterion."""
        return f"label_{self.sent}" if self.label else self.id


def _label(meter: Meter, label: str, words: str, sent: Sent = Sent.ALWAYS) -> Criterion:
    return Criterion(
        id=f"{meter}_{label.lower()}",
        part=Part.METER,
        source=f"2.4.3, critère 2, TIC {'PME-PMI' if meter is Meter.PME_PMI else 'SAPHIR'}",
        words=f"[{label}] : {words}",
        label=label,
        sent=sent,
    )


def _ecowatt(key: str, words: str) -> Criterion:
    return Criterion(id=key, part=Part.ECOWATT, source="2.5", words=words)


def _supplier(key: str, words: str) -> Criterion:
    return Criterion(id=key, part=Part.SUPPLIER, source="annexe 2", words=words)


def _operator(key: str, words: str) -> Criterion:
    return Criterion(id=key, part=Part.OPERATOR, source="annexe 1", words=words)


TIC_CONNECTION = Criterion(
    id="tic_connection",
    part=Part.METER,
    source="2.4.3, critère 1",
    words="se connecter physiquement à la TIC du compteur PME-PMI et/ou SAPHIR, de manière directe ou indirecte",
)
CLOCK_IN_STEP = Criterion(
    id="clock_in_step",
    part=Part.METER,
    source="2.4.3, critère 2, cas d'usage de [DATE]",
    words="Synchronisation avec l'horloge du compteur",
)

LABELS: dict[Meter, tuple[Criterion, ...]] = {
    Meter.PME_PMI: (
        _label(Meter.PME_PMI, "DATE", "Horodate courante du compteur (utilisée pour la facturation)"),
        _label(
            Meter.PME_PMI,
            "PREAVIS",
            "émis que lorsque la puissance atteinte mesurée 1 mn est supérieure au seuil de 90% de la puissance "
            "souscrite de la période tarifaire en cours",
            Sent.WARNING,
        ),
        _label(Meter.PME_PMI, "PS", "puissance souscrite de la période tarifaire en cours"),
        _label(Meter.PME_PMI, "EAPP_s", "énergie apparente soutirée depuis le dernier top Td"),
        _label(
            Meter.PME_PMI,
            "EA_s",
            "énergie active soutirée depuis le dernier top Td. Concerne uniquement les cas particuliers d'un client "
            "HTA avec comptage BT PME-PMI au secondaire",
            Sent.MEDIUM_VOLTAGE,
        ),
        _label(Meter.PME_PMI, "PTCOUR1", "Période tarifaire courante du calendrier distributeur"),
        _label(Meter.PME_PMI, "PTCOUR2", "Période tarifaire courante du calendrier fournisseur"),
        _label(
            Meter.PME_PMI,
            "EAP_s",
            "Energie active soutirée de la période tarifaire en cours du calendrier distributeur",
        ),
        _label(
            Meter.PME_PMI,
            "EaP_s2",
            "Energie active soutirée de la période tarifaire en cours du calendrier fournisseur",
        ),
    ),
    Meter.SAPHIR: (
        _label(Meter.SAPHIR, "DATE", "Horodate courante du compteur (utilisée pour la facturation)"),
        _label(
            Meter.SAPHIR,
            "PREAVIS",
            "émis que lorsque la puissance active soutirée est supérieure au seuil de [KDC] de la puissance souscrite",
            Sent.WARNING,
        ),
        _label(Meter.SAPHIR, "KDC", "seuil d'avertissement de dépassement de puissance (en %)"),
        _label(Meter.SAPHIR, "KDCD", "seuil de fin d'avertissement de dépassement de puissance souscrite (en %)"),
        _label(
            Meter.SAPHIR,
            "PSpx",
            "puissance souscrite de la période x en cours du calendrier distributeur (en kW)",
            Sent.EACH_PERIOD,
        ),
        _label(Meter.SAPHIR, "PTCOURD", "Période tarifaire courante du calendrier distributeur"),
        _label(
            Meter.SAPHIR,
            "LIB_pxD",
            "Libellé de la période tarifaire n° x (x=1 à 8) de la grille D",
            Sent.SOME_PERIOD,
        ),
        _label(Meter.SAPHIR, "EAS", "Energie active en soutirage depuis le dernier top Td"),
        _label(Meter.SAPHIR, "PTCOURF", "Période tarifaire courante du calendrier fournisseur"),
        _label(
            Meter.SAPHIR,
            "EAp_xSD",
            "Index d'énergie active soutirée de la période tarifaire n° x (x=1 à 8) de la grille distributeur",
            Sent.EACH_PERIOD,
        ),
        # Which periods the supplier's grid has no label of the referential tells.
        _label(
            Meter.SAPHIR,
            "EAp_xSF",
            "Index d'énergie active soutirée de la période tarifaire n° x (x=1 à 8) et de grille fournisseur",
            Sent.SOME_PERIOD,
        ),
    ),
}
"""What 2.4.3 wants of each meter. ICE and Linky have no table: 2.4.2.1 leaves them out of the first version."""

ECOWATT_INTEGRATED = _ecowatt("ecowatt_integrated", "l'intégration de l'API Ecowatt est une condition obligatoire")
ECOWATT_LIVE = _ecowatt("ecowatt_live", "recevoir en temps réel les signaux d'alerte sur l'état du réseau électrique")
ECOWATT_FOLLOWED = _ecowatt("ecowatt_followed", "ajuster automatiquement les consommations")

SUPPLIER_RECEIVED = _supplier("supplier_received", "Get Commodity Prices Exchange (getCommodityPricesExchange)")
SUPPLIER_TRIPLETS = _supplier(
    "supplier_triplets",
    "Float quantities (Power, Cost, CO2): each point is represented by a triplet (JSON)",
)

API_SERVED = _operator("api_served", 'URL: ".../bacs/{bacs_id}/assets/{asset_id}/..."')
API_ADDRESS = _operator("api_address", 'URL: "https://..."')
API_ANSWERS = _operator("api_answers", "Authorization: Bearer <your_jwt_token>")
ASSET_OFFERED = _operator("asset_offered", "Assets Data: Flex Product, Potential (Potentiel)")
OPERATOR_NAMED = _operator("operator_named", "The needed JWT token will be provided during user authentication")
OPERATOR_CALLED = _operator("operator_called", "4. Create Flex Request (Operator), 7. Retrieve Asset Consumption Data")
REQUESTS_KEPT = _operator("requests_kept", "4. Create Flex Request, 5. Confirm Flex Request")
LOADS_COMMANDED = _operator("loads_commanded", "6. Realize Flex Request")
CONSUMPTIONS_KEPT = _operator("consumptions_kept", "7. Retrieve Asset Consumption Data: a) Detailed Consumption")

OTHERS = (
    ECOWATT_INTEGRATED,
    ECOWATT_LIVE,
    ECOWATT_FOLLOWED,
    SUPPLIER_RECEIVED,
    SUPPLIER_TRIPLETS,
    API_SERVED,
    API_ADDRESS,
    API_ANSWERS,
    ASSET_OFFERED,
    OPERATOR_NAMED,
    OPERATOR_CALLED,
    REQUESTS_KEPT,
    LOADS_COMMANDED,
    CONSUMPTIONS_KEPT,
)
"""What is judged whatever the meter."""
CRITERIA = (TIC_CONNECTION, *LABELS[Meter.PME_PMI], *LABELS[Meter.SAPHIR], CLOCK_IN_STEP, *OTHERS)
"""All there are."""
