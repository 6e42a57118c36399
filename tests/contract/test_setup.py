"""A contract as it was set up is read exactly; what makes no sense is refused."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, time, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any, cast
from zoneinfo import ZoneInfo

from homeassistant.config_entries import ConfigSubentry
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.setup import ContractSetup, availability_of, decisions_of, site_of, terms_of
from custom_components.flex_ready.settlement.contract import Availability, Reservation, Terms
from custom_components.flex_ready.settlement.methods import Choice, Method
from custom_components.flex_ready.settlement.model import Direction
from custom_components.flex_ready.settlement.profile import Decisions
from custom_components.flex_ready.settlement.sites import Site, SiteKind

PARIS = ZoneInfo("Europe/Paris")
TERMS: dict[str, Any] = {
    "kind": "contract",
    "reservation": "with_reservation",
    "direction": "increase_net_withdrawal",
    "power": 600,
    "mobilization_delay": 45,
    "min_duration": 30,
    "max_duration": 120,
    "min_gap": 60,
    "starts": "2026-11-01",
    "ends": "2027-10-31",
    "variable_premium": "199.95",
    "fixed_premium": "30000.10",
    "expected_call": "20.123456",
    "probability": "12.5",
}
PERIOD = {"from": "18:00:00", "to": "00:30:00", "power": 512.345, "days": ["mon", "sun"]}
SITE: dict[str, Any] = {
    "source": "entity",
    "withdrawn": "sensor.energy",
    "site_id": "30001234567890",
    "entity": "EF1",
    "site_kind": "injection",
    "method": "med4s",
    "max_activation": 0.1,
    "subscribed": 36,
    "joined": "2026-11-15",
    "left": "2027-01-01",
    "consent": True,
    "other_operator": True,
}
WITHOUT = {
    **{key: value for key, value in TERMS.items() if key not in ("fixed_premium", "expected_call", "probability")},
    "reservation": "without_reservation",
}


def test_terms() -> None:
    """Amounts are those that were written; times and shares are exact."""
    assert terms_of(TERMS, [PERIOD], PARIS) == Terms(
        reservation=Reservation.ACTIVE,
        direction=Direction.INCREASE_NET_WITHDRAWAL,
        power_w=600_000,
        dmo=timedelta(minutes=45),
        least_duration=timedelta(minutes=30),
        most_duration=timedelta(hours=2),
        least_gap=timedelta(hours=1),
        starts=date(2026, 11, 1),
        ends=date(2027, 10, 31),
        zone=PARIS,
        variable_premium=Decimal("199.95"),
        availability=(Availability(start=time(18), end=time(0, 30), power_w=512_345, days=frozenset({0, 6})),),
        fixed_premium=Decimal("30000.10"),
        expected_call_wh=20_123_456,
        probability=Fraction(1, 8),
    )
    assert terms_of(TERMS, [PERIOD], PARIS).wrong() == ()


def test_terms_without_reservation() -> None:
    """There is no more than was said."""
    terms = terms_of({key: value for key, value in WITHOUT.items() if key != "max_duration"}, (), PARIS)
    assert (terms.most_duration, terms.fixed_premium, terms.expected_call_wh, terms.probability) == (None,) * 4
    assert (terms.reserved, terms.availability, terms.wrong()) == (False, (), ())


@pytest.mark.parametrize("days", [None, []])
def test_a_period_without_days_is_on_each(days: list[str] | None) -> None:
    """Whether none was said, or they were left out."""
    said = {key: value for key, value in PERIOD.items() if key != "days"}
    period = availability_of(said if days is None else {**said, "days": days})
    assert period.days == frozenset(range(7))


def test_a_site() -> None:
    """A power of a tenth of a kW is 100 W, not 99."""
    assert site_of(SITE) == Site(
        id="30001234567890",
        entity="EF1",
        kind=SiteKind.INJECTION,
        method=Method.MED4S,
        max_activation_w=100,
        subscribed_w=36_000,
        joined=date(2026, 11, 15),
        left=date(2027, 1, 1),
        consent=True,
        other_operator=True,
    )
    assert site_of({key: value for key, value in SITE.items() if key != "left"}).left is None


@pytest.mark.parametrize(
    ("name", "word"),
    [(field.name, word) for field in fields(Decisions) for word in type(getattr(Decisions(), field.name))],
)
def test_each_decision(name: str, word: StrEnum) -> None:
    """What is said is decided; all else is as recommended."""
    decisions = decisions_of({**WITHOUT, "decisions": {name: word.value}})
    assert getattr(decisions, name) is word
    others = [field.name for field in fields(Decisions) if field.name != name]
    assert all(getattr(decisions, other) is getattr(Decisions(), other) for other in others)


def test_nothing_is_decided_otherwise() -> None:
    """Then all is as recommended."""
    assert decisions_of(WITHOUT) == Decisions()


def subentry(kind: str, name: str, data: Mapping[str, Any]) -> ConfigSubentry:
    """Make a subentry, whose id is its name."""
    return ConfigSubentry(
        data=MappingProxyType({**data}), subentry_type=kind, title=name, unique_id=None, subentry_id=name
    )


def test_a_contract_with_its_subentries() -> None:
    """Each entity has the method of its sites, with the contract's mobilisation delay."""
    found = [
        subentry("availability", "evening", PERIOD),
        subentry("perimeter_site", "school", SITE),
        subentry("perimeter_site", "hotel", {**SITE, "entity": "EF2", "method": "site_by_site"}),
        subentry("perimeter_site", "gym", SITE),
    ]
    entry = MockConfigEntry(domain=DOMAIN, data=TERMS, subentries_data=[one.as_dict() for one in found])
    setup = ContractSetup.of(cast("Any", entry), PARIS)
    assert setup.terms == terms_of(TERMS, [PERIOD], PARIS)
    assert setup.sites == {one.subentry_id: site_of(one.data) for one in found[1:]}
    delay = timedelta(minutes=45)
    assert setup.choices == {
        "EF1": Choice(method=Method.MED4S, dmo=delay),
        "EF2": Choice(method=Method.SITE_BY_SITE, dmo=delay),
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"reservation": "reactive"},
        {"direction": "hausse"},
        {"power": "much"},
        {"starts": "soon"},
        {"variable_premium": "cheap"},
        {"fixed_premium": ""},
        {"probability": "likely"},
        {"decisions": {"negative": "maybe"}},
    ],
)
def test_what_makes_no_sense(wrong: dict[str, Any]) -> None:
    """It is refused in the way that the set-up expects."""
    entry = MockConfigEntry(domain=DOMAIN, data={**TERMS, **wrong})
    with pytest.raises(ValueError, match=r"."):
        ContractSetup.of(cast("Any", entry), PARIS)


@pytest.mark.parametrize("left_out", ["reservation", "power", "starts", "variable_premium"])
def test_what_is_missing(left_out: str) -> None:
    """So is what lacks something."""
    entry = MockConfigEntry(domain=DOMAIN, data={key: value for key, value in TERMS.items() if key != left_out})
    with pytest.raises(KeyError, match=left_out):
        ContractSetup.of(cast("Any", entry), PARIS)
