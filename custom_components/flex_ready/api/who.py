"""Who calls: an operator of one or several buildings, by a token of its identity provider or of Home Assistant."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from aiohttp import hdrs, web
from homeassistant.auth.models import User
from homeassistant.components.http.auth import SIGN_QUERY_PARAM
from homeassistant.components.http.const import KEY_HASS_USER
from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.http import KEY_AUTHENTICATED

from ..const import CONF_KIND, DOMAIN, Kind
from ..desk.const import ISSUER_USER, SUBENTRY_OPERATOR
from ..desk.operators import Auth, Operator
from .keys import KeysUnavailableError, TokenError
from .problems import ProblemError, Trouble
from .tokens import Bearer, Glance, Issuers

if TYPE_CHECKING:
    from ..desk.desk import Desk

_SOON = timedelta(seconds=10)
_MOST_KNOWN = 256
_NONE: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Seat:
    """An operator at the desk of a building."""

    entry: ConfigEntry
    desk: Desk
    operator: Operator


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what is open to it."""

    subject: str
    """Whom the token is about: for the record of calls."""
    issuer: str
    client: str
    seats: tuple[Seat, ...]
    """The buildings it is an operator of, one each."""
    waiting: bool
    """Whether there is another one, which is not ready."""


class Doorkeeper:
    """Tells who calls."""

    def __init__(self, hass: HomeAssistant, issuers: Issuers) -> None:
        self._hass = hass
        self._issuers = issuers
        self._users: dict[str, Bearer] = {}
        self._known: dict[Bearer, Caller] = {}
        """Who called before, as long as no entry changes."""
        async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._forget)

    async def caller(self, request: web.Request) -> Caller:
        """Return who calls; raise ProblemError: without a good token, or of nobody who may."""
        bearer = await self._bearer(request)
        if (known := self._known.get(bearer)) is not None:
            return known
        seats, waiting = self._seats(bearer)
        caller = Caller(bearer.subject, bearer.issuer, bearer.client, seats, waiting)
        if not waiting:  # no signal tells of a desk that opens later
            if len(self._known) >= _MOST_KNOWN:
                self._forget()
            self._known[bearer] = caller
        return caller

    @callback
    def _forget(self, *_: object) -> None:
        self._known.clear()
        self._users.clear()

    def _seats(self, bearer: Bearer) -> tuple[tuple[Seat, ...], bool]:
        """Return the buildings of an operator, and whether one is not ready; raise ProblemError if it has none."""
        seats: list[Seat] = []
        waiting = False
        for entry, operator in self._operators():
            if (operator.issuer, operator.client) != (bearer.issuer, bearer.client):
                continue
            if operator.auth is Auth.OIDC and (not operator.audience or operator.audience not in bearer.audiences):
                continue
            desk = self._desk(entry)
            if desk is None:
                waiting = True
            elif all(seat.desk is not desk for seat in seats):
                seats.append(Seat(entry, desk, operator))
        if not seats and waiting:
            raise not_ready()
        if not seats:
            raise ProblemError(
                Trouble.INSUFFICIENT_SCOPE,
                "this is no operator of a building here",
                headers={hdrs.WWW_AUTHENTICATE: 'Bearer error="insufficient_scope"'},
            )
        return tuple(seats), waiting

    async def _bearer(self, request: web.Request) -> Bearer:
        given = request.headers.getall(hdrs.AUTHORIZATION, _NONE)
        if len(given) == 1 and request.get(KEY_AUTHENTICATED) and SIGN_QUERY_PARAM not in request.query_string:
            return self._user(request[KEY_HASS_USER])
        token = _token(given)
        try:
            return await self._issuers.verify(token, self._audiences())
        except TokenError as error:
            raise _refused(str(error)) from error
        except KeysUnavailableError as error:
            self._note_unavailable(request, Glance.at(token).issuer)
            detail = "the keys of the identity provider cannot be had"
            raise ProblemError(Trouble.UNAVAILABLE, detail, retry_after=_SOON) from error

    def _user(self, user: User) -> Bearer:
        """Return the user whose token Home Assistant found good; who may do everything is not to call from outside."""
        if user.is_admin or user.system_generated:
            raise ProblemError(
                Trouble.INSUFFICIENT_SCOPE,
                "an administrator cannot be an operator",
                headers={hdrs.WWW_AUTHENTICATE: 'Bearer error="insufficient_scope"'},
            )
        if (known := self._users.get(user.id)) is None:
            known = self._users[user.id] = Bearer(ISSUER_USER, user.id, user.id, frozenset())
        return known

    def _note_unavailable(self, request: web.Request, issuer: object) -> None:
        """Note for the operators of an issuer that none of them can be told from anybody else."""
        trouble = Trouble.UNAVAILABLE
        for entry, operator in self._operators():
            if operator.issuer == issuer and (desk := self._desk(entry)) is not None:
                desk.note_call(operator, "", request.method, request.path, trouble.status, trouble.value)

    def _operators(self) -> Iterator[tuple[ConfigEntry, Operator]]:
        """Give the operators of the buildings that are not disabled; a subentry that cannot be read is none."""
        for entry in self._hass.config_entries.async_entries(DOMAIN, include_disabled=False):
            if entry.data.get(CONF_KIND) != Kind.BUILDING:
                continue
            desk = self._desk(entry)
            if desk is not None:
                yield from ((entry, operator) for operator in desk.operators.values())
                continue
            for subentry in entry.get_subentries_of_type(SUBENTRY_OPERATOR):
                try:
                    yield entry, Operator.of(subentry)
                except KeyError, ValueError:
                    continue

    def _audiences(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for _, operator in self._operators():
            if operator.auth is Auth.OIDC and operator.audience:
                found.setdefault(operator.issuer, set()).add(operator.audience)
        return found

    @staticmethod
    def _desk(entry: ConfigEntry) -> Desk | None:
        """Return the desk of a building; None while it is not ready."""
        if entry.state is not ConfigEntryState.LOADED:
            return None
        desk: Desk | None = entry.runtime_data.desk
        return desk


def not_ready() -> ProblemError:
    """Return what is answered while a building is set up."""
    return ProblemError(Trouble.UNAVAILABLE, "the building is not ready", retry_after=_SOON)


def _token(given: Sequence[str]) -> str:
    """Return the bearer token of a call (RFC 6750, 2.1) from its headers; none is taken from elsewhere."""
    if not given:
        raise ProblemError(Trouble.INVALID_TOKEN, "a bearer token is needed", headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise _refused("one bearer token is needed")
    return token.strip()


def _refused(why: str) -> ProblemError:
    return ProblemError(
        Trouble.INVALID_TOKEN,
        f"the token is refused: {why}",
        headers={hdrs.WWW_AUTHENTICATE: 'Bearer error="invalid_token"'},
    )
