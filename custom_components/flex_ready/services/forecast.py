"""The action by which the forecast of an entity of a contract is handed in."""

from datetime import datetime, timedelta

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.helpers import config_validation as cv
import probatio

from ..const import DOMAIN
from ..contract import told
from ..contract.coordinator import ContractCoordinator
from ..settlement.model import STEP, floor
from .contract import kept, refusal, utc
from .entry import ENTRY, coordinator_of

_LONGEST = timedelta(days=31)
_MOST = _LONGEST // STEP
_ENERGY = probatio.All(probatio.Coerce(float), probatio.Range(min=-1_000_000, max=1_000_000))
_STEP_SCHEMA = probatio.Schema({probatio.Required("start"): cv.datetime, probatio.Required("energy"): _ENERGY})
FORECAST_SCHEMA = probatio.Schema(
    {
        **ENTRY,
        probatio.Required("entity"): cv.string,
        probatio.Required("steps"): probatio.All(cv.ensure_list, [_STEP_SCHEMA]),
    }
)


@callback
def async_setup_forecast_services(hass: HomeAssistant) -> None:
    """Register the action of forecasts."""
    hass.services.async_register(
        DOMAIN, "record_forecast", _forecast, schema=FORECAST_SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )


async def _forecast(call: ServiceCall) -> ServiceResponse:
    """Keep what an entity is forecast to withdraw, half-hour by half-hour; the same again changes nothing."""
    contract = coordinator_of(call, ContractCoordinator)
    entity = call.data["entity"]
    if entity not in {site.entity for site in contract.setup.sites.values()}:
        raise refusal("no_such_entity", entity=entity, contract=contract.name)
    wh = _wh(call, contract)
    await kept(contract, contract.async_forecast(entity, wh))
    if not wh:
        return {"entity": entity, "steps": []}
    known = await kept(contract, contract.ledger.forecast(contract.id, entity, min(wh), max(wh) + STEP))
    return {"entity": entity, "steps": told.forecast(known, sorted(wh), contract.zone)}


def _wh(call: ServiceCall, contract: ContractCoordinator) -> dict[datetime, int]:
    """Return the energies that are handed in (Wh), by the start of their half-hour."""
    steps = call.data["steps"]
    if len(steps) > _MOST:
        raise refusal("forecast_too_long", most=str(_MOST), days=str(_LONGEST.days))
    wh: dict[datetime, int] = {}
    for step in steps:
        start = utc(step["start"])
        if floor(start) != start:
            raise refusal("not_a_half_hour", start=told.local(start, contract.zone))
        if start in wh:
            raise refusal("half_hour_twice", start=told.local(start, contract.zone))
        wh[start] = round(step["energy"] * 1000)
    return wh
