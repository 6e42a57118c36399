"""The register of requests: what it finds at once is what a walk through all of them finds; and it is quick."""

from datetime import datetime, timedelta
from random import Random
from time import perf_counter

from hypothesis import given, settings, strategies as st
from said import HOUR, MINUTE, NOON, PARIS, asset, offer, request

from custom_components.flex_ready.flexibility.book import Book
from custom_components.flex_ready.flexibility.dialects import NATIVE
from custom_components.flex_ready.flexibility.judge import Site
from custom_components.flex_ready.flexibility.lifecycle import LIVE, Facts
from custom_components.flex_ready.flexibility.model import Confirmation, Offer, Request
from custom_components.flex_ready.flexibility.record import Key, State, Trigger

ASSET = asset(max_duration=None, activations_per_day=None)
SITE = Site(bacs_id="bacs", assets={ASSET.id: ASSET}, zone=PARIS)


def key(name: str) -> Key:
    """Make a key."""
    return Key(issuer="id", client="c", bacs_id="bacs", asset_id=ASSET.id, request_id=name)


def give(wanted: Request) -> Offer:
    """Offer all, until a minute before."""
    return offer(wanted)


def finished(count: int) -> tuple[Book, datetime]:
    """Return a book of requests that were given, one after another, and when the last was over."""
    book, now = Book(SITE), NOON
    for i in range(count):
        wanted = request(now + HOUR, name=f"r{i}")
        book = book.create(key(wanted.id), wanted, now=now, dialect=NATIVE, decide=give).book
        book = book.confirm(key(wanted.id), Confirmation(), now=now, dialect=NATIVE).book
        for at in (wanted.start, wanted.end, wanted.end + MINUTE):
            book, _ = book.tick(at)
        now = wanted.end + HOUR
    return book, now


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_it_finds(seed: int) -> None:
    """Promises about a time, what is open, the next instant: as a walk through all records finds them."""
    random = Random(seed)
    book, now = Book(SITE), NOON
    for i in range(40):
        hours, length = random.randrange(1, 200), random.choice((1, 2, 30, 400))
        wanted = request(now + hours * HOUR, length * HOUR, name=f"r{i}")
        before = book
        book = book.create(key(wanted.id), wanted, now=now, dialect=NATIVE, decide=give).book
        assert key(wanted.id) not in before.records
        if random.random() < 0.6:
            book = book.confirm(key(wanted.id), Confirmation(), now=now, dialect=NATIVE).book
        if random.random() < 0.3:
            book = book.happen(
                key(wanted.id), random.choice((Trigger.CANCEL, Trigger.OPT_OUT)), Facts(now=now), dialect=NATIVE
            ).book
        now += random.randrange(0, 20) * HOUR
        told, _ = book.tick(now)
        assert told.tick(now)[0] is told  # what was not looked at had nothing to do
        book = told
    records = book.records
    waiting = LIVE | {State.RECEIVED, State.OFFERED}
    assert {one.key for one in records.open()} == {k for k, one in records.items() if one.state in waiting}
    assert book.due(now) == {k: slot for k, one in records.items() if (slot := one.due(now)) is not None}
    start = NOON + random.randrange(0, 900) * HOUR
    end, reach = start + HOUR, timedelta(days=random.choice((0, 2, 9)))
    wide = max(reach, timedelta(days=2))
    expected = sorted(
        str(row)
        for one in records.values()
        if one.counted or one.held is not None
        for row in [one.power if one.held is None else one.held]
        if row.slots[-1].end >= start - wide and row.slots[0].start <= end + wide
    )
    assert sorted(str(one.power) for one in records.taken(start, end, reach)) == expected
    some = random.choice([*records])
    besides = [*records.taken(start, end, reach, besides=some)]
    assert len(besides) >= len(expected) - 1
    days = timedelta(days=2)
    near = {k for k, one in records.items() if (row := one.held) and start - days <= row.slots[-1].end}
    near &= {k for k in near if records[k].start <= end + days}
    assert {one.key for one in records.promised(start, end)} == near
    assert {one.key for one in records.promised(start, end, some)} == near - {some}
    edges = {
        edge
        for one in records.open()
        for edge in (one.lead, *(at for slot in one.power for at in (slot.start, slot.end)))
        if edge > now
    } | {one.offer.expires_at for one in records.open() if one.state is State.OFFERED and one.offer}
    assert book.next_due(now) == min(edges, default=None)


def test_it_is_quick_however_many_are_over() -> None:
    """Each call stays well under what a walk through 3,000 records takes (measured: docs/adr/0009)."""
    book, now = finished(3_000)
    wanted = request(now + HOUR, name="new")

    def call() -> None:
        made = book.create(key("new"), wanted, now=now, dialect=NATIVE, decide=give).book
        made = made.confirm(key("new"), Confirmation(), now=now, dialect=NATIVE).book
        made.tick(now + MINUTE)
        assert made.next_due(now)

    spans = []
    for _ in range(20):
        begun = perf_counter()
        call()
        spans.append(perf_counter() - begun)
    assert min(spans) < 0.004
