"""Actions that report what came of a contract: of an order, and of a quarter, also on paper."""

from pathlib import Path
import re

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.json import json_bytes
from homeassistant.util import slugify
from homeassistant.util.json import JsonObjectType
import probatio

from ..const import DOMAIN
from ..contract import told
from ..contract.coordinator import ContractCoordinator
from ..settlement.report import ActivityReport, Quarter
from .contract import kept, refusal, texts_of
from .entry import ENTRY, coordinator_of

_FOLDER = "flex_ready"
_QUARTER = re.compile(r"(20\d\d)-?[QT]([1-4])", re.IGNORECASE)
FORMATS = ("json", "csv", "pdf")
ACTIVATION_SCHEMA = probatio.Schema({**ENTRY, probatio.Required("order_id"): cv.string})
ACTIVITY_SCHEMA = probatio.Schema(
    {
        **ENTRY,
        probatio.Optional("quarter"): cv.string,
        probatio.Optional("files", default=[]): probatio.All(cv.ensure_list, [probatio.In(FORMATS)]),
    }
)


@callback
def async_setup_report_services(hass: HomeAssistant) -> None:
    """Register the actions that report."""
    for name, handler, schema in (
        ("get_activation_report", _activation, ACTIVATION_SCHEMA),
        ("get_activity_report", _activity, ACTIVITY_SCHEMA),
    ):
        hass.services.async_register(DOMAIN, name, handler, schema=schema, supports_response=SupportsResponse.ONLY)


async def _activation(call: ServiceCall) -> ServiceResponse:
    """Return what came of an order, half-hour by half-hour, and how sure that is."""
    contract = coordinator_of(call, ContractCoordinator)
    name = call.data["order_id"]
    order, *others = contract.orders_of(name) or (None,)
    if order is None:
        raise refusal("no_such_order", order=name, contract=contract.name)
    detail = await kept(contract, contract.books.async_detail(order, contract.effective))
    titles = {one.subentry_id: one.title for one in contract.config_entry.subentries.values()}
    found = told.detail(detail, contract.setup.known, titles, contract.zone)
    return {**found, "others": [one.id for one in others]}


async def _activity(call: ServiceCall) -> ServiceResponse:
    """Return the report of a quarter, and write it into the media folder as asked."""
    contract = coordinator_of(call, ContractCoordinator)
    quarter = _quarter(call.data["quarter"]) if "quarter" in call.data else Quarter.of(contract.today())
    report = await kept(contract, contract.async_activity(quarter))
    answer = {"contract": contract.name, **told.activity(report, contract.zone)}
    files = await _written(contract, report, answer, call.data["files"])
    return {**answer, "files": [*files]}


async def _written(
    contract: ContractCoordinator, report: ActivityReport, answer: JsonObjectType, formats: list[str]
) -> list[str]:
    """Write a report in some formats; return where. Raises HomeAssistantError if the folder cannot be written."""
    if not formats:
        return []
    hass, zone = contract.hass, contract.zone
    texts = await texts_of(hass)
    folder = Path(next(iter(hass.config.media_dirs.values()), hass.config.path("media"))) / _FOLDER

    def write() -> list[str]:
        # A PDF needs a library that takes a moment to load: it is loaded by whoever asks for one.
        from ..contract.papers import as_csv, as_pdf  # noqa: PLC0415

        make = {
            "json": lambda: json_bytes(answer),
            "csv": lambda: as_csv(report, zone).encode(),
            "pdf": lambda: as_pdf(report, contract.name, zone, texts),
        }
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name in formats:
            file = folder / f"{slugify(contract.name)}_{report.quarter}.{name}"
            file.write_bytes(make[name]())
            written.append(str(file))
        return written

    try:
        return await hass.async_add_executor_job(write)
    except OSError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="report_not_written",
            translation_placeholders={"folder": str(folder), "error": str(error)},
        ) from error


def _quarter(said: str) -> Quarter:
    if (found := _QUARTER.fullmatch(said.strip())) is None:
        raise refusal("no_quarter", quarter=said)
    return Quarter(int(found[1]), int(found[2]))
