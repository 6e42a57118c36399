"""Actions about flexibility requests: the user as an operator of the own building, and the user's word on any."""

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast
from uuid import uuid4

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType
import probatio

from ..building.coordinator import BuildingCoordinator
from ..building.entity import load_of_device
from ..const import DOMAIN
from ..control.orders import Mode
from ..desk.assets import AssetSetup
from ..desk.desk import Desk
from ..desk.told import told
from ..flexibility.answer import Answer
from ..flexibility.export import export
from ..flexibility.model import Confirmation, Request
from ..flexibility.record import Key, RequestRecord, State
from ..ledger import LedgerError
from ..slots import Series, Slot
from .entry import ENTRY, coordinator_of

_LONGEST = timedelta(days=7)
_MARGIN = timedelta(seconds=10)
"""What is asked for as soon as possible is not to be too late by the time that it is ordered."""
_POWER = probatio.All(probatio.Coerce(float), probatio.Range(min=0, max=100_000, min_included=False))
_REQUEST: dict[probatio.Marker, object] = {
    **ENTRY,
    probatio.Required("request_id"): cv.string,
    probatio.Optional("asset"): cv.string,
    probatio.Optional("operator"): cv.string,
}
CREATE_SCHEMA = probatio.Schema(
    {
        **ENTRY,
        probatio.Required("asset"): cv.string,
        probatio.Required("power"): _POWER,
        probatio.Optional("start"): cv.datetime,
        probatio.Optional("end"): cv.datetime,
        probatio.Optional("duration"): probatio.All(
            cv.positive_time_period, probatio.Range(min=timedelta(minutes=1), max=_LONGEST)
        ),
        probatio.Optional("flex_product"): cv.string,
        probatio.Optional("confirm", default=True): cv.boolean,
    }
)
REQUEST_SCHEMA = probatio.Schema(_REQUEST)
ACCEPT_SCHEMA = probatio.Schema({**_REQUEST, probatio.Optional("power"): _POWER})
LIST_SCHEMA = probatio.Schema(
    {
        **ENTRY,
        probatio.Optional("asset"): cv.string,
        probatio.Optional("operator"): cv.string,
        probatio.Optional("state"): probatio.All(cv.ensure_list, [probatio.In([*State])]),
        probatio.Optional("since"): cv.datetime,
    }
)


@callback
def async_setup_flexibility_services(hass: HomeAssistant) -> None:
    """Register the actions about requests."""
    for name, handler, schema, response in (
        ("create_flex_request", _create, CREATE_SCHEMA, SupportsResponse.OPTIONAL),
        ("accept_flex_request", _accept, ACCEPT_SCHEMA, SupportsResponse.OPTIONAL),
        ("decline_flex_request", _decline, REQUEST_SCHEMA, SupportsResponse.OPTIONAL),
        ("confirm_flex_request", _confirm, REQUEST_SCHEMA, SupportsResponse.OPTIONAL),
        ("cancel_flex_request", _cancel, REQUEST_SCHEMA, SupportsResponse.OPTIONAL),
        ("get_flex_requests", _requests, LIST_SCHEMA, SupportsResponse.ONLY),
        ("export_flex_request", _export, REQUEST_SCHEMA, SupportsResponse.ONLY),
    ):
        hass.services.async_register(DOMAIN, name, handler, schema=schema, supports_response=response)


async def _create(call: ServiceCall) -> ServiceResponse:
    """Ask an asset of the own building for flexibility, and order it if it is offered."""
    building, desk = _desk(call)
    setup = _asset(call, building, desk)
    if not building.kept.on:
        raise _refusal("shedding_off", building=building.name)
    if building.kept.mode is Mode.OBSERVE:
        raise _refusal("only_observes", building=building.name)
    asset = desk.asset_of(desk.local, setup.asset_id)
    assert asset is not None  # the local operator sees all
    data = call.data
    if ("end" in data) is ("duration" in data):
        raise _refusal("end_or_duration")
    start = _utc(data["start"]) if "start" in data else (desk.now() + setup.delay + _MARGIN).replace(microsecond=0)
    end = _utc(data["end"]) if "end" in data else start + data["duration"]
    if end <= start:
        raise _refusal("end_before_start")
    request = Request(
        id=str(uuid4()),
        flex_product=data.get("flex_product") or next((one.flex_product for one in asset.potentials), ""),
        power=Series((Slot(start, end, Decimal(str(data["power"])) * 1000),)),
    )
    key = desk.key(desk.local, setup.asset_id, request.id)
    _taken(await _kept(building, desk.create(desk.local, setup.asset_id, request)))
    if data["confirm"] and desk.book.records[key].state is State.OFFERED:
        await _order(building, desk, key)
    return told(building, desk, desk.book.records[key])


async def _accept(call: ServiceCall) -> ServiceResponse:
    """Offer what is asked for, or less."""
    building, desk, record = _request(call)
    most = Decimal(str(call.data["power"])) * 1000 if "power" in call.data else None
    await _kept(building, desk.accept(record.key, most))
    return told(building, desk, desk.book.records[record.key])


async def _decline(call: ServiceCall) -> ServiceResponse:
    """Say no to a request that waits."""
    building, desk, record = _request(call)
    await _kept(building, desk.decline(record.key))
    return told(building, desk, desk.book.records[record.key])


async def _confirm(call: ServiceCall) -> ServiceResponse:
    """Order what the own building offered."""
    building, desk, record = _request(call)
    if not _is_local(desk, record.key):
        raise _refusal("not_yours_to_confirm", request=record.request.id)
    await _order(building, desk, record.key)
    return told(building, desk, desk.book.records[record.key])


async def _cancel(call: ServiceCall) -> ServiceResponse:
    """Withdraw the own request; opt out of that of an operator."""
    building, desk, record = _request(call)
    key = record.key
    if _is_local(desk, key):
        _taken(await _kept(building, desk.cancel(desk.local, key.asset_id, key.request_id)))
    else:
        await _kept(building, desk.opt_out(key))
    return told(building, desk, desk.book.records[key])


async def _requests(call: ServiceCall) -> ServiceResponse:
    """Return the requests of a building, the latest first."""
    building, desk = _desk(call)
    states, since = call.data.get("state"), call.data.get("since")
    after = None if since is None else _utc(since)
    found = [
        record
        for record in _matching(call, building, desk)
        if (not states or record.state in states) and (after is None or record.end > after)
    ]
    found.sort(key=lambda record: (record.start, record.history[0].at), reverse=True)
    return {"requests": [told(building, desk, record) for record in found]}


async def _export(call: ServiceCall) -> ServiceResponse:
    """Return a request as messages of IEC 62746-4."""
    building, desk, record = _request(call)
    key = record.key
    asset, operator, realised = desk.asset_of(desk.local, key.asset_id), desk.operator_of(key), None
    if operator is not None:
        realised = await _kept(building, desk.realised(operator, key.asset_id, key.request_id))
    return cast("JsonObjectType", export(record, desk.bacs, asset, realised, desk.now()))


async def _order(building: BuildingCoordinator, desk: Desk, key: Key) -> None:
    offer = desk.book.records[key].offer
    order = Confirmation(ack_price=None if offer is None else offer.price)
    _taken(await _kept(building, desk.confirm(desk.local, key.asset_id, key.request_id, order)))


async def _kept[ResultT](building: BuildingCoordinator, work: Awaitable[ResultT]) -> ResultT:
    """Return what comes of some work on the ledger; raise HomeAssistantError where that fails."""
    try:
        return await work
    except LedgerError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="not_kept", translation_placeholders={"building": building.name}
        ) from error


def _taken(answer: Answer) -> None:
    """Raise ServiceValidationError if a call was refused."""
    if answer.code is not None:
        detail = answer.findings[0].detail if answer.findings else answer.code.words
        raise _refusal("request_refused", reason=detail)


def _desk(call: ServiceCall) -> tuple[BuildingCoordinator, Desk]:
    building = coordinator_of(call, BuildingCoordinator)
    if building.desk is None:
        raise _refusal("no_desk", building=building.name)
    return building, building.desk


def _request(call: ServiceCall) -> tuple[BuildingCoordinator, Desk, RequestRecord]:
    """Return the request that is meant; raise ServiceValidationError if there is none, or several."""
    building, desk = _desk(call)
    request_id = call.data["request_id"]
    found = [record for record in _matching(call, building, desk) if record.key.request_id == request_id]
    if len(found) != 1:
        raise _refusal("several_requests" if found else "unknown_request", request=request_id, building=building.name)
    return building, desk, found[0]


def _matching(call: ServiceCall, building: BuildingCoordinator, desk: Desk) -> list[RequestRecord]:
    """Return the requests to an asset, of an operator, where those are named."""
    asset_id = _asset(call, building, desk).asset_id if "asset" in call.data else None
    who = _operator(call, building, desk) if "operator" in call.data else None
    return [
        record
        for key, record in desk.book.records.items()
        if asset_id in (None, key.asset_id) and who in (None, (key.issuer, key.client))
    ]


def _asset(call: ServiceCall, building: BuildingCoordinator, desk: Desk) -> AssetSetup:
    device = call.data["asset"]
    entry_id, subentry_id = load_of_device(call.hass, device) or ("", "")
    setup = desk.setups.get(subentry_id)
    if entry_id != building.config_entry.entry_id or setup is None:
        raise _refusal("not_an_asset", device=device, building=building.name)
    return setup


def _operator(call: ServiceCall, building: BuildingCoordinator, desk: Desk) -> tuple[str, str]:
    device = call.data["operator"]
    entry_id, subentry_id = load_of_device(call.hass, device) or ("", "")
    operator = desk.operators.get(subentry_id)
    if entry_id != building.config_entry.entry_id or operator is None:
        raise _refusal("not_an_operator", device=device, building=building.name)
    return operator.issuer, operator.client


def _is_local(desk: Desk, key: Key) -> bool:
    return (key.issuer, key.client) == (desk.local.issuer, desk.local.client)


def _utc(when: datetime) -> datetime:
    """Read an instant in whole seconds; a naive one is in Home Assistant's zone."""
    return dt_util.as_utc(when).astimezone(UTC).replace(microsecond=0)


def _refusal(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)
