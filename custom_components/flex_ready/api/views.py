"""The paths of the API in Home Assistant's server, and what every call goes through on its way in and out.

| path below /api/flex_ready/v1 | who may call |
|---|---|
| /openapi.json | anybody |
| all others | an operator of a building: by a token of its identity provider or of its user, no administrator |

Whoever is refused is answered, and never counted as a failed login: nobody of the house is banned for it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
import time
from typing import override

from aiohttp import hdrs, web
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.http import HomeAssistantView
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import LOGGER
from ..ledger import LedgerError
from .answers import check_accepted, written
from .audit import Audit, RefusedCall
from .body import check_length
from .handlers import PATHS, Handler, Visit
from .limits import Limits, network
from .openapi import served_document
from .problems import OUTCOME, ProblemError, Trouble
from .tokens import Issuers
from .who import Caller, Doorkeeper

PREFIX = "/api/flex_ready/v1"
_SOON = timedelta(seconds=10)
_SAFE = frozenset((hdrs.METH_GET, hdrs.METH_HEAD))


@dataclass(slots=True)
class Api:
    """What the paths share."""

    doorkeeper: Doorkeeper
    limits: Limits
    audit: Audit = field(default_factory=Audit)


API: HassKey[Api] = HassKey("flex_ready_api")


@callback
def async_register_views(hass: HomeAssistant) -> None:
    """Serve the API, whatever buildings there are; once is enough."""
    if API in hass.data:
        return
    issuers = Issuers(lambda: async_get_clientsession(hass), time.monotonic)
    hass.data[API] = Api(Doorkeeper(hass, issuers), Limits(time.monotonic))
    hass.http.register_view(_Description(f"{PREFIX}/openapi.json"))
    for path, handlers in PATHS.items():
        hass.http.register_view(_Path(hass, f"{PREFIX}{path}", handlers))
    for path in (PREFIX, f"{PREFIX}/{{rest:.*}}"):
        hass.http.register_view(_Nothing(path))


@callback
def refused_calls(hass: HomeAssistant) -> tuple[RefusedCall, ...]:
    """Return the last calls of nobody who may, for diagnostics."""
    return tuple(hass.data[API].audit.refused) if API in hass.data else ()


class _View(HomeAssistantView, ABC):
    """A path that answers every method, without Home Assistant's own idea of who may, and without CORS."""

    requires_auth = False

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = f"api:flex_ready:{url.removeprefix(PREFIX)}"

    @override
    def register(self, hass: HomeAssistant, app: web.Application, router: web.UrlDispatcher) -> None:
        assert self.url is not None
        router.add_route(hdrs.METH_ANY, self.url, self.answer)

    @abstractmethod
    async def answer(self, request: web.Request) -> web.Response:
        """Answer a call."""


class _Nothing(_View):
    """Whatever is not there."""

    @override
    async def answer(self, request: web.Request) -> web.Response:
        return ProblemError(Trouble.NOT_FOUND, "there is nothing at this path").response()


class _Description(_View):
    """The OpenAPI document."""

    @override
    async def answer(self, request: web.Request) -> web.Response:
        if request.method not in _SAFE:
            return _other_method(request, (hdrs.METH_GET,))
        return written(request, served_document())


class _Path(_View):
    """A path for operators."""

    def __init__(self, hass: HomeAssistant, url: str, handlers: Mapping[str, Handler]) -> None:
        super().__init__(url)
        self._hass = hass
        self._handlers = handlers

    @override
    async def answer(self, request: web.Request) -> web.Response:
        method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
        handler = self._handlers.get(method)
        if handler is None:
            return _other_method(request, tuple(self._handlers))
        if self._hass.is_stopping:
            return ProblemError(Trouble.UNAVAILABLE, "Home Assistant is stopping", retry_after=_SOON).response()
        api = self._hass.data[API]
        try:
            caller = await api.doorkeeper.caller(request)
        except ProblemError as error:
            return _turned_away(api, request, error)
        visit = Visit(self._hass, request, caller)
        response = await _within(api, visit, handler)
        api.audit.let_in(request, caller, visit.seat, response.status, response.get(OUTCOME, ""))
        return response


async def _within(api: Api, visit: Visit, handler: Handler) -> web.Response:
    """Do what an operator asks, or tell what is wrong."""
    try:
        _check_rate(api.limits, visit.request, visit.caller)
        check_accepted(visit.request)
        check_length(visit.request)
        return await handler(visit)
    except ProblemError as error:
        return error.response()
    except LedgerError:
        LOGGER.warning("A call of an operator cannot be kept: the ledger is unavailable")
        return ProblemError(Trouble.UNAVAILABLE, "nothing can be kept at present", retry_after=_SOON).response()
    except Exception:  # noqa: BLE001  # whatever it is, an operator is answered a problem
        LOGGER.exception("A call of an operator failed")
        return ProblemError(Trouble.INTERNAL, "something unexpected happened; the log says more").response()


def _check_rate(limits: Limits, request: web.Request, caller: Caller) -> None:
    allowance = limits.reads if request.method in _SAFE else limits.writes
    wait = allowance.take((caller.issuer, caller.client))
    if wait is not None:
        raise ProblemError(Trouble.RATE_LIMITED, "too many calls", retry_after=wait)


def _turned_away(api: Api, request: web.Request, error: ProblemError) -> web.Response:
    """Answer nobody who may; who is refused too often is told so. A good token is let in whoever else fails."""
    if error.trouble is not Trouble.UNAVAILABLE:
        wait = api.limits.refusals.take(network(request.remote))
        if wait is not None:
            error = ProblemError(Trouble.RATE_LIMITED, "too many calls were refused", retry_after=wait)
    api.audit.turned_away(request, dt_util.utcnow(), error.trouble.status, error.trouble.value, str(error))
    return error.response()


def _other_method(request: web.Request, methods: tuple[str, ...]) -> web.Response:
    """Answer what may be done at a path, or that something else may not (RFC 9110, 9.3.7 and 15.5.6)."""
    known = {*methods, hdrs.METH_OPTIONS, *((hdrs.METH_HEAD,) if hdrs.METH_GET in methods else ())}
    headers = {str(hdrs.ALLOW): ", ".join(sorted(known))}
    if request.method == hdrs.METH_OPTIONS:
        return web.Response(status=204, headers=headers)
    return ProblemError(Trouble.METHOD_NOT_ALLOWED, "not at this path", headers=headers).response()
