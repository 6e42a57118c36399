"""A year of requests: changes of time, a leap day, clocks that are set, restarts, an operator out of reach.

Every rule holds throughout: `check` works each out anew from what was kept.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations, pairwise
import json
from random import Random
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest
from said import HOUR, KW, MINUTE, PARIS, asset, offer, powers

from custom_components.flex_ready.control.load import Hours
from custom_components.flex_ready.flexibility.answer import Answer
from custom_components.flex_ready.flexibility.book import Book, Decline
from custom_components.flex_ready.flexibility.dialects import EMULATOR_2025, NATIVE
from custom_components.flex_ready.flexibility.hours import EVERY_DAY, periods
from custom_components.flex_ready.flexibility.judge import Site
from custom_components.flex_ready.flexibility.lifecycle import LIVE, TABLE, Facts
from custom_components.flex_ready.flexibility.model import Asset, Confirmation, Offer, Request
from custom_components.flex_ready.flexibility.problem import Code
from custom_components.flex_ready.flexibility.record import Cause, Key, RequestRecord, State, Transition, Trigger
from custom_components.flex_ready.flexibility.wire import Reader, Writer

RECOVERY, DELAY, LONGEST, PER_DAY = 30 * MINUTE, 10 * MINUTE, 2 * HOUR, 2
OPEN_HOURS = Hours(90, 1410)
"""From 1:30 to 23:30, so that changes of time are within."""
SECOND = timedelta(seconds=1)
EVERY = 5 * MINUTE
"""While something runs, the book is told at least so often."""
_SECONDS = [1, 20, 60, 300, 600, 1800, 3600, 10_000, 40_000]
_OPERATORS = (Trigger.RECEIVE, Trigger.CONFIRM, Trigger.CANCEL)


def assets(start: datetime, length: timedelta) -> dict[str, Asset]:
    """Make a building and a part of it, with time periods over some time."""
    limits: dict[str, Any] = {
        "recovery": RECOVERY,
        "mobilization_delay": DELAY,
        "max_duration": LONGEST,
        "activations_per_day": PER_DAY,
        "time_periods": periods(OPEN_HOURS, EVERY_DAY, PARIS, start, start + length),
        "gaps": True,
    }
    return {one.id: one for one in (asset(**limits), asset("Heating", "WholeBuilding", **limits))}


@dataclass
class Run:
    """An activation as it really goes, by a clock that is never set."""

    began: timedelta
    told: timedelta | None
    """When it began, as the program knows it: a restart forgets."""
    lost: timedelta = timedelta()
    """Time that nobody could count: the program was down, or the clock was set back before that."""
    back: timedelta = timedelta()


class Year:
    """A site that things happen to; `passed` is the time that really passes, whatever the clock says."""

    def __init__(self, random: Random, start: datetime, length: timedelta = timedelta(days=380)) -> None:
        self.random = random
        self.now = start
        self.passed = timedelta()
        self.site = Site(bacs_id="bacs", assets=assets(start, length), zone=PARIS, start_late=random.random() < 0.5)
        self.book = Book(self.site)
        self.kept: list[Transition] = []
        self.followed = 0
        self.running: dict[Key, Run] = {}
        self.over: dict[Key, tuple[Run, timedelta]] = {}
        self.answered: dict[Key, Any] = {}
        self.codes: Counter[Code | None] = Counter()
        self.outages: list[tuple[int, int]] = []

    def happen(self) -> None:
        """Let anything happen."""
        random = self.random
        acts = (self.create,) * 4 + (self.confirm,) * 4 + (self.wait,) * 6
        random.choice((*acts, self.trouble, self.clock, self.restart, self.outage))()
        self.follow()

    def take(self, book: Book, transitions: tuple[Transition, ...]) -> None:
        """Keep what came of something, and look at what is to be given now."""
        self.book = book
        self.kept += transitions
        for key, slot in book.due(self.now).items():
            record = book.records[key]
            assert record.state is State.ACTIVE  # T14: what was ended is given no more
            assert slot.start <= self.now < slot.end <= record.end  # T13

    def create(self) -> None:
        """Ask for something, or again for the same."""
        random = self.random
        if self.answered and random.random() < 0.2:
            self.ask_again(random.choice([*self.answered]))
            return
        start = (self.now + timedelta(seconds=random.randrange(-600, 60 * 3600))).replace(microsecond=0)
        length = timedelta(seconds=random.choice((1, 900, 3600, 7200, 7201)))
        row = [(start, length, random.choice((10, 50, 60, 100, 101)))]
        if random.random() < 0.3:
            row.append((start + length + timedelta(seconds=random.choice((0, 600, 1800))), 15 * MINUTE, 20))
        key = Key(
            issuer="id",
            client=random.choice("ab"),
            bacs_id="bacs",
            asset_id=random.choice([*self.site.assets]),
            request_id=f"r{random.randrange(10**9)}",
        )
        wanted = as_told(Request(id=key.request_id, flex_product="WID", power=powers(*row)))
        verdict: Offer | Decline = replace(offer(wanted), mobilization_delay=DELAY)
        if random.random() < 0.1:
            verdict = Decline(cause=Cause.UNAVAILABLE)
        result = self.book.create(key, wanted, now=self.now, dialect=NATIVE, decide=lambda _: verdict)
        self.codes.update([result.answer.code] if result.answer.code else [one.code for one in result.answer.findings])
        if result.transitions:
            self.answered[key] = result.answer.body
        self.take(result.book, result.transitions)

    def ask_again(self, key: Key) -> None:
        """Send a request once more: it is answered as at first, and nothing comes of it."""
        record = self.book.records[key]
        result = self.book.create(key, record.request, now=self.now, dialect=NATIVE, decide=lambda _: None)
        assert result.transitions == ()
        if not record.happened(Trigger.CANCEL):
            assert (result.answer.body, result.answer.replayed) == (self.answered[key], True)

    def confirm(self) -> Key | None:
        """Order something that is offered."""
        offered = [record.key for record in self.book.records.open() if record.state is State.OFFERED]
        if not offered:
            return None
        key = self.random.choice(offered)
        self.order(key)
        return key

    def order(self, key: Key) -> Answer:
        """Order."""
        result = self.book.confirm(key, Confirmation(), now=self.now, dialect=NATIVE)
        self.codes[result.answer.code] += 1
        self.take(result.book, result.transitions)
        return result.answer

    def trouble(self) -> None:
        """Break something off."""
        live = [one.key for one in self.book.records.open() if one.state is not State.RECEIVED]
        if live:
            trigger = self.random.choice((Trigger.CANCEL, Trigger.OPT_OUT, Trigger.LOSS))
            key = self.random.choice(live)
            active = self.book.records[key].state is State.ACTIVE
            result = self.book.happen(key, trigger, Facts(now=self.now), dialect=NATIVE)
            self.take(result.book, result.transitions)
            assert not active or key not in self.book.due(self.now)  # T14

    def wait(self) -> None:
        """Let some time pass."""
        self.pass_(timedelta(seconds=self.random.choice(_SECONDS)))

    def pass_(self, span: timedelta) -> None:
        """Let time pass, with a tick whenever something is due."""
        end = self.now + span
        while self.now < end:
            due = self.book.next_due(self.now)
            ahead = min(end, due or end, self.now + EVERY if self.running else end)
            self.passed += ahead - self.now
            self.now = ahead
            self.tick()
            self.follow()

    def tick(self) -> None:
        """Tell the book what is seen."""
        seen = {
            key: Facts(
                now=self.now,
                ran=None if run.told is None else self.passed - run.told,
                recovery=RECOVERY,
                start_late=self.site.start_late,
            )
            for key, run in self.running.items()
        }
        self.take(*self.book.tick(self.now, seen))

    def clock(self) -> None:
        """Set the clock."""
        by = self.random.choice((-HOUR, HOUR, -SECOND, MINUTE))
        self.now += by
        for run in self.running.values():
            run.back += max(timedelta(), -by)
        self.tick()

    def restart(self) -> None:
        """Go on from what was kept, some time later."""
        gap = timedelta(seconds=self.random.choice((0, 5, 300, 4000)))
        self.now += gap
        self.passed += gap
        for run in self.running.values():
            run.lost, run.told = run.lost + gap, None
        self.take(*Book.of(self.site, self.kept).restart(self.now))

    def outage(self) -> None:
        """Lose the operator for an hour: what it last asked and ordered it sends again then, and nothing else."""
        self.create()
        key = self.confirm()
        since = len(self.kept)
        self.pass_(HOUR)
        assert not any(one.trigger in _OPERATORS for one in self.kept[since:])
        for one in [*self.answered][-1:]:
            self.ask_again(one)
        if key is not None:
            before = self.book.records[key]
            answer = self.order(key)
            if before.confirmation is not None:
                assert (answer.status, answer.replayed, self.book.records[key]) == (200, True, before)
        self.outages.append((since, len(self.kept)))

    def follow(self) -> None:
        """Note for how long activations run."""
        for one in self.kept[self.followed :]:
            if one.target is State.ACTIVE:
                self.running.setdefault(one.key, Run(self.passed, self.passed))
            elif one.source is State.ACTIVE:
                run = self.running.pop(one.key)
                self.over[one.key] = run, self.passed - run.began
        self.followed = len(self.kept)


def as_told(wanted: Request) -> Request:
    """Return a request as it is read from what an operator writes, in either dialect (T1)."""
    for dialect in (NATIVE, EMULATOR_2025):
        body = json.loads(json.dumps(Writer(dialect, PARIS).request(wanted)))
        assert Reader(dialect, PARIS).request(body) == wanted
    return wanted


def blocks(record: RequestRecord) -> Iterator[tuple[datetime, datetime]]:
    """Give the activations that an asset is, or was, held for: stretches without a gap."""
    rows = [(slot.start, slot.end) for slot in record.held or record.power]
    start, end = rows[0]
    for first, last in rows[1:]:
        if first != end:
            yield start, end
            start = first
        end = last
    yield start, end


def check_alone(year: Year, record: RequestRecord) -> None:
    """Hold the rules that are about one request against it."""
    assert [one.revision for one in record.history] == [*range(1, len(record.history) + 1)]
    rows = {(row.source, row.trigger, row.target) for row in TABLE}
    assert all((one.source, one.trigger, one.target) in rows for one in record.history)
    assert all(one.at.tzinfo is UTC for one in record.history)
    for slot in record.power:  # T2
        assert slot.start.tzinfo is slot.end.tzinfo is UTC
        assert not slot.start.microsecond
        assert slot.start < slot.end
    received = record.history[0].at
    assert received + DELAY <= record.request.start  # T3, T11
    assert all(end - start <= LONGEST for start, end in blocks(record))  # T4
    for slot in record.power:  # T6: within hours that do not span midnight, on one day
        first, last = slot.start.astimezone(PARIS), (slot.end - SECOND).astimezone(PARIS)
        assert first.date() == last.date()
        assert (first.hour, first.minute) >= (1, 30)
        assert (last.hour, last.minute) < (23, 30)
    assert all(0 < slot.value <= 100 * KW for slot in record.power)  # T7
    if record.offer is not None:
        assert record.offer.expires_at <= record.start - DELAY  # T10
    order = next((one for one in record.history if one.trigger is Trigger.CONFIRM), None)
    if order is not None:
        assert record.offer is not None
        assert order.at + DELAY <= record.start  # T3
        assert order.at < record.offer.expires_at  # T10
    if record.key in year.over:
        assert record.began is not None
        run, ran = year.over[record.key]
        lost = run.lost + run.back if run.told is None else timedelta()
        assert ran <= record.end - record.began.at + EVERY + lost  # T12, T13
    if (ended := record.ended) is not None:
        after = [one.target for one in record.history if one.revision > ended.revision]
        assert State.ACTIVE not in after  # T13, T14


def check_together(records: list[RequestRecord]) -> None:
    """Hold the rules that are about several requests against those that an asset is or was held for."""
    days: Counter[tuple[str, date]] = Counter()
    for record in records:
        if record.counted:
            days.update((record.key.asset_id, start.astimezone(PARIS).date()) for start, _ in blocks(record))
    assert all(count <= PER_DAY for count in days.values())  # T5
    held = [(one.key.asset_id, one.held, [*blocks(one)]) for one in records if one.held is not None]
    for (one, first, own), (other, second, others) in combinations(held, 2):
        if first.slots[0].start > second.slots[-1].end + RECOVERY:
            continue
        if second.slots[0].start > first.slots[-1].end + RECOVERY:
            continue
        if one == other:  # T8, T9
            row = sorted([*own, *others])
            assert all(a[1] + RECOVERY <= b[0] for a, b in pairwise(row))
        else:  # T8
            for slot in first:
                for over in second.between(slot.start, slot.end):
                    assert slot.value + over.value <= Decimal(100) * KW


def check(year: Year) -> None:
    """Hold every rule against what became of a year."""
    assert Book.of(year.site, year.kept) == year.book
    records = [*year.book.records.values()]
    for record in records:
        check_alone(year, record)
    check_together(records)


@pytest.mark.parametrize("year", [2026, 2028])
def test_a_year(year: int) -> None:
    """From one January to the next."""
    lived = Year(Random(year), datetime(year, 1, 1, tzinfo=UTC))
    while lived.now.year == year:
        lived.happen()
    check(lived)
    assert len(lived.book.records) > 300
    assert {record.state for record in lived.book.records.values()} >= {State.COMPLETED, State.EXPIRED, State.FAILED}
    refused = {
        *(Code.OVERLAP, Code.QUOTA_EXHAUSTED, Code.POWER_EXCEEDED, Code.MAX_DURATION_EXCEEDED, Code.DMO_VIOLATED),
        Code.OUTSIDE_PERIOD,
    }
    assert lived.codes.keys() >= refused
    assert any(
        one.source is State.ACTIVE and one.trigger is Trigger.END for a, b in lived.outages for one in lived.kept[a:b]
    )
    lived.pass_(timedelta(days=9))
    assert not any(record.state in LIVE or record.state is State.OFFERED for record in lived.book.records.values())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    start=st.sampled_from(
        [
            datetime(2026, 3, 28, 12, tzinfo=UTC),
            datetime(2026, 10, 24, 12, tzinfo=UTC),
            datetime(2028, 2, 28, tzinfo=UTC),
        ]
    ),
)
def test_days_that_are_odd(seed: int, start: datetime) -> None:
    """Any story around a change of time, or a leap day."""
    lived = Year(Random(seed), start, timedelta(days=60))
    for _ in range(150):
        lived.happen()
    check(lived)
