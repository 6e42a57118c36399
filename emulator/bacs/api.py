"""The BACS side of Annex 1 over HTTP, in a session of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
import json

from aiohttp import web

from ..serve.body import read_json
from ..serve.clock import Clock
from ..serve.problem import ProblemError
from ..sessions import Sessions
from ..sessions.journal import OUTCOME
from .data import SITES, Asset
from .desk import Desk, find
from .life import Flex, orders
from .measure import asked_period, consumptions, of_request
from .wire import Json, direction, kilowatts, minutes, stamp

type _Answer = Callable[[web.Request, Desk, Asset], Awaitable[web.Response]]

_SESSION = "/api/v1/{session_id}"
_ASSET = f"{_SESSION}/bacs/{{bacs_id}}/assets/{{asset_id}}"
_REQUEST = f"{_ASSET}/flexibilities/request/{{request_id}}"
_FRESH = {"Cache-Control": "no-store"}


def routes(clock: Clock, sessions: Sessions) -> list[web.RouteDef]:
    """Return what Annex 1 asks of a BACS; what is not in it is there as docs/emulator.md says."""
    api = _Api(clock, sessions)
    return [
        web.get(f"{_SESSION}/status", api.status, allow_head=False),
        web.get(f"{_SESSION}/bacs", api.sites, allow_head=False),
        web.get(f"{_SESSION}/bacs/{{bacs_id}}", api.site, allow_head=False),
        web.get(f"{_SESSION}/bacs/{{bacs_id}}/assets", api.assets, allow_head=False),
        web.get(_ASSET, api.on_asset(_show), allow_head=False),
        web.get(f"{_ASSET}/flexibilities", api.on_asset(_flexibilities), allow_head=False),
        web.get(f"{_ASSET}/consumptions", api.on_asset(_consumptions), allow_head=False),
        web.get(f"{_ASSET}/consumptions/aggregated", api.on_asset(_aggregated), allow_head=False),
        web.post(f"{_ASSET}/flexibilities/request", api.on_asset(_create)),
        web.get(_REQUEST, api.on_asset(_read), allow_head=False),
        web.delete(_REQUEST, api.on_asset(_delete)),
        web.post(f"{_REQUEST}/confirm", api.on_asset(_confirm)),
        web.post(f"{_REQUEST}/cancel", api.on_asset(_cancel)),
        web.get(f"{_REQUEST}/consumptions", api.on_asset(_realise), allow_head=False),
    ]


class _Api:
    def __init__(self, clock: Clock, sessions: Sessions) -> None:
        self._clock = clock
        self._sessions = sessions

    async def status(self, request: web.Request) -> web.Response:
        desk = await self._desk(request)
        return _json({"now": stamp(desk.now, native=True), "version": "1"})

    async def sites(self, request: web.Request) -> web.Response:
        await self._desk(request)
        return _json([_site(identifier) for identifier in SITES])

    async def site(self, request: web.Request) -> web.Response:
        desk = await self._desk(request)
        return _json(_site(desk.bacs_id))

    async def assets(self, request: web.Request) -> web.Response:
        desk = await self._desk(request)
        return _json([_asset(asset, desk) for asset in SITES[desk.bacs_id].assets.values()])

    def on_asset(self, answer: _Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            desk = await self._desk(request)
            asset = SITES[desk.bacs_id].assets.get(request.match_info["asset_id"])
            if asset is None:
                raise ProblemError(404, "not-found", "the BACS has no such asset")
            return await answer(request, desk, asset)

        return handler

    async def _desk(self, request: web.Request) -> Desk:
        """Return the desk of the BACS in a path; without one in it, of none in particular."""
        session = await self._sessions.own(request, "BACS")
        bacs_id = request.match_info.get("bacs_id", "")
        if "bacs_id" in request.match_info and bacs_id not in SITES:
            raise ProblemError(404, "not-found", "no such BACS")
        now = self._clock.now()
        now -= timedelta(microseconds=now.microsecond)
        return Desk(self._sessions.store, str(session["id"]), bacs_id, session["dialect"] == "native", now)


async def _show(_request: web.Request, desk: Desk, asset: Asset) -> web.Response:
    return _json(_asset(asset, desk))


async def _flexibilities(_request: web.Request, desk: Desk, asset: Asset) -> web.Response:
    return _json([_flexibility(asset, desk)])


async def _create(request: web.Request, desk: Desk, asset: Asset) -> web.Response:
    answer, replayed = await desk.create(asset, await read_json(request))
    headers = {"Location": f"{request.path}/{json.loads(answer)['requestID']}"}
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    response = web.Response(text=answer, status=201, content_type="application/json", headers=_FRESH | headers)
    response[OUTCOME] = "answered before" if replayed else "offered"
    return response


async def _confirm(request: web.Request, desk: Desk, asset: Asset) -> web.Response:
    return _told(await desk.confirm(asset, request.match_info["request_id"], await read_json(request)), asset, desk)


async def _read(request: web.Request, desk: Desk, asset: Asset) -> web.Response:
    return _told(find(await desk.known(), asset, request.match_info["request_id"]), asset, desk)


async def _cancel(request: web.Request, desk: Desk, asset: Asset) -> web.Response:
    return _told(await desk.cancel(asset, request.match_info["request_id"]), asset, desk)


async def _delete(request: web.Request, desk: Desk, asset: Asset) -> web.Response:
    await desk.cancel(asset, request.match_info["request_id"])
    response = web.Response(status=204)
    response[OUTCOME] = "cancelled"
    return response


async def _realise(request: web.Request, desk: Desk, asset: Asset) -> web.Response:
    known = await desk.known()
    flex = find(known, asset, request.match_info["request_id"])
    measured = await asyncio.to_thread(of_request, asset, flex, orders(known), desk.now, native=desk.native)
    response = _json({"requestID": flex.request_id, "state": flex.state(desk.now), **measured})
    response[OUTCOME] = flex.state(desk.now)
    return response


async def _consumptions(request: web.Request, desk: Desk, asset: Asset) -> web.Response:
    return await _measured(request, desk, asset, "aggregation" in request.query)


async def _aggregated(request: web.Request, desk: Desk, asset: Asset) -> web.Response:
    return await _measured(request, desk, asset, True)


async def _measured(request: web.Request, desk: Desk, asset: Asset, aggregated: bool) -> web.Response:  # noqa: FBT001
    asked = asked_period(request.query, desk.now, aggregated=aggregated)
    done = orders(await desk.known())
    return _json(await asyncio.to_thread(consumptions, asset, asked, done, desk.now, native=desk.native))


def _told(flex: Flex, asset: Asset, desk: Desk) -> web.Response:
    response = _json(flex.show(asset, desk.now, native=desk.native))
    response[OUTCOME] = flex.state(desk.now)
    return response


def _json(body: object) -> web.Response:
    return web.json_response(body, headers=_FRESH)


def _site(identifier: str) -> Json:
    site = SITES[identifier]
    return {"id": site.id, "name": site.name, "description": site.description}


def _asset(asset: Asset, desk: Desk) -> Json:
    parent = {"parentAssetID": asset.within} if desk.native and asset.within else {}
    return {"assetID": asset.id, "bacsID": asset.bacs_id, **parent, **_flexibility(asset, desk)}


def _flexibility(asset: Asset, desk: Desk) -> Json:
    native = desk.native
    potential: Json = {
        "power": kilowatts(asset.power_w),
        **direction(native=native),
        "mobilizationDelay": minutes(asset.delay, native=native),
        "maxDuration": minutes(asset.longest, native=native),
        "activationsPerDay" if native else "activationPerDay": asset.per_day,
        "timePeriods": [
            {"start": stamp(start, native=native), "end": stamp(end, native=native)}
            for start, end in asset.periods(desk.now)
        ],
    }
    return {"flexProduct": asset.product, "potential" if native else "potentiel": potential}
