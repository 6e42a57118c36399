"""Actions of a fleet: ask remote assets for flexibility, order, withdraw, list what was sent, fetch consumptions."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
import re
from typing import Any
from uuid import uuid4

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType, JsonValueType
import probatio

from ..const import DOMAIN
from ..fleet.coordinator import FleetCoordinator
from ..fleet.entity import asset_of_device
from ..fleet.order import Order
from ..fleet.site import RemoteSite
from ..flexibility.client_errors import BacsError
from ..flexibility.model import Aggregation, Asset, Consumption, Direction, Request
from ..slots import Series, Slot, Stretch
from .entry import ENTRY, coordinator_of

_LONGEST = timedelta(days=31)
_MOST_KW = 1_000_000
STEPS = {
    "1min": timedelta(minutes=1),
    "5min": timedelta(minutes=5),
    "10min": timedelta(minutes=10),
    "15min": timedelta(minutes=15),
    "30min": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
"""The steps of a load curve that a BACS may be asked for."""
_IDENTIFIER = probatio.All(cv.string, probatio.Match(re.compile(r"(?=.*[^.])[A-Za-z0-9._:~-]{1,128}\Z", re.ASCII)))
_ASSET: dict[probatio.Marker, object] = {
    probatio.Optional("asset"): cv.string,
    probatio.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
    probatio.Optional("site"): cv.string,
    probatio.Optional("asset_id"): cv.string,
    probatio.Optional("bacs_id"): cv.string,
}
"""A remote asset: its device, or how it is called in a site of a fleet."""
SEND_SCHEMA = probatio.Schema(
    {
        **_ASSET,
        probatio.Required("power"): probatio.All(
            probatio.Coerce(float), probatio.Range(min=0, max=_MOST_KW, min_included=False)
        ),
        probatio.Required("start"): cv.datetime,
        probatio.Optional("end"): cv.datetime,
        probatio.Optional("duration"): probatio.All(
            cv.positive_time_period, probatio.Range(min=timedelta(minutes=1), max=_LONGEST)
        ),
        probatio.Optional("flex_product"): _IDENTIFIER,
        probatio.Optional("direction", default=Direction.DECREASE.value): probatio.Coerce(Direction),
        probatio.Optional("confirm", default=False): cv.boolean,
        probatio.Optional("max_price"): probatio.All(probatio.Coerce(float), probatio.Range(min=-1000, max=1000)),
        probatio.Optional("request_id"): _IDENTIFIER,
    }
)
SENT_SCHEMA = probatio.Schema({**ENTRY, probatio.Required("request_id"): cv.string})
LIST_SCHEMA = probatio.Schema(
    {
        **ENTRY,
        probatio.Optional("site"): cv.string,
        probatio.Optional("request_id"): cv.string,
        probatio.Optional("open_only", default=False): cv.boolean,
    }
)
CONSUMPTIONS_SCHEMA = probatio.Schema(
    {
        **_ASSET,
        probatio.Optional("request_id"): cv.string,
        probatio.Optional("start"): cv.datetime,
        probatio.Optional("end"): cv.datetime,
        probatio.Optional("step"): probatio.In([*STEPS]),
        probatio.Optional("aggregation"): probatio.Coerce(Aggregation),
    }
)


@callback
def async_setup_fleet_services(hass: HomeAssistant) -> None:
    """Register the actions of a fleet."""
    for name, handler, schema, response in (
        ("send_flex_request", _send, SEND_SCHEMA, SupportsResponse.OPTIONAL),
        ("confirm_sent_request", _confirm, SENT_SCHEMA, SupportsResponse.OPTIONAL),
        ("cancel_sent_request", _cancel, SENT_SCHEMA, SupportsResponse.OPTIONAL),
        ("get_sent_requests", _sent, LIST_SCHEMA, SupportsResponse.ONLY),
        ("get_remote_consumptions", _consumptions, CONSUMPTIONS_SCHEMA, SupportsResponse.ONLY),
    ):
        hass.services.async_register(DOMAIN, name, handler, schema=schema, supports_response=response)


async def _send(call: ServiceCall) -> ServiceResponse:
    """Ask a remote asset for flexibility; return what it answers, if it does so soon."""
    fleet, site, asset = _asset(call)
    data = call.data
    if ("end" in data) is ("duration" in data):
        raise _refusal("end_or_duration")
    start = _utc(data["start"])
    end = _utc(data["end"]) if "end" in data else start + data["duration"]
    if end <= start:
        raise _refusal("end_before_start")
    watts = Decimal(str(data["power"])) * 1000
    request = Request(
        id=data.get("request_id") or str(uuid4()),
        flex_product=data.get("flex_product") or _product(asset, data["direction"]),
        power=Series((Slot(start, end, watts),)),
        direction=data["direction"],
    )
    most = Decimal(str(data["max_price"])) if "max_price" in data else None
    order = await fleet.async_send(site, asset, request, confirm=data["confirm"], max_price=most)
    return described(fleet, order)


async def _confirm(call: ServiceCall) -> ServiceResponse:
    """Order what was offered."""
    fleet = coordinator_of(call, FleetCoordinator)
    return described(fleet, await fleet.async_confirm(call.data["request_id"]))


async def _cancel(call: ServiceCall) -> ServiceResponse:
    """Withdraw a request."""
    fleet = coordinator_of(call, FleetCoordinator)
    return described(fleet, await fleet.async_cancel(call.data["request_id"]))


async def _sent(call: ServiceCall) -> ServiceResponse:
    """Return the requests that were sent, the latest first."""
    fleet, data = coordinator_of(call, FleetCoordinator), call.data
    site = _site(fleet, data["site"]).id if "site" in data else None
    found = [
        order
        for order in fleet.book.orders.values()
        if site in (None, order.site)
        and data.get("request_id") in (None, order.id)
        and (order.open or not data["open_only"])
    ]
    found.sort(key=lambda order: order.asked_at, reverse=True)
    return {"requests": [described(fleet, order) for order in found]}


async def _consumptions(call: ServiceCall) -> ServiceResponse:
    """Return what a remote asset consumed: in the time of a request, or in a stretch of time."""
    data = call.data
    if (request_id := data.get("request_id")) is not None:
        fleet = coordinator_of(call, FleetCoordinator) if ATTR_CONFIG_ENTRY_ID in data else _asset(call)[0]
        site = fleet.site_of(request_id)
        order = fleet.book.orders[request_id]
        place, asset_id = (order.bacs_id, order.asset_id), order.asset_id
        found = await _ask(site, lambda client: client.realised(*place, request_id))
    else:
        fleet, site, asset = _asset(call)
        asset_id = asset.id
        end = _utc(data["end"]) if "end" in data else site.now().replace(microsecond=0)
        start = _utc(data["start"]) if "start" in data else end - timedelta(days=1)
        if end <= start:
            raise _refusal("end_before_start")
        step = STEPS[data["step"]] if "step" in data else None
        found = await _ask(
            site,
            lambda client: client.consumption(
                asset.bacs_id, asset.id, Stretch(start, end), step, data.get("aggregation")
            ),
        )
    return {"site": site.name, "asset_id": asset_id, **_consumed(fleet, found)}


async def _ask(site: RemoteSite, ask: Any) -> Consumption:  # noqa: ANN401
    try:
        found: Consumption = await site.async_ask(ask)
    except BacsError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key=f"bacs_{error.fault}",
            translation_placeholders={"site": site.name, "error": error.detail},
        ) from error
    return found


def described(fleet: FleetCoordinator, order: Order) -> JsonObjectType:
    """Describe an order: kW, EUR/kWh, minutes, local time."""
    told = order.told
    return {
        "request_id": order.id,
        "site": fleet.sites[order.site].name,
        "bacs_id": order.bacs_id,
        "asset_id": order.asset_id,
        "state": order.state,
        "open": order.open,
        "flex_product": order.request.flex_product,
        "direction": order.request.direction.value,
        "asked_at": _local(fleet, order.asked_at),
        "asked": _slots(fleet, order.request.power),
        "power": None if told is None else _slots(fleet, told.power),
        "price": None if told is None or told.price is None else float(told.price),
        "expires_at": None if told is None else _local(fleet, told.expires_at),
        "mobilization_delay": _minutes(order.mobilization_delay if told is None else told.mobilization_delay),
        "reason": "" if told is None else told.reason,
        "next_step": None if order.step is None else order.step.value,
        "tries": order.tries,
        "next_call": _local(fleet, order.due),
        "outcome": None if order.outcome is None else order.outcome.value,
        "fault": order.fault,
        "code": order.code,
        "detail": order.detail,
    }


def _consumed(fleet: FleetCoordinator, found: Consumption) -> JsonObjectType:
    return {
        "aggregation": None if found.aggregation is None else found.aggregation.value,
        "steps": [
            {
                "start": _local(fleet, step.start),
                "end": _local(fleet, step.end),
                "power": _kilo(step.value.power),
                "energy": _kilo(step.value.energy),
                "baseline": _kilo(step.value.baseline),
                "quality": step.value.quality.value,
            }
            for step in found.steps
        ],
    }


def _asset(call: ServiceCall) -> tuple[FleetCoordinator, RemoteSite, Asset]:
    """Return the remote asset that an action is about; raise ServiceValidationError if it is not clear which."""
    data: Mapping[str, Any] = call.data
    if (device := data.get("asset")) is not None:
        fleets = (entry.runtime_data for entry in call.hass.config_entries.async_loaded_entries(DOMAIN))
        found = asset_of_device(call.hass, (one for one in fleets if isinstance(one, FleetCoordinator)), device)
        if found is None:
            raise _refusal("not_a_remote_asset", device=device)
        return found
    if not {ATTR_CONFIG_ENTRY_ID, "site", "asset_id"} <= data.keys():
        raise _refusal("which_asset")
    fleet = coordinator_of(call, FleetCoordinator)
    site = _site(fleet, data["site"])
    assets = [one for one in site.data.assets if one.id == data["asset_id"]]
    if "bacs_id" in data:
        assets = [one for one in assets if one.bacs_id == data["bacs_id"]]
    if not assets:
        raise _refusal("no_such_asset", asset=data["asset_id"], site=site.name)
    if len(assets) > 1:
        raise _refusal("several_assets", asset=data["asset_id"], site=site.name)
    return fleet, site, assets[0]


def _site(fleet: FleetCoordinator, named: str) -> RemoteSite:
    """Return a site by its name, or the id of its subentry."""
    found = [site for site in fleet.sites.values() if named in (site.id, site.name)]
    if len(found) != 1:
        raise _refusal("no_such_site", site=named, fleet=fleet.name)
    return found[0]


def _product(asset: Asset, direction: Direction) -> str:
    """Return what an asset gives in a direction: the first, if it gives several."""
    return next((one.flex_product for one in asset.potentials if one.direction is direction), "WID")


def _utc(when: datetime) -> datetime:
    """Read an instant in whole seconds; a naive one is in Home Assistant's zone."""
    return dt_util.as_utc(when).astimezone(UTC).replace(microsecond=0)


def _local(fleet: FleetCoordinator, when: datetime | None) -> JsonValueType:
    return None if when is None else when.astimezone(fleet.zone).isoformat()


def _slots(fleet: FleetCoordinator, power: Series[Decimal]) -> list[JsonValueType]:
    return [
        {"start": _local(fleet, one.start), "end": _local(fleet, one.end), "power": _kilo(one.value)} for one in power
    ]


def _minutes(span: timedelta | None) -> JsonValueType:
    return None if span is None else span.total_seconds() / 60


def _kilo(value: Decimal | None) -> JsonValueType:
    return None if value is None else float(value / 1000)


def _refusal(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)
