"""The request book: every request of a site, and what each call, each device and the clock makes of it.

A book never changes. What happens gives another book, the transitions that lead to it, and the answer; who holds the
book keeps the transitions before the answer goes out and before any device is commanded. `Book.of` makes a book of the
transitions that were kept.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from ..slots import Slot
from .answer import Answer, problem, reply
from .dialects import Dialect
from .judge import Site, conflicts, judge
from .lifecycle import CLOCK, Facts, Row, step
from .model import Confirmation, Offer, Request
from .problem import Code, Finding
from .record import Cause, Key, RequestRecord, State, Transition, Trigger
from .register import Register
from .rules import Taken, t10_expiry
from .wire import Writer

_NOT_FOUND = Finding("", Code.NOT_FOUND, "there is no such request, asset or BACS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """A business no: the request is taken, and rejected."""

    cause: Cause
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of something that happened."""

    book: Book
    transitions: tuple[Transition, ...] = ()
    """To be kept first."""
    answer: Answer


@dataclass(frozen=True, slots=True)
class Book:
    """All requests of a site."""

    site: Site
    records: Register = field(default_factory=Register)

    @classmethod
    def of(cls, site: Site, transitions: Iterable[Transition]) -> Book:
        """Make the book of the transitions that were kept, those of each request in order."""
        records: dict[Key, RequestRecord] = {}
        for one in transitions:
            records[one.key] = records[one.key].after(one) if one.key in records else RequestRecord((one,))
        return cls(site, Register().after(records.values()))

    def create(
        self,
        key: Key,
        request: Request,
        *,
        now: datetime,
        dialect: Dialect,
        decide: Callable[[Request], Offer | Decline | None],
    ) -> Result:
        """Take a request; `decide` is asked about one that breaks no rule, and answers None if it needs time.

        The same request again is answered as before, without effect; its id with another body is refused.
        """
        writer = Writer(dialect, self.site.zone)
        if (known := self.records.get(key)) is not None:
            return Result(book=self, answer=_again(known, request, writer))
        asset = self.site.assets.get(key.asset_id)
        if asset is None or key.bacs_id != self.site.bacs_id:
            return Result(book=self, answer=problem([_NOT_FOUND], writer))
        promised = self._promised(key, request)
        refused, told = judge(self.site, asset, request, promised, now=now, dialect=dialect)
        facts = Facts(now=now, findings=refused)
        received = step(None, Trigger.RECEIVE, facts)
        if isinstance(received, Finding):
            return Result(book=self, answer=problem(refused, writer))
        record = RequestRecord((_transition(key, None, received, now, said=request),))
        if (verdict := decide(request)) is not None:
            record = _judged(record, verdict, now)
        answer = Answer(
            status=202 if verdict is None else 201,
            body=reply(record, writer),
            findings=told,
            created=True,
            retry_after=timedelta(seconds=2) if verdict is None else None,
        )
        return self._with(record, record.history, answer)

    def decide(self, key: Key, verdict: Offer | Decline, *, now: datetime, dialect: Dialect) -> Result:
        """Judge a request for which time was needed."""
        writer = Writer(dialect, self.site.zone)
        record = self.records.get(key)
        if record is None or record.state is not State.RECEIVED:
            wrong = _NOT_FOUND if record is None else Finding("", Code.INVALID_STATE, "it is judged already")
            return Result(book=self, answer=problem([wrong], writer, record))
        judged = _judged(record, verdict, now)
        return self._with(judged, judged.history[-1:], Answer(status=200, body=reply(judged, writer)))

    def confirm(self, key: Key, confirmation: Confirmation, *, now: datetime, dialect: Dialect) -> Result:
        """Take an order; the same again is answered with how it stands now, another one is refused."""
        writer = Writer(dialect, self.site.zone)
        record = self.records.get(key)
        if record is None:
            return Result(book=self, answer=problem([_NOT_FOUND], writer))
        order = _resolved(confirmation, record)
        if record.confirmation is not None:
            if order == record.confirmation:
                return Result(book=self, answer=Answer(status=200, body=reply(record, writer)).again())
            wrong = Finding("", Code.ALREADY_CONFIRMED, "another order was confirmed")
            return Result(book=self, answer=problem([wrong], writer, record))
        others = self._promised(key, record.request)
        findings = tuple(conflicts(self.site, record, order, others, dialect))
        facts = Facts(now=now, confirmation=order, partial=self.site.partial, findings=findings)
        row = step(record, Trigger.CONFIRM, facts)
        if isinstance(row, Finding):
            return Result(book=self, answer=problem([row], writer, record))
        ordered = record.after(_transition(key, record, row, now, said=order))
        ordered = self._pass_time(ordered, Facts(now=now))
        transitions = ordered.history[record.revision :]
        return self._with(ordered, transitions, Answer(status=200, body=reply(ordered, writer)))

    def cancel(self, key: Key, *, now: datetime, dialect: Dialect) -> Result:
        """Let the operator withdraw a request; doing so again is answered alike."""
        record = self.records.get(key)
        if record is not None and record.happened(Trigger.CANCEL):
            return Result(book=self, answer=Answer(status=204).again())
        return self.happen(key, Trigger.CANCEL, Facts(now=now), dialect=dialect)

    def read(self, key: Key, *, dialect: Dialect) -> Answer:
        """Answer how a request stands."""
        writer = Writer(dialect, self.site.zone)
        record = self.records.get(key)
        if record is None:
            return problem([_NOT_FOUND], writer)
        return Answer(status=200, body=reply(record, writer))

    def happen(
        self,
        key: Key,
        trigger: Trigger,
        facts: Facts,
        *,
        dialect: Dialect,
        cause: Cause | None = None,
        detail: str = "",
    ) -> Result:
        """Let something happen to a request: a user's opt-out, loss of its devices, measurements."""
        record = self.records.get(key)
        row = _NOT_FOUND if record is None else step(record, trigger, facts)
        if record is None or isinstance(row, Finding):
            assert isinstance(row, Finding)
            return Result(book=self, answer=problem([row], Writer(dialect, self.site.zone), record))
        changed = record.after(_transition(key, record, row, facts.now, cause=cause, detail=detail))
        return self._with(changed, changed.history[-1:], Answer(status=204))

    def tick(self, now: datetime, seen: Mapping[Key, Facts] | None = None) -> tuple[Book, tuple[Transition, ...]]:
        """Let time pass: expire, schedule, mobilise, start, end, recover. `seen` tells more of running requests."""
        told = seen or {}
        return self._changed(
            self.records.awake(now),
            lambda record: self._pass_time(record, told.get(record.key) or self._facts(record, now)),
        )

    def restart(self, now: datetime) -> tuple[Book, tuple[Transition, ...]]:
        """Go on from what was kept: resume what runs, give back what is over, give up what was missed."""

        def resumed(record: RequestRecord) -> RequestRecord:
            facts = self._facts(record, now)
            row = step(record, Trigger.RESTART, facts)
            if isinstance(row, Row):
                record = record.after(_transition(record.key, record, row, now))
            return self._pass_time(record, facts)

        return self._changed(self.records.open(), resumed)

    def due(self, now: datetime) -> Mapping[Key, Slot[Decimal]]:
        """Return what is to be given now, and until when: what the arbiter is asked for."""
        found = ((record.key, record.due(now)) for record in self.records.awake(now))
        return {key: slot for key, slot in found if slot is not None}

    def next_due(self, now: datetime) -> datetime | None:
        """Return when the clock alone brings something about."""
        return self.records.next_edge(now)

    def _promised(self, key: Key, request: Request) -> tuple[Taken, ...]:
        """Return what assets are promised for, or were, about the time of a request, by all others."""
        recovery = self.site.recovery(key.asset_id, request)
        return tuple(self.records.taken(request.start, request.end, recovery, besides=key))

    def _facts(self, record: RequestRecord, now: datetime) -> Facts:
        recovery = self.site.recovery(record.key.asset_id, record.request)
        return Facts(now=now, recovery=recovery, start_late=self.site.start_late)

    @staticmethod
    def _pass_time(record: RequestRecord, facts: Facts) -> RequestRecord:
        """Let the clock act on a record until it has nothing more to do."""
        going = True
        while going:
            rows = (step(record, trigger, facts) for trigger in CLOCK)
            row = next((row for row in rows if isinstance(row, Row)), None)
            if going := row is not None:
                record = record.after(_transition(record.key, record, row, facts.now))
        return record

    def _changed(
        self, records: Iterable[RequestRecord], change: Callable[[RequestRecord], RequestRecord]
    ) -> tuple[Book, tuple[Transition, ...]]:
        """Change some records."""
        pairs = [(record, after) for record in records if (after := change(record)) is not record]
        if not pairs:
            return self, ()
        transitions = (one for record, after in pairs for one in after.history[record.revision :])
        return replace(self, records=self.records.after(after for _, after in pairs)), tuple(transitions)

    def _with(self, record: RequestRecord, transitions: tuple[Transition, ...], answer: Answer) -> Result:
        book = replace(self, records=self.records.after((record,)))
        return Result(book=book, transitions=transitions, answer=answer)


def _again(known: RequestRecord, request: Request, writer: Writer) -> Answer:
    """Answer a request whose id is known."""
    wrong: Finding | None = None
    if request != known.request:
        wrong = Finding("/requestID", Code.REQUEST_ID_REUSED, "another request has this id")
    elif known.happened(Trigger.CANCEL):
        wrong = Finding("/requestID", Code.INVALID_STATE, "it was withdrawn; an id is not used again")
    elif known.state is State.RECEIVED:
        wrong = Finding("/requestID", Code.REQUEST_IN_PROGRESS, "it is being judged")
    if wrong is not None:
        return problem([wrong], writer, known)
    return Answer(status=201, body=reply(known.as_of(2), writer), created=True).again()


def _judged(record: RequestRecord, verdict: Offer | Decline, now: datetime) -> RequestRecord:
    """Return the record as it is offered, or rejected; an offer that nobody could order any more is none."""
    if isinstance(verdict, Offer) and not record.past and now >= record.start - verdict.mobilization_delay:
        ahead, needs = (int(span.total_seconds()) for span in (record.start - now, verdict.mobilization_delay))
        verdict = Decline(cause=Cause.LATE, detail=f"{ahead} s ahead; the asset needs {needs} s after it is ordered")
    if isinstance(verdict, Decline):
        row = step(record, Trigger.DECLINE, Facts(now=now))
        said: Offer | None = None
    else:
        power, expires_at = verdict.power.cut(record.start, record.end), verdict.expires_at
        if not record.past:
            expires_at = t10_expiry(expires_at, power.slots[0].start, verdict.mobilization_delay)
        row, said = step(record, Trigger.OFFER, Facts(now=now)), replace(verdict, power=power, expires_at=expires_at)
    assert isinstance(row, Row)
    cause, detail = (verdict.cause, verdict.detail) if isinstance(verdict, Decline) else (None, "")
    return record.after(_transition(record.key, record, row, now, said=said, cause=cause, detail=detail))


def _resolved(confirmation: Confirmation, record: RequestRecord) -> Confirmation:
    """Fill in what a confirmation leaves out: it is as offered."""
    return replace(
        confirmation,
        flex_product=confirmation.flex_product or record.request.flex_product,
        power=confirmation.power or (record.power if record.offer is None else record.offer.power),
    )


def _transition(
    key: Key,
    record: RequestRecord | None,
    row: Row,
    now: datetime,
    *,
    said: Request | Offer | Confirmation | None = None,
    cause: Cause | None = None,
    detail: str = "",
) -> Transition:
    return Transition(
        key=key,
        revision=1 if record is None else record.revision + 1,
        trigger=row.trigger,
        source=row.source,
        target=row.target,
        effect=row.effect,
        actor=row.actor,
        cause=cause or row.cause,
        at=now,
        said=said,
        detail=detail,
    )
