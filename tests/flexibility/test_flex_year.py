"""A year of requests: both changes of time, a leap day, clocks that are set, restarts; every rule holds throughout."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from random import Random
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest
from said import HOUR, KW, MINUTE, PARIS, asset, offer, powers

from custom_components.flex_ready.flexibility.book import Book, Decline
from custom_components.flex_ready.flexibility.dialects import NATIVE
from custom_components.flex_ready.flexibility.judge import Site
from custom_components.flex_ready.flexibility.lifecycle import LIVE, TABLE, Facts
from custom_components.flex_ready.flexibility.model import Confirmation, Offer, Request
from custom_components.flex_ready.flexibility.problem import Code
from custom_components.flex_ready.flexibility.record import Cause, Key, RequestRecord, State, Transition, Trigger

RECOVERY, DELAY, LONGEST, PER_DAY = 30 * MINUTE, 10 * MINUTE, 2 * HOUR, 2
LIMITS: dict[str, Any] = {
    "recovery": RECOVERY,
    "mobilization_delay": DELAY,
    "max_duration": LONGEST,
    "activations_per_day": PER_DAY,
    "gaps": True,
}
ASSETS = {one.id: one for one in (asset(**LIMITS), asset("Heating", "WholeBuilding", **LIMITS))}
SECOND = timedelta(seconds=1)
_SECONDS = [1, 20, 60, 300, 600, 1800, 3600, 10_000, 40_000]


class Year:
    """A site that things happen to; `passed` is the time that really passes, whatever the clock says."""

    def __init__(self, random: Random, start: datetime) -> None:
        self.random = random
        self.now = start
        self.passed = timedelta()
        self.site = Site(bacs_id="bacs", assets=ASSETS, zone=PARIS, start_late=random.random() < 0.5)
        self.book = Book(self.site)
        self.kept: list[Transition] = []
        self.followed = 0
        self.begun: dict[Key, timedelta] = {}
        self.longest: dict[Key, timedelta] = {}
        self.answered: dict[Key, Any] = {}
        self.codes: Counter[Code | None] = Counter()
        self.orders_heard: dict[Key, datetime] = {}

    def happen(self) -> None:
        """Let anything happen."""
        what = self.random.choice(("create",) * 4 + ("confirm",) * 4 + ("pass",) * 6 + ("trouble", "clock", "restart"))
        getattr(self, what)()
        self.follow()

    def create(self) -> None:
        """Ask for something, or again for the same."""
        random = self.random
        if self.answered and random.random() < 0.2:
            key = random.choice([*self.answered])
            record = self.book.records[key]
            result = self.book.create(key, record.request, now=self.now, dialect=NATIVE, decide=lambda _: None)
            assert result.transitions == ()
            if not record.happened(Trigger.CANCEL):
                assert (result.answer.body, result.answer.replayed) == (self.answered[key], True)
            return
        start = (self.now + timedelta(seconds=random.randrange(-600, 60 * 3600))).replace(microsecond=0)
        length = timedelta(seconds=random.choice((1, 900, 3600, 7200, 7201)))
        row = [(start, length, random.choice((10, 50, 60, 100, 101)))]
        if random.random() < 0.3:
            row.append((start + length + timedelta(seconds=random.choice((0, 600))), 15 * MINUTE, 20))
        name = random.choice([*ASSETS])
        key = Key(
            issuer="id",
            client=random.choice("ab"),
            bacs_id="bacs",
            asset_id=name,
            request_id=f"r{random.randrange(10**9)}",
        )
        wanted = Request(id=key.request_id, flex_product="WID", power=powers(*row))
        verdict: Offer | Decline = replace(offer(wanted), mobilization_delay=DELAY)
        if random.random() < 0.1:
            verdict = Decline(cause=Cause.COMFORT)
        result = self.book.create(key, wanted, now=self.now, dialect=NATIVE, decide=lambda _: verdict)
        self.codes[result.answer.code] += 1
        if result.transitions:
            self.answered[key] = result.answer.body
        self.book = result.book
        self.kept += result.transitions

    def confirm(self) -> None:
        """Order something that is offered."""
        offered = [key for key, record in self.book.records.items() if record.state is State.OFFERED]
        if not offered:
            return
        key = self.random.choice(offered)
        result = self.book.confirm(key, Confirmation(), now=self.now, dialect=NATIVE)
        self.codes[result.answer.code] += 1
        self.book = result.book
        self.kept += result.transitions

    def trouble(self) -> None:
        """Break something off."""
        live = [
            key for key, record in self.book.records.items() if record.state in LIVE or record.state is State.OFFERED
        ]
        if live:
            trigger = self.random.choice((Trigger.CANCEL, Trigger.OPT_OUT, Trigger.SAFETY, Trigger.LOSS))
            result = self.book.happen(self.random.choice(live), trigger, Facts(now=self.now), dialect=NATIVE)
            self.book = result.book
            self.kept += result.transitions

    def pass_(self, span: timedelta) -> None:
        """Let time pass, with a tick whenever something is due."""
        end = self.now + span
        while self.now < end:
            due = self.book.next_due(self.now)
            ahead = min(end, due or end, self.now + 5 * MINUTE if self.begun else end)
            self.passed += ahead - self.now
            self.now = ahead
            self.tick()
            self.follow()

    def tick(self) -> None:
        """Tell the book what is seen."""
        seen = {
            key: Facts(
                now=self.now, ran=self.passed - self.begun[key], recovery=RECOVERY, start_late=self.site.start_late
            )
            for key in self.begun
        }
        self.book, transitions = self.book.tick(self.now, seen)
        self.kept += transitions

    def clock(self) -> None:
        """Set the clock."""
        self.now += self.random.choice((-HOUR, HOUR, -SECOND, MINUTE))
        self.tick()

    def restart(self) -> None:
        """Go on from what was kept, some time later."""
        gap = timedelta(seconds=self.random.choice((0, 5, 300, 4000)))
        self.now += gap
        self.passed += gap
        self.book, transitions = Book.of(self.site, self.kept).restart(self.now)
        self.kept += transitions

    def follow(self) -> None:
        """Note for how long activations run."""
        for one in self.kept[self.followed :]:
            if one.target is State.ACTIVE:
                self.begun.setdefault(one.key, self.passed)
            elif one.source is State.ACTIVE:
                self.longest[one.key] = self.passed - self.begun.pop(one.key)
        self.followed = len(self.kept)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name == "pass":
            return lambda: self.pass_(timedelta(seconds=self.random.choice(_SECONDS)))
        raise AttributeError(name)


def ordered(year: Year) -> Iterator[RequestRecord]:
    """Give what was ordered."""
    return (record for record in year.book.records.values() if record.confirmation is not None)


def starts(record: RequestRecord) -> list[datetime]:
    """Return when the activations of a request start: where no slot ends."""
    ends = {slot.end for slot in record.power}
    return [slot.start for slot in record.power if slot.start not in ends]


def check(year: Year) -> None:
    """Hold every rule against what became of a year, worked out anew from what was kept."""
    assert Book.of(year.site, year.kept) == year.book
    rows = {(row.source, row.trigger, row.target) for row in TABLE}
    days: Counter[tuple[str, date]] = Counter()
    held = []
    for key, record in year.book.records.items():
        assert [one.revision for one in record.history] == [*range(1, len(record.history) + 1)]
        assert all((one.source, one.trigger, one.target) in rows for one in record.history)
        assert all(one.at.tzinfo is UTC for one in record.history)
        received = record.history[0].at
        assert received + DELAY <= record.request.start  # T3, T11
        assert all(0 < slot.value <= 100 * KW for slot in record.power)  # T7
        if record.offer is not None:
            assert record.offer.expires_at <= record.start - DELAY  # T10
        order = next((one for one in record.history if one.trigger is Trigger.CONFIRM), None)
        if order is not None:
            assert order.at + DELAY <= record.start  # T3
        if record.counted:
            days.update((key.asset_id, start.astimezone(PARIS).date()) for start in starts(record))
        if record.held is not None:
            held.append((key.asset_id, record.held))
        if key in year.longest:
            planned = record.end - (record.began.at if record.began else record.start)
            assert year.longest[key] <= planned + 5 * MINUTE + 2 * HOUR * record.happened(Trigger.RESTART)  # T12
    assert all(count <= PER_DAY for count in days.values())  # T5
    for (one, first), (other, second) in combinations(held, 2):
        if (
            first.slots[0].start > second.slots[-1].end + RECOVERY
            or second.slots[0].start > first.slots[-1].end + RECOVERY
        ):
            continue
        if one == other:  # T8, T9
            a, b = sorted((first, second), key=lambda row: row.slots[0].start)
            assert a.slots[-1].end + RECOVERY <= b.slots[0].start or a.slots[-1].end <= b.slots[0].start - RECOVERY
        else:
            for slot in first:
                for over in second.between(slot.start, slot.end):
                    assert slot.value + over.value <= Decimal(100) * KW


@pytest.mark.parametrize("year", [2026, 2028])
def test_a_year(year: int) -> None:
    """From one January to the next."""
    lived = Year(Random(year), datetime(year, 1, 1, tzinfo=UTC))
    while lived.now.year == year:
        lived.happen()
    check(lived)
    assert len(lived.book.records) > 300
    assert {record.state for record in lived.book.records.values()} >= {State.COMPLETED, State.EXPIRED, State.FAILED}
    refused = {Code.OVERLAP, Code.QUOTA_EXHAUSTED, Code.POWER_EXCEEDED, Code.MAX_DURATION_EXCEEDED, Code.DMO_VIOLATED}
    assert lived.codes.keys() >= refused
    lived.pass_(timedelta(days=9))
    assert not any(record.state in LIVE or record.state is State.OFFERED for record in lived.book.records.values())


@settings(max_examples=30, deadline=None)
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
    lived = Year(Random(seed), start)
    for _ in range(150):
        lived.happen()
    check(lived)
