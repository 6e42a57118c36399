"""The life of a request as one table: where it is, what happens, if what, where it is then, what has to be done.

No state and no transition is in the annex: all of it is inferred, from what comparable standards have (UFTP, S2,
OpenADR, Matter). `markdown` writes the table for docs/flexibility.md.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .model import Confirmation, Offer
from .problem import Code, Finding
from .record import Actor, Cause, Effect, RequestRecord, State, Trigger
from .rules import t3_dmo, t12_left

_NONE = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a guard may look at besides the record."""

    now: datetime
    findings: tuple[Finding, ...] = ()
    """What the rules have against a request."""
    confirmation: Confirmation | None = None
    partial: bool = False
    """Whether less than the offer may be ordered."""
    reachable: bool = True
    """Whether some device of the asset can be commanded."""
    ran: timedelta | None = None
    """For how long the activation has run, by a monotonic clock."""
    ramped: bool = True
    """Whether all that was shed is given back."""
    recovery: timedelta = _NONE
    start_late: bool = False
    """Whether to start what should have started while nothing ran."""
    measured: bool = False
    """Whether the measurements of all steps are there."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition in words, and what says why it does not hold."""

    words: str
    broken: Callable[[RequestRecord | None, Facts], Finding | None]


@dataclass(frozen=True, slots=True)
class Row:
    """A transition that there is."""

    source: State | None
    trigger: Trigger
    guard: Guard
    target: State
    effect: Effect
    actor: Actor
    cause: Cause


def _guard(words: str, holds: Callable[[RequestRecord, Facts], bool]) -> Guard:
    def broken(record: RequestRecord | None, facts: Facts) -> Finding | None:
        assert record is not None
        return None if holds(record, facts) else Finding("", Code.INVALID_STATE, f"not: {words}")

    return Guard(words, broken)


def _orderable(record: RequestRecord | None, facts: Facts) -> Finding | None:
    """Hold an order against the offer."""
    assert record is not None
    offer, order = record.offer, facts.confirmation
    if offer is None or order is None:
        return Finding("", Code.INVALID_STATE, "there is no offer, or no order")
    if _lapsed(record, facts):
        return Finding("", Code.OFFER_EXPIRED, "the offer has expired")
    if order.flex_product not in (None, record.request.flex_product):
        return Finding("/flexProduct", Code.PRODUCT_NOT_OFFERED, "another product was offered")
    if order.power is not None and not _fits(order, offer, partial=facts.partial):
        return Finding("/power", Code.POWER_EXCEEDED, "that is not what was offered")
    if offer.price is not None and order.ack_price is not None and order.ack_price < offer.price:
        return Finding("/ackPrice", Code.PRICE_MISMATCH, "the price that was offered is not acknowledged")
    if record.past:
        return next(iter(facts.findings), None)
    return next(iter((*facts.findings, *t3_dmo(record.start, offer.mobilization_delay, facts.now))), None)


def _fits(order: Confirmation, offer: Offer, *, partial: bool) -> bool:
    """Tell whether an order is the offer, or as much of each of its slots as may be."""
    power = order.power
    assert power is not None
    if not partial:
        return power == offer.power
    same = [(one.start, one.end) for one in power] == [(one.start, one.end) for one in offer.power]
    return same and all(0 < one.value <= most.value for one, most in zip(power, offer.power, strict=True))


def _lapsed(record: RequestRecord, facts: Facts) -> bool:
    offer = record.offer
    late = facts.now > record.lead and not record.past
    return late or (offer is not None and facts.now >= offer.expires_at)


def _over(record: RequestRecord, facts: Facts) -> bool:
    """Tell whether an activation is at its end, by either clock (T12, T13)."""
    if facts.ran is None or record.began is None:
        return facts.now >= record.end
    return t12_left(record.end, facts.now, record.end - record.began.at, facts.ran) <= _NONE


def _rested(record: RequestRecord, facts: Facts, *triggers: Trigger) -> bool:
    """Tell whether an activation that was ended by one of some triggers is recovered from; T9."""
    ended = record.ended
    if ended is None or ended.trigger not in triggers or not facts.ramped:
        return False
    return not _NONE <= facts.now - ended.at < facts.recovery  # a clock that was set back keeps nobody waiting


def _missed(record: RequestRecord, facts: Facts) -> bool:
    return facts.now > record.start and (facts.now >= record.end or not facts.start_late)


LAWFUL = Guard("T1 to T11", lambda _, facts: facts.findings[0] if facts.findings else None)
ORDERABLE = Guard("not expired; product and power as offered; ackPrice ≥ price; T3, T5, T8, T9", _orderable)
ALWAYS = _guard("", lambda *_: True)
LAPSED = _guard("now ≥ expiresAt, or now > start - DMO", _lapsed)
EARLY = _guard("now < start - DMO", lambda record, facts: facts.now < record.lead)
LED = _guard("start - DMO ≤ now < end", lambda record, facts: record.lead <= facts.now < record.end)
STARTED = _guard(
    "start ≤ now < end, some device reachable",
    lambda record, facts: record.start <= facts.now < record.end and facts.reachable,
)
OVER = _guard("now ≥ end, or it ran for as long as planned (T12)", _over)
GONE = _guard("now ≥ end", lambda record, facts: facts.now >= record.end)
RUNNING = _guard("now < end", lambda record, facts: facts.now < record.end)
BEFORE = _guard("now < start", lambda record, facts: facts.now < record.start)
MISSED = _guard("now > start, and it may not start late, or now ≥ end", _missed)
LATE = _guard("start < now < end, and it may start late", lambda record, facts: record.start < facts.now < record.end)
RESTED = "all given back, recovery time over (T9)"
ENDED = _guard(f"{RESTED}; it ended by itself", lambda *told: _rested(*told, Trigger.END, Trigger.RESTART))
CALLED_OFF = _guard(f"{RESTED}; it was called off", lambda *told: _rested(*told, Trigger.CANCEL, Trigger.OPT_OUT))
BROKEN_OFF = _guard(f"{RESTED}; it was broken off", lambda *told: _rested(*told, Trigger.LOSS))
MEASURED = _guard("measurements of all steps are there", lambda _, facts: facts.measured)
MEASURED_ACTIVE = _guard(
    "it was active; measurements of all steps are there",
    lambda record, facts: facts.measured and record.began is not None,
)


def _rows() -> Iterator[Row]:
    s, t, e, a, c = State, Trigger, Effect, Actor, Cause
    unjudged, ordered = (s.RECEIVED, s.OFFERED), (s.CONFIRMED, s.SCHEDULED, s.MOBILISING)
    yield Row(None, t.RECEIVE, LAWFUL, s.RECEIVED, e.ANSWER, a.OPERATOR, c.ASKED)
    yield Row(s.RECEIVED, t.OFFER, ALWAYS, s.OFFERED, e.RESERVE, a.BACS, c.POLICY)
    yield Row(s.RECEIVED, t.DECLINE, ALWAYS, s.REJECTED, e.ANSWER, a.BACS, c.UNAVAILABLE)
    for state in unjudged:
        yield Row(state, t.EXPIRE, LAPSED, s.EXPIRED, e.FREE, a.BACS, c.CLOCK)
        yield Row(state, t.CANCEL, ALWAYS, s.CANCELLED, e.FREE, a.OPERATOR, c.ASKED)
        yield Row(state, t.OPT_OUT, ALWAYS, s.REJECTED, e.FREE, a.USER, c.USER_OPT_OUT)
    yield Row(s.OFFERED, t.CONFIRM, ORDERABLE, s.CONFIRMED, e.COUNT, a.OPERATOR, c.ASKED)
    yield Row(s.CONFIRMED, t.SCHEDULE, EARLY, s.SCHEDULED, e.ANSWER, a.BACS, c.CLOCK)
    for state in (s.CONFIRMED, s.SCHEDULED):
        yield Row(state, t.MOBILISE, LED, s.MOBILISING, e.PREPARE, a.BACS, c.CLOCK)
    yield Row(s.MOBILISING, t.START, STARTED, s.ACTIVE, e.SHED, a.BACS, c.CLOCK)
    for state in ordered:
        yield Row(state, t.END, GONE, s.FAILED, e.FREE, a.BACS, c.LATE)
        yield Row(state, t.CANCEL, BEFORE, s.CANCELLED, e.REFUND, a.OPERATOR, c.ASKED)
        yield Row(state, t.OPT_OUT, ALWAYS, s.CANCELLED, e.REFUND, a.USER, c.USER_OPT_OUT)
        yield Row(state, t.RESTART, MISSED, s.FAILED, e.FREE, a.BACS, c.LATE)
        yield Row(state, t.RESTART, LATE, s.MOBILISING, e.PREPARE, a.BACS, c.RESTART)
    yield Row(s.ACTIVE, t.END, OVER, s.RECOVERING, e.RELEASE, a.BACS, c.CLOCK)
    yield Row(s.ACTIVE, t.CANCEL, ALWAYS, s.RECOVERING, e.RELEASE, a.OPERATOR, c.ASKED)
    yield Row(s.ACTIVE, t.OPT_OUT, ALWAYS, s.RECOVERING, e.RELEASE, a.USER, c.USER_OPT_OUT)
    yield Row(s.ACTIVE, t.LOSS, ALWAYS, s.RECOVERING, e.RELEASE, a.BACS, c.DEVICES_LOST)
    yield Row(s.ACTIVE, t.RESTART, RUNNING, s.ACTIVE, e.SHED_AGAIN, a.BACS, c.RESTART)
    yield Row(s.ACTIVE, t.RESTART, GONE, s.RECOVERING, e.RELEASE, a.BACS, c.RESTART)
    yield Row(s.RECOVERING, t.RECOVER, ENDED, s.COMPLETED, e.CLOSE, a.BACS, c.CLOCK)
    yield Row(s.RECOVERING, t.RECOVER, CALLED_OFF, s.CANCELLED, e.CLOSE, a.BACS, c.CLOCK)
    yield Row(s.RECOVERING, t.RECOVER, BROKEN_OFF, s.FAILED, e.CLOSE, a.BACS, c.CLOCK)
    yield Row(s.RECOVERING, t.RESTART, ALWAYS, s.RECOVERING, e.RELEASE, a.BACS, c.RESTART)
    for state in (s.COMPLETED, s.FAILED):
        yield Row(state, t.SETTLE, MEASURED, s.SETTLED, e.SETTLE, a.BACS, c.MEASURED)
    yield Row(s.CANCELLED, t.SETTLE, MEASURED_ACTIVE, s.SETTLED, e.SETTLE, a.BACS, c.MEASURED)


TABLE: tuple[Row, ...] = tuple(_rows())
_BY_PAIR: Mapping[tuple[State | None, Trigger], tuple[Row, ...]] = {
    pair: tuple(row for row in TABLE if (row.source, row.trigger) == pair)
    for pair in {(row.source, row.trigger) for row in TABLE}
}
CLOCK = (Trigger.EXPIRE, Trigger.END, Trigger.SCHEDULE, Trigger.MOBILISE, Trigger.START, Trigger.RECOVER)
"""What the passing of time may bring about, in the order in which it is tried."""
LIVE = frozenset((State.CONFIRMED, State.SCHEDULED, State.MOBILISING, State.ACTIVE, State.RECOVERING))
"""Ordered, and not over."""
OPEN = LIVE | {State.RECEIVED, State.OFFERED}
"""Not over."""


def step(record: RequestRecord | None, trigger: Trigger, facts: Facts) -> Row | Finding:
    """Return the transition that a trigger brings about now, or why there is none."""
    state = None if record is None else record.state
    first: Finding | None = None
    for row in _BY_PAIR.get((state, trigger), ()):
        broken = row.guard.broken(record, facts)
        if broken is None:
            return row
        first = first or broken
    return first or Finding("", Code.INVALID_STATE, f"no {trigger.value} while {state or 'unknown'}")


def markdown() -> str:
    """Write the table."""
    head = "| from | trigger | if | to | then |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| {row.source or '-'} | {row.trigger} | {row.guard.words or '-'} | {row.target} | {row.effect} |\n"
        for row in TABLE
    )
