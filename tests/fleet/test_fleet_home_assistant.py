"""A fleet before the API that Home Assistant itself serves: the operator's side and the building's, over real HTTP."""

from datetime import UTC, datetime, timedelta

from called import Called, begun
from fleets import Fleet
from homeassistant.config_entries import SOURCE_USER
from homeassistant.const import CONF_NAME, CONF_TOKEN, CONF_URL
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
import pytest
from remote import Remote

from custom_components.flex_ready.const import CONF_DIALECT, DOMAIN
from custom_components.flex_ready.fleet.const import SUBENTRY_SITE
from custom_components.flex_ready.flexibility.dialects import NATIVE

__all__ = ["begun"]


async def test_one_home_assistant_is_the_operator_of_another(called: Called) -> None:
    """Added by its bare address with a user's token; asked, ordered, withdrawn, read: the desk agrees all along."""
    hass = called.hass
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    form = await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": "fleet"})
    created = await hass.config_entries.flow.async_configure(form["flow_id"], {CONF_NAME: "Our town"})
    fleet = Fleet(hass, None, Remote())  # type: ignore[arg-type]  # the clock is the real one
    fleet.entry = created["result"]
    address = str(called.client.make_url("/"))
    flow = await hass.config_entries.subentries.async_init(
        (fleet.entry.entry_id, SUBENTRY_SITE), context={"source": SOURCE_USER}
    )
    configure = hass.config_entries.subentries.async_configure
    await configure(flow["flow_id"], {CONF_URL: address, CONF_DIALECT: NATIVE.name, "access": "token"})
    refused = await configure(flow["flow_id"], {CONF_TOKEN: called.tokens["guest"]})
    assert refused["errors"] == {"base": "bacs_forbidden"}
    found = await configure(flow["flow_id"], {CONF_TOKEN: called.tokens["user"]})
    assert found["description_placeholders"] == {"found": "- School: Heating"}
    assert (await configure(flow["flow_id"], {}))["type"] is FlowResultType.CREATE_ENTRY
    await fleet.settle()
    assert fleet.site.name == "School"
    assert fleet.site.subentry.data[CONF_URL] == f"{address}api/flex_ready/v1"
    bacs = called.desk().bacs.id
    assert fleet.state("remote_potential", bacs, "Heating") == "9.0"

    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    asked = {"power": 5, "start": start.isoformat(), "duration": {"minutes": 30}}
    sent = await fleet.send("r1", **asked, confirm=True)
    assert (sent["state"], sent["fault"], sent["mobilization_delay"]) == ("scheduled", "", 1), sent
    record = called.record("r1", "user")
    assert record
    assert record.state == "scheduled"
    curve = await fleet.call("get_remote_consumptions", config_entry_id=fleet.entry.entry_id, request_id="r1")
    assert curve["steps"] == []
    await fleet.call("get_remote_consumptions", **fleet.where, step="10min")
    withdrawn = await fleet.about("cancel_sent_request")
    assert withdrawn["state"] == "cancelled"
    record = called.record("r1", "user")
    assert record
    assert record.state == "cancelled"
    refusal = await fleet.send("r2", **{**asked, "power": 500})
    assert (refusal["state"], refusal["code"]) == ("refused", "power-exceeded")
    with pytest.raises(HomeAssistantError, match="no asset Ventilation"):
        await fleet.send("r3", **asked, asset_id="Ventilation")
