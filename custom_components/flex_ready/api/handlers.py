"""What is done at each path, for an operator who was let in."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

from aiohttp import hdrs, web
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..building.const import CONF_METER_ENTRY
from ..flexibility.answer import problem, reply
from ..flexibility.dialects import NATIVE
from ..flexibility.lifecycle import OPEN
from ..flexibility.model import Asset, Confirmation, Consumption, Potential, Request
from ..flexibility.problem import RefusedError
from ..flexibility.wire import Json, Reader, Writer
from ..meter.coordinator import MeterConfigEntry
from ..slots import Stretch
from .answers import Written, below, dumps, told, written
from .body import read_json
from .problems import ProblemError, Trouble
from .query import Period, period, window
from .steps import put_together
from .who import Caller, Seat, not_ready

VERSION = "1"
_MANY = 300
"""Steps, the writing of which would be felt by everything else that Home Assistant does."""


@dataclass(slots=True)
class Visit:
    """A call that was let in."""

    hass: HomeAssistant
    request: web.Request
    caller: Caller
    seat: Seat | None = None
    """The building that it turned out to be about."""

    @property
    def at(self) -> Seat:
        """Return the building of the path; raise ProblemError if it is none of the caller's."""
        if self.seat is not None:
            return self.seat
        wanted = self.request.match_info["bacs_id"]
        for seat in self.caller.seats:
            if seat.desk.bacs.id == wanted:
                self.seat = seat
                return seat
        raise not_ready() if self.caller.waiting else nothing()

    @property
    def asset(self) -> Asset:
        """Return the asset of the path; raise ProblemError if the operator does not see it."""
        found = self.at.desk.asset_of(self.at.operator, self.asset_id)
        if found is None:
            raise nothing()
        return found

    @property
    def seen_asset_id(self) -> str:
        """Return the asset that the path names; raise ProblemError if the operator does not see it."""
        desk, seen = self.at.desk, self.at.operator.assets
        if not any(one.asset_id == self.asset_id for name, one in desk.setups.items() if name in seen):
            raise nothing()
        return self.asset_id

    @property
    def asset_id(self) -> str:
        """Return the asset that the path names, whether or not it is there."""
        return self.request.match_info["asset_id"]

    @property
    def request_id(self) -> str:
        """Return the request that the path names, whether or not it is there."""
        return self.request.match_info["request_id"]

    @property
    def kept(self) -> Written:
        """Return what was written last."""
        return self.hass.data.setdefault(_WRITTEN, Written())

    @property
    def writer(self) -> Writer:
        """Return what writes the operator's dialect."""
        return Writer(self.at.operator.dialect, self.at.desk.zone)

    @property
    def reader(self) -> Reader:
        """Return what reads the operator's dialect."""
        return Reader(self.at.operator.dialect, self.at.desk.zone)


_WRITTEN: HassKey[Written] = HassKey("flex_ready_api_written")
type Handler = Callable[[Visit], Awaitable[web.Response]]


def nothing() -> ProblemError:
    """Return what is answered where there is nothing, or nothing of the caller's."""
    return ProblemError(Trouble.NOT_FOUND, "there is no such request, asset or BACS")


async def status(visit: Visit) -> web.Response:
    """Tell the time, and by how much the clocks of the meters differ from it (T11)."""
    meters = [
        {"bacsID": seat.desk.bacs.id, "clockDrift": drift}
        for seat in visit.caller.seats
        if (drift := _drift(visit.hass, seat)) is not None
    ]
    now = dt_util.utcnow().astimezone(UTC).replace(microsecond=0)
    body = {"now": now.isoformat(), "version": VERSION, "meters": meters}
    return written(visit.request, dumps(body), live=True)


async def all_bacs(visit: Visit) -> web.Response:
    """List the buildings of the operator."""
    found = [Writer(seat.operator.dialect, seat.desk.zone).bacs(seat.desk.bacs) for seat in visit.caller.seats]
    return written(visit.request, dumps(found))


async def one_bacs(visit: Visit) -> web.Response:
    """Show a building."""
    return written(visit.request, dumps(visit.writer.bacs(visit.at.desk.bacs)))


async def assets(visit: Visit) -> web.Response:
    """List the assets that the operator sees."""
    desk, operator = visit.at.desk, visit.at.operator
    of = (desk.bacs.id, operator.subentry_id, desk.as_of)
    data, tag = visit.kept.get(of, lambda: [visit.writer.asset(one) for one in desk.assets_of(operator)])
    return written(visit.request, data, tag=tag)


async def one_asset(visit: Visit) -> web.Response:
    """Show an asset."""
    return written(visit.request, dumps(visit.writer.asset(visit.asset)))


async def flexibilities(visit: Visit) -> web.Response:
    """List what an asset can give, of a product, or within some time; of a time to come, what would be offered then."""
    potentials, query = visit.asset.potentials, visit.request.query
    start, end = window(query, visit.at.operator.dialect, visit.at.desk.zone)
    product = query.get("flexProduct")
    found = [one for one in potentials if (product is None or one.flex_product == product) and _within(one, start, end)]
    if start is not None and end is not None and visit.at.desk.now() < start < end:
        found = [_then(visit, one, Stretch(start, end)) for one in found]
    return written(visit.request, dumps([visit.writer.potential(one) for one in found]))


async def create(visit: Visit) -> web.Response:
    """Take a request."""
    asset_id = visit.seen_asset_id
    asked = await _said(visit, visit.reader.request)
    if isinstance(asked, web.Response):
        return asked
    answer = await visit.at.desk.create(visit.at.operator, asset_id, asked)
    return told(visit.request, answer, at=below(visit.request.rel_url.raw_path, asked.id))


async def read(visit: Visit) -> web.Response:
    """Show a request as it stands."""
    seat = visit.at
    operator = seat.operator
    record = seat.desk.record(operator, visit.asset_id, visit.request_id)
    if record is None:
        raise nothing()
    tag = f"{record.revision}-{operator.dialect.name}"
    of = (operator.subentry_id, visit.asset_id, visit.request_id, tag)
    data, _ = visit.kept.get(of, lambda: reply(record, visit.writer))
    return written(visit.request, data, tag=tag)


async def confirm(visit: Visit) -> web.Response:
    """Take an order."""
    seat = visit.at
    if seat.desk.record(seat.operator, visit.seen_asset_id, visit.request_id) is None:
        raise nothing()
    order = await _said(visit, visit.reader.confirmation)
    if isinstance(order, web.Response):
        return order
    answer = await seat.desk.confirm(seat.operator, visit.asset_id, visit.request_id, order)
    return told(visit.request, answer)


async def delete(visit: Visit) -> web.Response:
    """Let the operator withdraw a request."""
    seat = visit.at
    return told(visit.request, await seat.desk.cancel(seat.operator, visit.asset_id, visit.request_id))


async def cancel(visit: Visit) -> web.Response:
    """Let the operator withdraw a request, and show it."""
    seat = visit.at
    answer = await seat.desk.cancel(seat.operator, visit.asset_id, visit.request_id)
    record = seat.desk.record(seat.operator, visit.asset_id, visit.request_id)
    if answer.code is None and record is not None:
        response = told(visit.request, answer)
        shown = written(visit.request, dumps(reply(record, visit.writer)), live=True)
        shown.headers.update({name: one for name, one in response.headers.items() if name.startswith("Idempotency")})
        return shown
    return told(visit.request, answer)


async def realise(visit: Visit) -> web.Response:
    """Show what was drawn in the time of a request, so far: nothing is started by looking."""
    seat = visit.at
    record = seat.desk.record(seat.operator, visit.asset_id, visit.request_id)
    consumption = await seat.desk.realised(seat.operator, visit.asset_id, visit.request_id)
    if record is None or consumption is None:
        raise nothing()
    writer = visit.writer
    about = writer.members(request_id=record.request.id, state=record.state.value)
    data = await _written(visit, lambda: about | writer.consumption(consumption), len(consumption.steps))
    return written(visit.request, data, live=record.state in OPEN)


async def detailed(visit: Visit) -> web.Response:
    """Show what an asset drew, step by step unless it is asked to be put together."""
    return await _consumptions(visit, aggregated=False)


async def aggregated(visit: Visit) -> web.Response:
    """Show what an asset drew, added up unless it is asked otherwise."""
    return await _consumptions(visit, aggregated=True)


async def _consumptions(visit: Visit, *, aggregated: bool) -> web.Response:
    asset_id, desk, now = visit.seen_asset_id, visit.at.desk, visit.at.desk.now()
    asked = period(visit.request.query, now, visit.at.operator.dialect, desk.zone, aggregated=aggregated)
    measured = await desk.consumption(asset_id, asked.stretch)
    writer = visit.writer

    def made() -> Json:
        put: Consumption = put_together(measured, asked, now, desk.zone)
        return writer.consumption(put)

    return written(visit.request, await _written(visit, made, len(measured)), live=_goes_on(asked, now))


def _goes_on(asked: Period, now: datetime) -> bool:
    return asked.stretch.end >= now


async def _written(visit: Visit, make: Callable[[], object], steps: int) -> bytes:
    """Make and write something, beside the loop if it is long."""
    if steps < _MANY:
        return dumps(make())
    return await visit.hass.async_add_executor_job(lambda: dumps(make()))


async def _said[SaidT: Request | Confirmation](
    visit: Visit, read_it: Callable[[object], SaidT]
) -> SaidT | web.Response:
    """Read the body of a call, or answer what is wrong with it."""
    body = await read_json(visit.request)
    try:
        return read_it(body)
    except RefusedError as error:
        return told(visit.request, problem(error.findings, visit.writer))


def _then(visit: Visit, potential: Potential, stretch: Stretch) -> Potential:
    """Return what would be offered from the start of a stretch on, to its end or for the longest activation."""
    longest = potential.max_duration or stretch.length
    during = Stretch(stretch.start, min(stretch.end, stretch.start + longest))
    return replace(potential, power=min(potential.power, visit.at.desk.able(visit.asset.id, during) or Decimal()))


def _within(potential: Potential, start: datetime | None, end: datetime | None) -> bool:
    periods = potential.time_periods
    return not periods or any(
        (start is None or one.end > start) and (end is None or one.start < end) for one in periods
    )


def _drift(hass: HomeAssistant, seat: Seat) -> float | None:
    """Return by how many seconds the clock of the building's meter is ahead; None: not known."""
    meter = hass.config_entries.async_get_entry(seat.entry.data.get(CONF_METER_ENTRY, ""))
    if meter is None or meter.state is not ConfigEntryState.LOADED:
        return None
    drift = cast("MeterConfigEntry", meter).runtime_data.data.drift_s
    return None if drift is None else round(drift, 1)


_REQUEST = NATIVE.paths["request"]
PATHS: Mapping[str, Mapping[str, Handler]] = {
    _REQUEST: {hdrs.METH_GET: read, hdrs.METH_DELETE: delete},
    NATIVE.paths["assets"]: {hdrs.METH_GET: assets},
    NATIVE.paths["bacs"]: {hdrs.METH_GET: all_bacs},
    NATIVE.paths["realize"]: {hdrs.METH_GET: realise},
    NATIVE.paths["consumptions"]: {hdrs.METH_GET: detailed},
    NATIVE.paths["create"]: {hdrs.METH_POST: create},
    NATIVE.paths["confirm"]: {hdrs.METH_POST: confirm},
    NATIVE.paths["flexibilities"]: {hdrs.METH_GET: flexibilities},
    f"{NATIVE.paths['bacs']}/{{bacs_id}}": {hdrs.METH_GET: one_bacs},
    f"{NATIVE.paths['assets']}/{{asset_id}}": {hdrs.METH_GET: one_asset},
    f"{_REQUEST}/cancel": {hdrs.METH_POST: cancel},
    f"{NATIVE.paths['consumptions']}/aggregated": {hdrs.METH_GET: aggregated},
    "/status": {hdrs.METH_GET: status},
}
"""What each path below the prefix does, by method; HEAD goes with GET. What is asked often is tried first."""
