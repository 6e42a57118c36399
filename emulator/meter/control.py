"""HTTP beside the wire: see the building, switch its loads, break the wire (JSON).

``GET /`` the meter, ``GET /loads``, ``GET|POST /loads/{id}`` with ``{"on": bool}``, ``GET /groups`` the last
frame sent, ``GET|POST /faults``. Errors are ``{"error": message}`` with status 400 or 404.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from json import JSONDecodeError
from typing import TYPE_CHECKING

from aiohttp import web

from .building import Load
from .clock import SECOND, local
from .config import RATES, Endpoint, Faults
from .metrology import wh

if TYPE_CHECKING:
    from .emulation import Emulation

type Json = dict[str, object]
type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def open_control(emulation: Emulation, endpoint: Endpoint) -> AsyncIterator[str]:
    """Serve the control API at (host, port), 0 for any port; gives its base URL. Raises OSError if taken."""
    host, port = endpoint
    application = web.Application(middlewares=[_errors_as_json])
    control = _Control(emulation)
    application.add_routes(
        [
            web.get("/", control.meter),
            web.get("/loads", control.loads),
            web.get("/loads/{id}", control.load),
            web.post("/loads/{id}", control.switch),
            web.get("/groups", control.groups),
            web.get("/faults", control.faults),
            web.post("/faults", control.break_wire),
        ]
    )
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPError as error:
        return web.json_response({"error": error.text}, status=error.status)
    except ValueError as error:
        return web.json_response({"error": str(error)}, status=400)


class _Control:
    def __init__(self, emulation: Emulation) -> None:
        self._emulation = emulation
        self._source = emulation.emulated

    async def meter(self, _request: web.Request) -> web.Response:
        meter, config = self._source.meter, self._source.config
        window = meter.window
        return web.json_response(
            {
                "meter": config.meter,
                "time": local(meter.now).isoformat(timespec="milliseconds"),
                "power_w": meter.power.active_w,
                "apparent_va": meter.power.apparent_va,
                "subscribed_power": {"value": config.subscribed, "unit": config.unit},
                "period": meter.period("distributor"),
                "td_min": config.td_min,
                "window": {
                    "start": local(meter.td_top).isoformat(),
                    "energy_wh": wh(window.ea_s),
                    "apparent_vah": wh(window.eapp_s),
                    "seconds_left": round((meter.td_top + meter.td - meter.now) / SECOND, 3),
                },
                "preavis": meter.warning,
                "overruns": meter.overruns,
                "loads": [_load(load) for load in self._source.building.loads.values()],
            }
        )

    async def loads(self, _request: web.Request) -> web.Response:
        return web.json_response([_load(load) for load in self._source.building.loads.values()])

    async def load(self, request: web.Request) -> web.Response:
        return web.json_response(_load(self._find(request)))

    async def switch(self, request: web.Request) -> web.Response:
        load = self._find(request)
        body = await _json(request)
        match body:
            case {"on": bool(on), **others} if not others:
                load.switch(on=on)
            case {"deaf": bool(deaf), **others} if not others:
                load.deaf = deaf
            case _:
                raise ValueError('a load is told {"on": true} or {"on": false}; {"deaf": true} makes it ignore that')
        return web.json_response(_load(load))

    async def groups(self, _request: web.Request) -> web.Response:
        frame = self._emulation.last_frame
        return web.json_response({group.label: group.data for group in frame.groups} if frame else {})

    async def faults(self, _request: web.Request) -> web.Response:
        faults = asdict(self._source.faults) | {"silence": self._source.silence_us() / SECOND}
        return web.json_response({name.replace("_", "-"): value for name, value in faults.items()})

    async def break_wire(self, request: web.Request) -> web.Response:
        changes = {name.replace("-", "_"): value for name, value in (await _json(request)).items()}
        silence = changes.pop("silence", None)
        for name, value in changes.items():
            rate = name in RATES and isinstance(value, int | float) and not isinstance(value, bool)
            if not rate and not (name == "wrong_speed" and isinstance(value, bool)):
                raise ValueError(f"no such fault: {name.replace('_', '-')} = {value}")
        if silence is not None and (isinstance(silence, bool) or not isinstance(silence, int | float)):
            raise ValueError("silence is a number of meter seconds, from now")
        self._source.faults = Faults(**(asdict(self._source.faults) | changes))
        if silence is not None:
            self._source.silence_now(silence)
        return await self.faults(request)

    def _find(self, request: web.Request) -> Load:
        name = request.match_info["id"]
        if load := self._source.building.loads.get(name):
            return load
        raise web.HTTPNotFound(text=f"no load {name}")


async def _json(request: web.Request) -> Json:
    try:
        body = await request.json()
    except JSONDecodeError, UnicodeDecodeError:
        raise ValueError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise ValueError("the body is not a JSON object")  # noqa: TRY004  # answered like every bad body
    return body


def _load(load: Load) -> Json:
    return {
        "id": load.id,
        "name": load.name,
        "on": load.on,
        "power_w": load.power_w,
        "commands": load.commands,
        "repeats": load.repeats,
        "deaf": load.deaf,
    }
