"""The request book: what is answered, what is kept, what the clock does; a request's life by calls alone."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
import json
from typing import Any

import pytest
from said import HOUR, KW, MINUTE, NOON, PARIS, asset, offer, powers, request

from custom_components.flex_ready.flexibility.answer import Answer
from custom_components.flex_ready.flexibility.book import Book, Decline, Result
from custom_components.flex_ready.flexibility.dialects import EMULATOR_2025, NATIVE, Dialect
from custom_components.flex_ready.flexibility.judge import Site
from custom_components.flex_ready.flexibility.lifecycle import Facts
from custom_components.flex_ready.flexibility.model import Confirmation, Offer, Request
from custom_components.flex_ready.flexibility.problem import Code
from custom_components.flex_ready.flexibility.record import Cause, Key, State, Transition, Trigger

EARLY = NOON - 6 * HOUR
SECOND = timedelta(seconds=1)


def key(name: str = "req-001", asset_id: str = "WholeBuilding", client: str = "operator") -> Key:
    """Make a key."""
    return Key(issuer="https://id", client=client, bacs_id="bacs", asset_id=asset_id, request_id=name)


def site(*assets: Any, **others: Any) -> Site:  # noqa: ANN401
    """Make a site; an asset with two activations a day if none is told."""
    known = assets or (asset(activations_per_day=2),)
    return Site(bacs_id="bacs", assets={one.id: one for one in known}, zone=PARIS, **others)


@dataclass
class Desk:
    """Somebody who holds a book, and keeps what has to be kept."""

    book: Book = field(default_factory=lambda: Book(site()))
    now: datetime = EARLY
    dialect: Dialect = NATIVE
    kept: list[Transition] = field(default_factory=list)

    def take(self, result: Result) -> Answer:
        """Keep what came of something."""
        self.book = result.book
        self.kept += result.transitions
        assert Book.of(self.book.site, self.kept) == self.book
        json.dumps(result.answer.body)
        return result.answer

    def create(self, wanted: Request | None = None, verdict: Offer | Decline | str | None = "all", **at: Any) -> Answer:  # noqa: ANN401
        """Ask; all of it is offered unless told otherwise."""
        made = wanted or request()
        decide = offer(made) if isinstance(verdict, str) else verdict
        where = key(made.id, **at)
        return self.take(self.book.create(where, made, now=self.now, dialect=self.dialect, decide=lambda _: decide))

    def confirm(self, order: Confirmation | None = None, name: str = "req-001") -> Answer:
        """Order."""
        made = order or Confirmation()
        return self.take(self.book.confirm(key(name), made, now=self.now, dialect=self.dialect))

    def cancel(self, name: str = "req-001") -> Answer:
        """Withdraw."""
        return self.take(self.book.cancel(key(name), now=self.now, dialect=self.dialect))

    def happen(self, trigger: Trigger, **facts: Any) -> Answer:  # noqa: ANN401
        """Let something happen."""
        return self.take(self.book.happen(key(), trigger, Facts(now=self.now, **facts), dialect=self.dialect))

    def at(self, now: datetime, **facts: Any) -> State:  # noqa: ANN401
        """Let time pass, and say where the first request is."""
        self.now = now
        seen = {key(): Facts(now=now, **facts)} if facts else None
        self.book, transitions = self.book.tick(now, seen)
        self.kept += transitions
        return self.state

    def restart(self, now: datetime) -> State:
        """Begin anew with what was kept."""
        self.now = now
        self.book, transitions = Book.of(self.book.site, self.kept).restart(now)
        self.kept += transitions
        return self.state

    @property
    def state(self) -> State:
        """Where the first request is."""
        return self.book.records[key()].state


def code(answer: Answer) -> tuple[int, Code | None]:
    """Return status and code."""
    return answer.status, answer.code


def test_a_whole_life() -> None:
    """Asked, offered, ordered, prepared, given, given back, settled."""
    desk = Desk()
    answer = desk.create()
    assert (answer.status, answer.created, answer.replayed) == (201, True, False)
    assert answer.body == {
        "requestID": "req-001",
        "flexProduct": "WID",
        "direction": "decrease",
        "power": [
            {
                "power": {"unit": "W", "multiplier": "k", "value": 80},
                "start": "2026-04-02T12:00:00+02:00",
                "end": "2026-04-02T13:00:00+02:00",
            }
        ],
        "price": {"unit": "€/MWh", "multiplier": "none", "value": 85},
        "expiresAt": "2026-04-02T11:45:00+02:00",
        "mobilizationDelay": "PT1M",
        "state": "offered",
        "revision": 2,
    }
    answer = desk.confirm(Confirmation(ack_price=Decimal("0.085")))
    assert (answer.status, answer.body and answer.body["state"]) == (200, "scheduled")
    assert desk.book.next_due(desk.now) == NOON - MINUTE
    assert desk.at(NOON - MINUTE - SECOND) is State.SCHEDULED
    assert desk.at(NOON - MINUTE) is State.MOBILISING
    assert desk.at(NOON, reachable=False) is State.MOBILISING
    assert not desk.book.due(NOON)
    assert desk.at(NOON + SECOND) is State.ACTIVE
    assert desk.book.due(NOON + SECOND)[key()].value == 80 * KW
    assert desk.at(NOON + HOUR - SECOND) is State.ACTIVE
    assert desk.at(NOON + HOUR, ramped=False) is State.RECOVERING
    assert desk.at(NOON + HOUR + MINUTE) is State.COMPLETED
    assert code(desk.happen(Trigger.SETTLE)) == (409, Code.INVALID_STATE)
    assert desk.happen(Trigger.SETTLE, measured=True).status == 204
    assert desk.state is State.SETTLED
    assert [one.revision for one in desk.kept] == [*range(1, 10)]
    assert desk.book.next_due(desk.now) is None
    assert desk.book.read(key(), dialect=NATIVE).status == 200
    assert code(desk.book.read(key("other"), dialect=NATIVE)) == (404, Code.NOT_FOUND)


def test_asking_again() -> None:
    """The same is answered as at first, whatever became of it; another body under the id is refused."""
    desk = Desk()
    first = desk.create()
    again = desk.create()
    assert (again.body, again.status, again.replayed, again.created) == (first.body, 201, True, True)
    desk.confirm()
    desk.at(NOON + 3 * HOUR)
    assert desk.create().body == first.body
    assert code(desk.create(request(kilowatts=79))) == (422, Code.REQUEST_ID_REUSED)
    assert code(desk.create(request(NOON + 6 * HOUR), client="other")) == (201, None)
    assert len(desk.book.records) == 2


def test_an_id_is_not_used_again() -> None:
    """Withdrawn is not gone; withdrawing twice is the same."""
    desk = Desk()
    desk.create()
    assert (code(desk.cancel()), desk.state) == ((204, None), State.CANCELLED)
    assert desk.cancel().replayed
    assert code(desk.create()) == (409, Code.INVALID_STATE)
    assert code(desk.create(request(name="req-002"))) == (201, None)
    assert code(desk.cancel("other")) == (404, Code.NOT_FOUND)


def test_a_verdict_that_takes_time() -> None:
    """202, then 409 until it is there, then the offer."""
    desk = Desk()
    answer = desk.create(verdict=None)
    assert (answer.status, answer.retry_after, desk.state) == (202, timedelta(seconds=2), State.RECEIVED)
    answer = desk.create()
    assert code(answer) == (409, Code.REQUEST_IN_PROGRESS)
    assert answer.retry_after
    judged = desk.take(desk.book.decide(key(), offer(request()), now=desk.now, dialect=NATIVE))
    assert (judged.status, desk.state) == (200, State.OFFERED)
    assert desk.create().body == judged.body
    for name in ("req-001", "other"):
        late = desk.book.decide(key(name), offer(request()), now=desk.now, dialect=NATIVE)
        assert code(late.answer) == ((409, Code.INVALID_STATE) if name == "req-001" else (404, Code.NOT_FOUND))


def test_a_business_no() -> None:
    """Is no problem of the call."""
    desk = Desk()
    answer = desk.create(verdict=Decline(cause=Cause.UNAVAILABLE, detail="too cold inside"))
    assert (answer.status, answer.code) == (201, None)
    assert answer.body is not None
    assert (answer.body["state"], answer.body["reason"]) == ("rejected", "too cold inside")
    assert code(desk.confirm()) == (409, Code.INVALID_STATE)
    assert code(desk.create(request(name="req-002"))) == (201, None)


def test_ordering_again() -> None:
    """The same is answered with how it stands, another is refused."""
    desk = Desk()
    desk.create()
    assert code(desk.confirm(name="other")) == (404, Code.NOT_FOUND)
    desk.confirm(Confirmation(flex_product="WID"))
    again = desk.confirm(Confirmation(power=request().power))
    assert (again.status, again.replayed) == (200, True)
    desk.at(NOON)
    again = desk.confirm()
    assert again.body is not None
    assert again.body["state"] == "active"
    assert code(desk.confirm(Confirmation(ack_price=Decimal(1)))) == (409, Code.ALREADY_CONFIRMED)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (request(NOON - 7 * HOUR), {(422, Code.TOO_SOON), (422, Code.DMO_VIOLATED)}),
        (request(length=3 * HOUR), {(422, Code.MAX_DURATION_EXCEEDED)}),
        (request(kilowatts=101), {(422, Code.POWER_EXCEEDED)}),
        (replace(request(), flex_product="WDA"), {(422, Code.PRODUCT_NOT_OFFERED)}),
        (request(kilowatts=101, length=3 * HOUR), {(422, Code.POWER_EXCEEDED), (422, Code.MAX_DURATION_EXCEEDED)}),
    ],
)
def test_what_breaks_a_rule(wanted: Request, expected: set[tuple[int, Code]]) -> None:
    """Is refused with all that it breaks, and not kept; the lenient dialect only tells of its limits."""
    desk = Desk()
    answer = desk.create(wanted)
    assert {(one.code.status, one.code) for one in answer.findings} == expected
    assert (answer.status, desk.kept) == (422, [])
    assert answer.body is not None
    assert answer.body["code"] == answer.code
    lenient = Desk(dialect=EMULATOR_2025).create(wanted)
    if any(one is Code.PRODUCT_NOT_OFFERED for _, one in expected):
        assert lenient.status == 422
    else:
        assert lenient.status == 201
        assert {(one.code.status, one.code) for one in lenient.findings} == expected - {(422, Code.TOO_SOON)}


def test_where_there_is_nothing() -> None:
    """Another asset, another BACS."""
    desk = Desk()
    assert code(desk.create(asset_id="Heating")) == (404, Code.NOT_FOUND)
    other = replace(key(), bacs_id="other")
    found = desk.book.create(other, request(), now=EARLY, dialect=NATIVE, decide=lambda _: None)
    assert code(found.answer) == (404, Code.NOT_FOUND)


def test_a_request_of_the_past() -> None:
    """The examples of the annex are of 2025: they can be offered and ordered, and then are too late."""
    desk = Desk(now=NOON + 24 * HOUR, dialect=EMULATOR_2025)
    made = replace(offer(request()), expires_at=desk.now + HOUR)
    assert desk.create(verdict=made).status == 201
    assert desk.at(desk.now) is State.OFFERED
    assert desk.confirm().status == 200
    assert desk.state is State.FAILED
    assert desk.kept[-1].cause is Cause.LATE


@pytest.mark.parametrize(("before", "state"), [(2, State.OFFERED), (1, State.REJECTED), (0.5, State.REJECTED)])
def test_a_request_that_comes_too_late(before: float, state: State) -> None:
    """One that starts within the mobilisation delay is rejected: its offer would lapse before anybody ordered it."""
    desk = Desk(now=NOON - before * MINUTE, dialect=EMULATOR_2025)
    made = replace(offer(request()), expires_at=NOON, mobilization_delay=MINUTE)
    assert desk.create(verdict=made).status == 201
    assert desk.at(desk.now) is state
    assert (desk.kept[-1].cause is Cause.LATE) is (state is State.REJECTED)
    assert (desk.confirm().status == 200) is (state is State.OFFERED)


def test_an_offer_lapses() -> None:
    """At its end, which is before it cannot be prepared; then the asset is free."""
    desk = Desk()
    desk.create(verdict=replace(offer(request()), expires_at=NOON + HOUR))
    expires_at = desk.book.records[key()].offer
    assert expires_at is not None
    assert expires_at.expires_at == NOON - MINUTE
    assert code(desk.create(request(name="req-002"))) == (409, Code.OVERLAP)
    desk.now = NOON - MINUTE
    assert code(desk.confirm()) == (409, Code.OFFER_EXPIRED)
    assert desk.at(NOON - MINUTE) is State.EXPIRED
    desk.now = EARLY
    assert code(desk.create(request(name="req-002"))) == (201, None)


def test_the_quota_of_the_day() -> None:
    """Counts what was ordered; offers do not count, a refund does not, what failed does."""
    desk = Desk(Book(site(asset(activations_per_day=1))))
    desk.create()
    assert code(desk.create(request(NOON + 4 * HOUR, name="req-002"))) == (201, None)
    desk.confirm()
    assert code(desk.confirm(name="req-002")) == (422, Code.QUOTA_EXHAUSTED)
    desk.cancel()
    assert desk.confirm(name="req-002").status == 200
    assert code(desk.create(request(NOON + 6 * HOUR, name="req-003"))) == (422, Code.QUOTA_EXHAUSTED)
    assert code(desk.create(request(NOON + 24 * HOUR, name="req-003"))) == (201, None)


def test_one_budget() -> None:
    """What the parts give and what the whole gives is given once."""
    desk = Desk(Book(site(asset(), asset("Heating", "WholeBuilding", power=60 * KW))))
    desk.create(request(kilowatts=60), asset_id="Heating")
    assert code(desk.create(request(kilowatts=41, name="req-002"))) == (409, Code.OVERLAP)
    assert code(desk.create(request(kilowatts=40, name="req-002"))) == (201, None)


@pytest.mark.parametrize(
    ("trigger", "outcome"),
    [
        (Trigger.CANCEL, State.CANCELLED),
        (Trigger.OPT_OUT, State.CANCELLED),
        (Trigger.LOSS, State.FAILED),
    ],
)
def test_broken_off(trigger: Trigger, outcome: State) -> None:
    """An activation that ends early recovers as well, for as long as the asset needs, and counts."""
    desk = Desk(Book(site(asset(recovery=HOUR, activations_per_day=1))))
    desk.create()
    desk.confirm()
    desk.at(NOON)
    desk.now = NOON + MINUTE
    assert desk.happen(trigger).status == 204
    assert desk.at(NOON + HOUR) is State.RECOVERING
    assert desk.at(NOON + HOUR + MINUTE) is outcome
    assert code(desk.create(request(NOON + 6 * HOUR, name="req-002"))) == (422, Code.QUOTA_EXHAUSTED)
    assert desk.happen(Trigger.SETTLE, measured=True).status == 204


def test_the_clock_is_set() -> None:
    """Back: an activation is not longer for it. Forward: it ends, what did not start yet starts late or never."""
    desk = Desk()
    desk.create()
    desk.confirm()
    desk.at(NOON)
    assert desk.at(NOON - MINUTE * 20, ran=40 * MINUTE) is State.ACTIVE
    assert desk.at(NOON, ran=HOUR) is not State.ACTIVE
    desk = Desk()
    desk.create()
    desk.confirm()
    assert desk.at(NOON + 30 * MINUTE) is State.ACTIVE
    assert desk.at(NOON + 90 * MINUTE, ran=MINUTE) is State.COMPLETED
    desk = Desk()
    desk.create()
    desk.confirm()
    assert desk.at(NOON + HOUR) is State.FAILED


def test_a_restart() -> None:
    """Goes on from what was kept."""
    desk = Desk(Book(site(start_late=True)))
    desk.create()
    desk.confirm()
    assert desk.restart(NOON - HOUR) is State.SCHEDULED
    assert desk.restart(NOON + MINUTE) is State.ACTIVE
    assert desk.restart(NOON + 2 * MINUTE) is State.ACTIVE
    assert desk.kept[-1].trigger is Trigger.RESTART
    assert desk.restart(NOON + HOUR) is State.COMPLETED
    before = len(desk.kept)
    assert desk.restart(NOON + 2 * HOUR) is State.COMPLETED
    assert len(desk.kept) == before
    late = Desk()
    late.create()
    late.confirm()
    assert late.restart(NOON + MINUTE) is State.FAILED


def test_less_than_the_offer() -> None:
    """May be ordered where the site allows it; that is what is given then."""
    desk = Desk(Book(site(partial=True)))
    desk.create()
    assert desk.confirm(Confirmation(power=powers((NOON, HOUR, 30)))).status == 200
    desk.at(NOON)
    assert desk.book.due(NOON)[key()].value == 30 * KW


def test_an_asset_that_is_gone() -> None:
    """Cannot be ordered any more; what runs ends."""
    desk = Desk()
    desk.create()
    desk.book = replace(desk.book, site=site(asset("Other")))
    assert code(desk.confirm()) == (422, Code.PRODUCT_NOT_OFFERED)
    assert desk.at(NOON) is State.EXPIRED
