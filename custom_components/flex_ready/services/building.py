"""Actions of a building: have loads shed, give them back, tell what is decided and why."""

from datetime import timedelta

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import probatio

from ..building.coordinator import BuildingCoordinator
from ..building.entity import load_of_device
from ..building.plan import described, plan, sentence
from ..const import DOMAIN
from ..control.orders import Mode
from .entry import ENTRY, coordinator_of

_LONGEST = timedelta(days=1)
_MOST_KW = 100_000
_LONGEST_TEXT = 200
_DEVICES = probatio.All(cv.ensure_list, [cv.string])
SHED_SCHEMA = probatio.Schema(
    {
        **ENTRY,
        probatio.Optional("loads"): _DEVICES,
        probatio.Optional("power"): probatio.All(
            probatio.Coerce(float), probatio.Range(min=0, max=_MOST_KW, min_included=False)
        ),
        probatio.Required("duration"): probatio.All(
            cv.positive_time_period, probatio.Range(min=timedelta(minutes=1), max=_LONGEST)
        ),
        probatio.Optional("reason", default=""): probatio.All(cv.string, probatio.Length(max=_LONGEST_TEXT)),
        probatio.Optional("force", default=False): cv.boolean,
    }
)
RESTORE_SCHEMA = probatio.Schema({**ENTRY, probatio.Optional("loads"): _DEVICES})
PLAN_SCHEMA = probatio.Schema(ENTRY)


@callback
def async_setup_building_services(hass: HomeAssistant) -> None:
    """Register the actions of a building."""
    for name, handler, schema, response in (
        ("shed_loads", _shed_loads, SHED_SCHEMA, SupportsResponse.OPTIONAL),
        ("restore_loads", _restore_loads, RESTORE_SCHEMA, SupportsResponse.OPTIONAL),
        ("get_plan", _get_plan, PLAN_SCHEMA, SupportsResponse.ONLY),
    ):
        hass.services.async_register(DOMAIN, name, handler, schema=schema, supports_response=response)


async def _shed_loads(call: ServiceCall) -> ServiceResponse:
    """Have loads shed, or so much power of some of them; return the order, and what was decided."""
    building = coordinator_of(call, BuildingCoordinator)
    if call.data["force"]:
        await _require_admin(call)
    if not building.kept.on:
        raise _refusal("shedding_off", building=building.name)
    named = _loads(call, building)
    power = round(call.data["power"] * 1000) if "power" in call.data else None
    about = named or tuple(building.handovers)
    if not about:
        raise _refusal("no_loads", building=building.name)
    until = dt_util.utcnow() + call.data["duration"]
    order = await building.async_shed(
        about, power=power, until=until, text=call.data["reason"].strip(), forced=call.data["force"]
    )
    return {
        "order": order,
        "until": until.astimezone(building.zone).isoformat(),
        "observed": building.kept.mode is Mode.OBSERVE,
        "loads": [
            {**described(building, target), "sentence": sentence(building, target)}
            for target in building.data.targets
            if target.load in about
        ],
    }


async def _restore_loads(call: ServiceCall) -> ServiceResponse:
    """Withdraw the orders of actions; what the subscribed power holds off stays off."""
    building = coordinator_of(call, BuildingCoordinator)
    return {"withdrawn": await building.async_restore(_loads(call, building))}


async def _get_plan(call: ServiceCall) -> ServiceResponse:
    """Return what is decided, and why."""
    return plan(coordinator_of(call, BuildingCoordinator))


async def _require_admin(call: ServiceCall) -> None:
    """Raise Unauthorized if a user who is no administrator calls; an automation is nobody's."""
    if (user_id := call.context.user_id) is None:
        return
    user = await call.hass.auth.async_get_user(user_id)
    if user is None:
        raise UnknownUser(context=call.context)
    if not user.is_admin:
        raise Unauthorized(context=call.context)


def _loads(call: ServiceCall, building: BuildingCoordinator) -> tuple[str, ...] | None:
    """Return the loads that devices are; raise ServiceValidationError if one is none of this building."""
    if not (devices := call.data.get("loads")):
        return None
    found = []
    for device in devices:
        entry_id, load = load_of_device(call.hass, device) or ("", "")
        if entry_id != building.config_entry.entry_id or load not in building.handovers:
            raise _refusal("not_a_load", device=device, building=building.name)
        found.append(load)
    return tuple(dict.fromkeys(found))


def _refusal(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)
