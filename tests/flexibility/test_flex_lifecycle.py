"""The life of a request: every state and every trigger, by the table, and the table as the docs have it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
import re

import pytest
from said import HOUR, MINUTE, NOON, offer, request

from custom_components.flex_ready.flexibility.lifecycle import TABLE, Facts, Row, markdown, step
from custom_components.flex_ready.flexibility.model import Confirmation, Offer, Request
from custom_components.flex_ready.flexibility.problem import Code, Finding
from custom_components.flex_ready.flexibility.record import (
    Cause,
    Effect,
    Key,
    RequestRecord,
    State,
    Transition,
    Trigger,
)

DOCS = Path(__file__).resolve().parents[2] / "docs/flexibility.md"
KEY = Key(issuer="https://id", client="operator", bacs_id="bacs", asset_id="WholeBuilding", request_id="req-001")
START, LEAD, END = NOON, NOON - MINUTE, NOON + HOUR
GOOD = Facts(now=NOON - HOUR, confirmation=Confirmation(), measured=True)
_ORDERED = (Trigger.RECEIVE, Trigger.OFFER, Trigger.CONFIRM)
_ACTIVE = (*_ORDERED, Trigger.MOBILISE, Trigger.START)
WAYS: dict[State, list[tuple[Trigger, ...]]] = {
    State.RECEIVED: [(Trigger.RECEIVE,)],
    State.OFFERED: [(Trigger.RECEIVE, Trigger.OFFER)],
    State.CONFIRMED: [_ORDERED],
    State.SCHEDULED: [(*_ORDERED, Trigger.SCHEDULE)],
    State.MOBILISING: [(*_ORDERED, Trigger.SCHEDULE, Trigger.MOBILISE)],
    State.ACTIVE: [_ACTIVE],
    State.RECOVERING: [(*_ACTIVE, end) for end in (Trigger.END, Trigger.CANCEL, Trigger.LOSS)],
    State.COMPLETED: [(*_ACTIVE, Trigger.END, Trigger.RECOVER)],
    State.SETTLED: [(*_ACTIVE, Trigger.END, Trigger.RECOVER, Trigger.SETTLE)],
    State.REJECTED: [(Trigger.RECEIVE, Trigger.DECLINE)],
    State.EXPIRED: [(Trigger.RECEIVE, Trigger.OFFER, Trigger.EXPIRE)],
    State.CANCELLED: [(*_ORDERED, Trigger.CANCEL), (*_ACTIVE, Trigger.CANCEL, Trigger.RECOVER)],
    State.FAILED: [(*_ORDERED, Trigger.END), (*_ACTIVE, Trigger.LOSS, Trigger.RECOVER)],
}
SAID: dict[Trigger, Request | Offer | Confirmation] = {
    Trigger.RECEIVE: request(),
    Trigger.OFFER: offer(request()),
    Trigger.CONFIRM: Confirmation(),
}
WHEN = {Trigger.MOBILISE: LEAD, Trigger.START: START, Trigger.END: END, Trigger.RECOVER: END + HOUR}
"""When a trigger comes, in a life without trouble."""


def lived(triggers: tuple[Trigger, ...]) -> RequestRecord:
    """Return a record that these things happened to."""
    record: RequestRecord | None = None
    for revision, trigger in enumerate(triggers, 1):
        active = record is not None and record.state is State.ACTIVE
        now = WHEN.get(trigger, START + MINUTE if active else END if trigger is Trigger.EXPIRE else NOON - HOUR)
        row = step(record, trigger, replace(GOOD, now=now))
        assert isinstance(row, Row), row
        made = Transition(
            key=KEY,
            revision=revision,
            trigger=trigger,
            source=row.source,
            target=row.target,
            effect=row.effect,
            actor=row.actor,
            cause=row.cause,
            at=now,
            said=SAID.get(trigger),
        )
        record = RequestRecord((made,)) if record is None else record.after(made)
    assert record is not None
    return record


def worlds() -> list[Facts]:
    """Give the instants that matter, with and without what a guard may want."""
    instants = [NOON - HOUR, LEAD, START, START + MINUTE, END, END + 3 * HOUR]
    return [
        Facts(now=now, confirmation=Confirmation(), reachable=fine, measured=fine, ramped=fine, start_late=fine)
        for now, fine in product(instants, (True, False))
    ]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("trigger", Trigger)
def test_every_pair_is_in_the_table_or_refused(state: State, trigger: Trigger) -> None:
    """A pair that is in it leads where it says, in some world; any other is an invalid state, in all."""
    rows = {row for row in TABLE if (row.source, row.trigger) == (state, trigger)}
    reached = set()
    for way, facts in product(WAYS[state], worlds()):
        record = lived(way)
        assert record.state is state
        found = step(record, trigger, facts)
        if isinstance(found, Row):
            reached.add(found)
        elif not rows:
            assert found.code is Code.INVALID_STATE
    assert reached == rows


def test_a_life_begins_with_a_request() -> None:
    """And nothing else happens to one that is not there."""
    for trigger in Trigger:
        assert isinstance(step(None, trigger, GOOD), Row) is (trigger is Trigger.RECEIVE)
    broken = Finding("/power", Code.POWER_EXCEEDED, "")
    assert step(None, Trigger.RECEIVE, replace(GOOD, findings=(broken,))) is broken


def test_the_states_are_thirteen_and_all_are_reached() -> None:
    """Nothing leads into a state that nothing leads out of, but the four ends."""
    assert len(State) == 13
    assert {row.target for row in TABLE} == {*State}
    assert {*State} - {row.source for row in TABLE} == {State.SETTLED, State.REJECTED, State.EXPIRED}


def test_the_docs_have_the_table() -> None:
    """Word by word."""
    assert markdown() in DOCS.read_text()


def test_what_an_order_is_refused_for() -> None:
    """Late, dear, another product, another power, too soon."""
    record = lived(WAYS[State.OFFERED][0])
    wanted = request()
    less = replace(wanted, power=request(kilowatts=79).power).power

    def code(order: Confirmation, **others: object) -> Code | None:
        found = step(record, Trigger.CONFIRM, replace(GOOD, confirmation=order, **others))  # type: ignore[arg-type]
        return found.code if isinstance(found, Finding) else None

    assert code(Confirmation(power=wanted.power, ack_price=Decimal("0.085"))) is None
    assert code(Confirmation(ack_price=Decimal("0.0849"))) is Code.PRICE_MISMATCH
    assert code(Confirmation(flex_product="WDA")) is Code.PRODUCT_NOT_OFFERED
    assert code(Confirmation(power=less)) is Code.POWER_EXCEEDED
    assert code(Confirmation(power=less), partial=True) is None
    assert code(Confirmation(power=request(kilowatts=81).power), partial=True) is Code.POWER_EXCEEDED
    assert code(Confirmation(), now=NOON - 15 * MINUTE) is Code.OFFER_EXPIRED
    assert code(Confirmation(), now=NOON - 15 * MINUTE - timedelta(seconds=1)) is None
    assert code(Confirmation(), findings=(Finding("", Code.QUOTA_EXHAUSTED, ""),)) is Code.QUOTA_EXHAUSTED


def test_an_order_at_the_very_delay() -> None:
    """Equality is enough (T3), if the offer still stands."""
    record = lived((Trigger.RECEIVE,))
    made = replace(offer(request()), expires_at=NOON)
    row = step(record, Trigger.OFFER, GOOD)
    assert isinstance(row, Row)
    last = replace(record.history[0], revision=2, target=row.target, trigger=row.trigger, said=made)
    record = record.after(last)
    assert isinstance(step(record, Trigger.CONFIRM, replace(GOOD, now=LEAD)), Row)
    late = step(record, Trigger.CONFIRM, replace(GOOD, now=LEAD + timedelta(seconds=1)))
    assert isinstance(late, Finding)


def test_what_a_record_knows() -> None:
    """All of it follows from its history."""
    record = lived(WAYS[State.RECOVERING][2])
    assert (record.revision, record.key, record.lead, record.start, record.end) == (6, KEY, LEAD, START, END)
    assert record.counted
    assert record.held == record.power.cut(START, START + MINUTE)
    assert record.as_of(2).state is State.OFFERED
    assert (record.ended and record.ended.cause) is Cause.DEVICES_LOST
    assert record.due(START) is None
    active = lived(WAYS[State.ACTIVE][0])
    assert active.due(START) == active.power.slots[0]
    called_off = lived(WAYS[State.CANCELLED][0])
    assert (called_off.history[-1].effect, called_off.counted, called_off.held) == (Effect.REFUND, False, None)


def test_a_restart() -> None:
    """What was missed is late, or starts late where that is allowed; what runs is resumed; what is over is over."""
    scheduled, active = lived(WAYS[State.SCHEDULED][0]), lived(WAYS[State.ACTIVE][0])

    def outcome(record: RequestRecord, **facts: object) -> tuple[State, Cause] | None:
        row = step(record, Trigger.RESTART, replace(GOOD, **facts))  # type: ignore[arg-type]
        return (row.target, row.cause) if isinstance(row, Row) else None

    assert outcome(scheduled, now=LEAD) is None
    assert outcome(scheduled, now=START + MINUTE) == (State.FAILED, Cause.LATE)
    assert outcome(scheduled, now=START + MINUTE, start_late=True) == (State.MOBILISING, Cause.RESTART)
    assert outcome(scheduled, now=END, start_late=True) == (State.FAILED, Cause.LATE)
    assert outcome(active, now=END - MINUTE) == (State.ACTIVE, Cause.RESTART)
    assert outcome(active, now=END) == (State.RECOVERING, Cause.RESTART)


def test_the_docs_name_what_there_is() -> None:
    """Each of the sixteen rules with a test that there is, each code with its status."""
    docs = DOCS.read_text()
    rules = re.findall(r"^\| T(\d+) \|.*\| (.*) \|$", docs, re.MULTILINE)
    assert [int(number) for number, _ in rules] == [*range(1, 17)]
    here = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    for _, tests in rules:
        named = re.findall(r"`(test_\w+)`", tests)
        assert named
        assert all(f"def {name}(" in here for name in named)
    for status, codes in re.findall(r"^\| (4\d\d) \|.*\| (.*) \|$", docs, re.MULTILINE):
        for code in re.findall(r"`([a-z-]+)`", codes):
            assert Code(code).status == int(status)
    assert all(f"`{code}`" in docs for code in Code)
