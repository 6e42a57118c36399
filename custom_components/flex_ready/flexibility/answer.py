"""What a call is answered: a status, a body, and what goes into its headers. The replies' form is inferred."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from .problem import Code, Finding, leading
from .record import RequestRecord, State
from .wire import Json, Writer

_SOON = timedelta(seconds=2)
_WITH_REASON = frozenset((State.REJECTED, State.CANCELLED, State.FAILED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call is answered."""

    status: int
    body: Json | None = None
    code: Code | None = None
    """None: it is no problem."""
    findings: tuple[Finding, ...] = ()
    """What is wrong; beside an answer that is no problem, what a strict dialect would have refused."""
    created: bool = False
    """Whether the request's own address is told (Location)."""
    replayed: bool = False
    """Whether it was answered before (Idempotency-Replayed)."""
    retry_after: timedelta | None = None

    def again(self) -> Answer:
        """Return the answer as it is given once more."""
        return replace(self, replayed=True)


def reply(record: RequestRecord, writer: Writer) -> Json:
    """Write a request as it stands."""
    last = record.history[-1]
    offer = {} if record.offer is None else writer.offer(record.offer)
    reason = (last.detail or last.cause.value) if record.state in _WITH_REASON else None
    return {
        **writer.request(record.request),
        **offer,
        **writer.members(
            power=writer.powers(record.power), state=record.state.value, revision=record.revision, reason=reason
        ),
    }


def problem(findings: Iterable[Finding], writer: Writer, record: RequestRecord | None = None) -> Answer:
    """Answer what is wrong, as RFC 9457 has it; who serves it adds `instance`."""
    found = tuple(findings)
    code = leading(found)
    first = next(one for one in found if one.code is code)
    body: Json = {
        "type": f"problems/{code.value}",
        "title": code.words,
        "status": code.status,
        "detail": first.detail,
        "code": code.value,
        "errors": [{"pointer": one.pointer, "code": one.code.value, "detail": one.detail} for one in found],
    }
    if record is not None:
        body |= writer.members(request_id=record.request.id, state=record.state.value)
    retry_after = _SOON if code is Code.REQUEST_IN_PROGRESS else None
    return Answer(status=code.status, body=body, code=code, findings=found, retry_after=retry_after)
