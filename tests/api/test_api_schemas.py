"""The API keeps its own OpenAPI document, with data that fit and with data that do not, for who may and who may not."""

import asyncio
from datetime import UTC, timedelta
import time
from typing import Any

from called import PRODUCT, Called, asked, begun
from homeassistant.util import dt as dt_util
from test_serve_schemas import Run, judge, run

from custom_components.flex_ready.api.handlers import PATHS
from custom_components.flex_ready.api.limits import Allowance
from custom_components.flex_ready.api.openapi import document
from custom_components.flex_ready.api.views import PREFIX
from custom_components.flex_ready.flexibility.dialects import NATIVE

__all__ = ["begun"]

NAMES = ("one", "two", "three")


async def fuzz(called: Called, token: str) -> Run:
    """Play everything that the document says, with names that are there, against a server without limits."""
    for name in NAMES:
        ahead = timedelta(hours=2 + NAMES.index(name))
        assert (await called.ask(name, power=asked(ahead=ahead)["power"])).status == 201
    for allowance in ("reads", "writes", "refusals"):
        setattr(called.api.limits, allowance, Allowance(1e9, 10**9, time.monotonic))
    served = known((await called.get("/openapi.json", None)).json, called.desk().bacs.id)
    base = str(called.client.make_url(PREFIX))
    return await asyncio.to_thread(run, served, base, "^/", Authorization=f"Bearer {token}")


def known(served: dict[str, Any], bacs: str) -> dict[str, Any]:
    """Give the paths names that exist, and requests a time that may be; what does not fit is made up all the same."""
    names = {"bacs_id": [bacs], "asset_id": ["Heating"], "request_id": list(NAMES)}
    for path in served["paths"].values():
        for operation in path.values():
            for parameter in operation["parameters"]:
                if parameter["name"] in names:
                    parameter["schema"] = {"enum": names[parameter["name"]]}
    start = dt_util.utcnow().astimezone(UTC).replace(microsecond=0) + timedelta(days=1)
    served["components"]["schemas"]["Request"]["properties"]["requestID"] = {
        "type": "string",
        "pattern": "^[a-z]{3,9}$",
    }
    for name in ("Request", "Confirmation"):
        schema = served["components"]["schemas"][name]["properties"]
        schema["flexProduct"] = {"enum": [PRODUCT]}
        power = schema["power"]
        power["maxItems"] = 1  # schemas cannot tell that one slot follows another, nor that it ends later
        power["items"]["properties"]["start"] = {"enum": [start.isoformat()]}
        power["items"]["properties"]["end"] = {"enum": [(start + timedelta(minutes=9)).isoformat()]}
        power["items"]["properties"]["power"] = {
            "type": "object",
            "required": ["unit", "value"],
            "properties": {"unit": {"const": "W"}, "value": {"type": "integer", "minimum": 1, "maximum": 9000}},
        }
    return served


def test_the_document_has_every_path() -> None:
    """No more and no fewer than are served."""
    described = document(NATIVE)["paths"]
    assert {path: {one.upper() for one in described[path]} for path in described} == {
        path: set(methods) for path, methods in PATHS.items()
    }


async def test_anybody_may_read_it(called: Called) -> None:
    """With its entity tag; it is OpenAPI 3.1."""
    answer = await called.get("/openapi.json", None)
    assert (answer.status, answer.kind, answer.json["openapi"]) == (200, "application/json", "3.1.0")
    assert (await called.get("/openapi.json", None, headers={"If-None-Match": answer.headers["ETag"]})).status == 304


async def test_with_a_good_token(called: Called) -> None:
    """No 500, no breach; each path answers what is asked for at least once."""
    found = await fuzz(called, called.tokens["right"])
    confirm = next(label for label in found.statuses if label.endswith("/confirm"))
    judge(found, set(found.statuses) - {confirm}, 250)  # what is made up is hardly ever what was offered
    assert len(found.statuses) == sum(len(methods) for methods in PATHS.values())
    assert {409, 400} <= set(found.statuses[confirm])


async def test_with_the_token_of_another(called: Called) -> None:
    """No breach, and nothing of the other's."""
    found = await fuzz(called, called.tokens["other"])
    assert not found.failures, "\n\n".join(found.failures[:20])
    for label, statuses in found.statuses.items():
        if "{asset_id}" in label:
            assert not {200, 201, 202, 304}.intersection(statuses), label
    assert [record.revision for record in called.desk().book.records.values()] == [2, 2, 2]


async def test_with_a_token_that_is_none(called: Called) -> None:
    """Nobody gets any further."""
    found = await fuzz(called, "garbage")
    assert not found.failures, "\n\n".join(found.failures[:20])
    assert found.cases > 150
    assert set().union(*found.statuses.values()) <= {204, 400, 401, 404, 405}  # 204 is for OPTIONS
    assert [record.revision for record in called.desk().book.records.values()] == [2, 2, 2]
