"""Actions about contracts: orders and tests that come by other ways, load curves, the perimeter, and what if."""

from collections.abc import Awaitable, Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util
import probatio

from ..const import DOMAIN
from ..contract import told
from ..contract.const import YEARS
from ..contract.coordinator import ContractCoordinator
from ..contract.state import ORDER_ID, OUTCOME
from ..ledger import LedgerError, Trial
from ..settlement.model import STEP, Order, Purpose, floor
from ..settlement.orders import invalid
from ..settlement.trials import Outcome, TrialKind
from .entry import ENTRY, coordinator_of

_LONGEST = timedelta(days=7)
_LONGEST_CURVE = timedelta(days=31)
STEPS = {"10min": timedelta(minutes=10), "30min": STEP}
_POWER = probatio.All(probatio.Coerce(float), probatio.Range(min=0.001, max=1_000_000))
"""kW: a watt at least."""
_WHEN: dict[probatio.Marker, object] = {
    probatio.Required("start"): cv.datetime,
    probatio.Optional("end"): cv.datetime,
    probatio.Optional("duration"): probatio.All(
        cv.positive_time_period, probatio.Range(min=timedelta(minutes=1), max=_LONGEST)
    ),
    probatio.Optional("power"): _POWER,
}
ORDER_SCHEMA = probatio.Schema(
    {
        **ENTRY,
        **_WHEN,
        probatio.Optional("order_id"): cv.string,
        probatio.Optional("ordered_at"): cv.datetime,
        probatio.Optional("purpose", default=Purpose.ACTIVATION.value): probatio.Coerce(Purpose),
        probatio.Optional("accepted", default=True): cv.boolean,
        probatio.Optional("force", default=False): cv.boolean,
    }
)
TEST_SCHEMA = probatio.Schema(
    {
        **ENTRY,
        probatio.Optional("test_id"): cv.string,
        probatio.Required("kind"): probatio.Coerce(TrialKind),
        probatio.Required("outcome"): probatio.Coerce(Outcome),
        probatio.Optional("at"): cv.datetime,
        probatio.Optional("order_id"): cv.string,
        probatio.Optional("note"): cv.string,
    }
)
CURVE_SCHEMA = probatio.Schema(
    {
        **ENTRY,
        probatio.Required("site"): cv.string,
        probatio.Optional("start"): cv.datetime,
        probatio.Optional("end"): cv.datetime,
        probatio.Optional("step", default="30min"): probatio.In([*STEPS]),
    }
)
PERIMETER_SCHEMA = probatio.Schema({**ENTRY, probatio.Optional("month"): cv.date})
SIMULATE_SCHEMA = probatio.Schema({**ENTRY, **_WHEN, probatio.Optional("delivered_power"): _POWER})


@callback
def async_setup_contract_services(hass: HomeAssistant) -> None:
    """Register the actions of contracts."""
    for name, handler, schema, response in (
        ("record_order", _order, ORDER_SCHEMA, SupportsResponse.OPTIONAL),
        ("record_test", _test, TEST_SCHEMA, SupportsResponse.OPTIONAL),
        ("get_load_curve", _curve, CURVE_SCHEMA, SupportsResponse.ONLY),
        ("get_perimeter", _perimeter, PERIMETER_SCHEMA, SupportsResponse.ONLY),
        ("simulate_activation", _simulate, SIMULATE_SCHEMA, SupportsResponse.ONLY),
    ):
        hass.services.async_register(DOMAIN, name, handler, schema=schema, supports_response=response)


async def _order(call: ServiceCall) -> ServiceResponse:
    """Keep an order that came by another way than a request; the same id again changes it."""
    contract = coordinator_of(call, ContractCoordinator)
    data = call.data
    start, end = _stretch(call)
    known = next((one for one in contract.data.orders if one.id == data.get("order_id")), None)
    ordered_at = utc(data["ordered_at"]) if "ordered_at" in data else known.ordered_at if known else contract.now()
    order = Order(
        id=data.get("order_id") or str(uuid4()),
        start=start,
        end=end,
        ordered_at=ordered_at.replace(microsecond=0),
        power_w=_watts(call, contract),
        direction=contract.setup.terms.direction,
        purpose=data["purpose"],
        accepted=data["accepted"],
    )
    wrong = invalid(order, contract.setup.terms, contract.data.orders, decisions=contract.setup.decisions)
    if wrong and order.accepted and not data["force"]:
        texts = await texts_of(contract.hass)
        raise refusal("order_invalid", reasons=", ".join(texts[f"contract_invalid_{reason}"] for reason in wrong))
    await kept(contract, contract.async_order(order))
    return {**told.order(order, contract.zone), "reasons": [reason.value for reason in wrong]}


async def _test(call: ServiceCall) -> ServiceResponse:
    """Keep what came of a test; the same id again changes it."""
    contract = coordinator_of(call, ContractCoordinator)
    data = call.data
    name, order = data.get("test_id"), data.get("order_id")
    if name is not None:
        known = next((one for one in contract.trials if one.id == name), None)
        if known is None:
            raise refusal("no_such_test", test=name, contract=contract.name)
        order = order or known.said.get(ORDER_ID)
    else:  # of the test of an order one outcome is kept: what is told again stands
        known = next((one for one in contract.trials if order is not None and one.said.get(ORDER_ID) == order), None)
    now = contract.now()
    if order is not None:
        tested = contract.orders_of(order)
        if not tested:
            raise refusal("no_such_order", order=order, contract=contract.name)
        now = min(now, tested[0].start)
    at = utc(data["at"]) if "at" in data else known.at if known else now
    if at > contract.now():
        raise refusal("test_to_come")
    said = {OUTCOME: data["outcome"].value, ORDER_ID: order, "note": data.get("note", "")}
    trial = Trial(id=known.id if known else str(uuid4()), at=at, kind=data["kind"].value, said=said)
    await kept(contract, contract.async_trial(trial))
    return {"test_id": trial.id, "kind": trial.kind, "at": told.local(at, contract.zone), **said}


async def _curve(call: ServiceCall) -> ServiceResponse:
    """Return the load curve of a site."""
    contract = coordinator_of(call, ContractCoordinator)
    data = call.data
    step = STEPS[data["step"]]
    site = _site(contract, data["site"])
    end = floor(utc(data["end"]) if "end" in data else contract.now(), step)
    start = floor(utc(data["start"]), step) if "start" in data else end - timedelta(days=1)
    if end <= start:
        raise refusal("end_before_start")
    if end - start > _LONGEST_CURVE:
        raise refusal("curve_too_long", days=str(_LONGEST_CURVE.days))
    curve = await kept(contract, contract.ledger.readings(site, start, end, step))
    return {
        "site": contract.config_entry.subentries[site].title,
        "step": data["step"],
        "steps": told.load_curve(curve, start, end, step, contract.zone),
    }


async def _perimeter(call: ServiceCall) -> ServiceResponse:
    """Return the perimeter of a month, as far as it is known today, and how it stands with the tests now."""
    contract = coordinator_of(call, ContractCoordinator)
    month: date = call.data.get("month", contract.today())
    if month.year not in YEARS:
        raise refusal("unlikely_time", time=month.isoformat())
    titles = {name: one.title for name, one in contract.config_entry.subentries.items()}
    return {
        **told.perimeter(contract.setup, month.replace(day=1), titles),
        "tests": told.tests(contract.setup, contract.data.tests, contract.data.orders, contract.now()),
    }


async def _simulate(call: ServiceCall) -> ServiceResponse:
    """Return what an order is likely to bring before it is accepted."""
    contract = coordinator_of(call, ContractCoordinator)
    start, end = _stretch(call)
    order = Order(
        id="what-if",
        start=start,
        end=end,
        ordered_at=contract.now(),
        power_w=_watts(call, contract),
        direction=contract.setup.terms.direction,
    )
    delivered = round(call.data["delivered_power"] * 1000) if "delivered_power" in call.data else order.power_w
    found, sure = await kept(contract, contract.books.async_outlook(order, contract.effective, delivered))
    wrong = invalid(order, contract.setup.terms, contract.data.orders, decisions=contract.setup.decisions)
    return {
        **told.order(order, contract.zone),
        "delivered_power": delivered / 1000,
        "reasons": [reason.value for reason in wrong],
        **told.outlook(found, sure),
    }


async def texts_of(hass: HomeAssistant) -> Mapping[str, str]:
    """Return words in the language of Home Assistant."""
    found = await async_get_translations(hass, hass.config.language, "common", [DOMAIN])
    return {key.removeprefix(f"component.{DOMAIN}.common."): text for key, text in found.items()}


def _stretch(call: ServiceCall) -> tuple[datetime, datetime]:
    data = call.data
    if ("end" in data) is ("duration" in data):
        raise refusal("end_or_duration")
    start = utc(data["start"])
    end = utc(data["end"]) if "end" in data else start + data["duration"]
    if end <= start:
        raise refusal("end_before_start")
    return start, end


def _watts(call: ServiceCall, contract: ContractCoordinator) -> int:
    """Return the power that is asked for; that of the service, if nothing is said."""
    return round(call.data["power"] * 1000) if "power" in call.data else contract.setup.terms.power_w


def _site(contract: ContractCoordinator, named: str) -> str:
    """Return a site by its name, its PRM, or the id of its subentry."""
    titles = contract.config_entry.subentries
    found = [name for name, site in contract.setup.sites.items() if named in (name, site.id, titles[name].title)]
    if len(found) != 1:
        raise refusal("no_such_perimeter_site", site=named, contract=contract.name)
    return found[0]


def utc(when: datetime) -> datetime:
    """Read an instant in whole seconds; a naive one is in Home Assistant's zone."""
    if when.year not in YEARS:
        raise refusal("unlikely_time", time=when.isoformat())
    return dt_util.as_utc(when).astimezone(UTC).replace(microsecond=0)


async def kept[ValueT](contract: ContractCoordinator, work: Awaitable[ValueT]) -> ValueT:
    """Do something with the ledger; raise HomeAssistantError if that cannot be used."""
    try:
        return await work
    except LedgerError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="ledger_unusable",
            translation_placeholders={"reason": str(error)},
        ) from error


def refusal(key: str, **placeholders: str) -> ServiceValidationError:
    """Return the error that says why an action is not done."""
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)
