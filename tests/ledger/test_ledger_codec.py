"""What is kept is read again as it was, to the last digit; what is not known is refused by its name."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
import json

from hypothesis import given, settings, strategies as st
from kept import NOON, SITE, call, offered, received, step
import pytest

from custom_components.flex_ready.flexibility.model import (
    Confirmation,
    Consumed,
    Direction,
    Offer,
    Quality,
    Request,
)
from custom_components.flex_ready.flexibility.record import Actor, Cause, Effect, Key, State, Transition, Trigger
from custom_components.flex_ready.ledger import LedgerError
from custom_components.flex_ready.ledger.codec import (
    call_of,
    call_row,
    step_of,
    step_row,
    transition_of,
    transition_row,
)
from custom_components.flex_ready.ledger.fields import Row, instant
from custom_components.flex_ready.slots import Series, Slot

TEXTS = st.text(max_size=30)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False)
INSTANTS = st.integers(0, 10**17).map(lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us))
SPANS = st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=9))


@st.composite
def powers(draw: st.DrawFn) -> Series[Decimal]:
    """Give rows of slots, with and without gaps."""
    at, slots = draw(INSTANTS), []
    for length, gap, value in draw(st.lists(st.tuples(SPANS, st.just(timedelta()) | SPANS, NUMBERS), max_size=5)):
        slots.append(Slot(at, at + length, value))
        at += length + gap
    return Series(tuple(slots))


SAID = st.one_of(
    st.none(),
    st.builds(Request, id=TEXTS, flex_product=TEXTS, power=powers(), direction=st.sampled_from(Direction)),
    st.builds(Offer, power=powers(), expires_at=INSTANTS, mobilization_delay=SPANS, price=st.none() | NUMBERS),
    st.builds(
        Confirmation,
        flex_product=st.none() | TEXTS,
        power=st.none() | powers(),
        ack_price=st.none() | NUMBERS,
    ),
)
TRANSITIONS = st.builds(
    Transition,
    key=st.builds(Key, issuer=TEXTS, client=TEXTS, bacs_id=TEXTS, asset_id=TEXTS, request_id=TEXTS),
    revision=st.integers(1, 99),
    trigger=st.sampled_from(Trigger),
    source=st.none() | st.sampled_from(State),
    target=st.sampled_from(State),
    effect=st.sampled_from(Effect),
    actor=st.sampled_from(Actor),
    cause=st.sampled_from(Cause),
    at=INSTANTS,
    said=SAID,
    detail=TEXTS,
)
CONSUMED = st.builds(
    Consumed,
    power=st.none() | NUMBERS,
    energy=st.none() | NUMBERS,
    baseline=st.none() | NUMBERS,
    quality=st.sampled_from(Quality),
)


@settings(max_examples=300, deadline=None)
@given(TRANSITIONS)
def test_a_transition_is_what_it_was(transition: Transition) -> None:
    """Also by its text: 1.50 is not 1.5."""
    row = transition_row(SITE, transition)
    assert transition_of(row) == transition
    assert repr(transition_of(row)) == repr(transition)
    assert not any(isinstance(value, float) for value in row.values())


@settings(max_examples=100, deadline=None)
@given(INSTANTS, SPANS, CONSUMED)
def test_a_step_is_what_it_was(start: datetime, length: timedelta, consumed: Consumed) -> None:
    """To the microsecond."""
    slot = Slot(start, start + length, consumed)
    assert repr(step_of(step_row(SITE, "meter", slot))) == repr(slot)


def test_a_call_is_what_it_was() -> None:
    """All of it."""
    assert call_of(call_row(SITE, call(1))) == call(1)


def test_microseconds_are_exact() -> None:
    """A float would have lost the last one."""
    assert instant(NOON + timedelta(microseconds=1)) - instant(NOON) == 1


def test_every_word_of_an_effect_is_kept_by_its_name() -> None:
    """Its value is a sentence, which may be written better one day."""
    assert transition_row(SITE, offered("r"))["effect"] == "reserve"


OTHER: dict[str, Row] = {
    "word": {"trigger": "postpone"},
    "state": {"target": "postponed"},
    "effect": {"effect": "postpone"},
    "quality of nothing": {"said_kind": "excuse"},
    "member": {"said": json.dumps({**json.loads(str(transition_row(SITE, received("r"))["said"])), "mood": "good"})},
    "less": {"said": "{}"},
    "no JSON": {"said": "{"},
    "no number": {"said": str(transition_row(SITE, received("r"))["said"]).replace('"80000"', '"much"')},
    "no date": {"at": 10**18},
    "far too late": {"at": 10**30},
    "a text": {"at": "noon"},
    "out of order": {"said": str(transition_row(SITE, received("r"))["said"]).replace("[[17", "[[99")},
}


@pytest.mark.parametrize("other", OTHER.values(), ids=OTHER)
def test_what_is_not_known_is_refused_by_name(other: Row) -> None:
    """With the request and the revision that it is about."""
    row = transition_row(SITE, received("req-7")) | other
    with pytest.raises(LedgerError, match="the transition of request_id 'req-7', revision 1 was kept by another"):
        transition_of(row)


def test_so_are_a_step_and_a_call() -> None:
    """Likewise."""
    with pytest.raises(LedgerError, match="step of the load curve of source 'meter'"):
        step_of(step_row(SITE, "meter", step(0, 5)) | {"quality": "guessed"})
    with pytest.raises(LedgerError, match="call of id 3"):
        call_of({"id": 3} | call_row(SITE, call(3)) | {"status": None})
