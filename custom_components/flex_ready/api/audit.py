"""The record of calls: those of operators at their desks, those that were refused at the door in memory."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from homeassistant.core import callback

from .who import Caller, Seat

_MOST_REFUSED = 50
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A call of nobody who may; never with what it showed as its token."""

    at: datetime
    remote: str
    method: str
    path: str
    status: int
    code: str
    detail: str


class Audit:
    """Notes every call, who and what and what came of it."""

    def __init__(self) -> None:
        self.refused: deque[RefusedCall] = deque(maxlen=_MOST_REFUSED)
        """The last ones, for diagnostics."""

    @callback
    def let_in(self, request: web.Request, caller: Caller, seat: Seat | None, status: int, code: str) -> None:
        """Note a call of an operator, with each building that it was about."""
        for one in (seat,) if seat else caller.seats:
            one.desk.note_call(one.operator, caller.subject, request.method, request.path, status, code)

    @callback
    def turned_away(self, request: web.Request, at: datetime, status: int, code: str, detail: str) -> None:
        """Note a call that nobody who may has made."""
        path = request.path[:_LONGEST]
        self.refused.append(RefusedCall(at, request.remote or "", request.method, path, status, code, detail))
