"""The servers keep their own OpenAPI documents, with data that fit and with data that do not."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import encode_basic_auth
from annex1 import HEATED, MORNING, asked
import pytest
import schemathesis
from schemathesis.config import (
    ChecksConfig,
    GenerationConfig,
    PhasesConfig,
    PositiveDataAcceptanceConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
    StatefulPhaseConfig,
)
from schemathesis.engine import events, from_schema
from served import PRICES, served

pytestmark = pytest.mark.usefixtures("socket_enabled")

NOT_IN_A_SCHEMA = ["2xx", "3xx", "401", "403", "404", "409", "429", "400", "422"]
"""A period that ends before it begins, a code that nobody was given, a signal within a string: schemas cannot tell."""


@dataclass
class Run:
    """What a run of schemathesis did."""

    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    modes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """How many requests were answered."""
        return sum(counts.total() for counts in self.statuses.values())

    def good(self) -> set[str]:
        """Return the operations that answered what was asked for."""
        return {label for label, counts in self.statuses.items() if any(200 <= status < 300 for status in counts)}


def run(document: dict[str, Any], base: str, only: str, **headers: str) -> Run:
    """Play the positive and the negative data of a document's operations under some paths; bounded and repeatable."""
    config = SchemathesisConfig(
        projects=ProjectsConfig(
            default=ProjectConfig(
                base_url=base,
                headers=headers,
                workers=1,
                generation=GenerationConfig(max_examples=25, deterministic=True, no_shrink=True, database="none"),
                phases=PhasesConfig(stateful=StatefulPhaseConfig(enabled=False)),
                checks=ChecksConfig(
                    positive_data_acceptance=PositiveDataAcceptanceConfig(expected_statuses=NOT_IN_A_SCHEMA)
                ),
            )
        )
    )
    schema = schemathesis.openapi.from_dict(document, config=config).include(path_regex=only)
    found = Run()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            found.failures.append(f"{event.label}: {event.value}")
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.ScenarioFinished):
            _add(found, event)
    return found


def _add(found: Run, event: events.ScenarioFinished) -> None:
    recorder = event.recorder
    counts = found.statuses.setdefault(recorder.label, Counter())
    for identifier, interaction in recorder.interactions.items():
        assert interaction.response, f"no answer: {interaction.request.uri}"
        counts[interaction.response.status_code] += 1
        if (node := recorder.cases.get(identifier)) and node.value.meta:
            found.modes[node.value.meta.generation.mode.value] += 1
    for identifier, checks in recorder.checks.items():
        command = recorder.cases[identifier].value.as_curl_command()
        for check in checks:
            if check.failure_info is not None:
                found.failures.append(f"{recorder.label}: {check.name}: {check.failure_info.failure}\n{command}")


def judge(found: Run, good: set[str], cases: int) -> None:
    """Check that nothing failed, that much was tried, and that some operations did what was asked for."""
    assert not found.failures, "\n\n".join(found.failures[:20])
    assert good <= found.good()
    assert found.cases >= cases, found.statuses
    assert min(found.modes["positive"], found.modes["negative"]) >= cases / 4, found.modes


@pytest.mark.parametrize("who", ["user", "admin"])
async def test_annex_2(who: str) -> None:
    """Everything that the document of Annex 2 and of the login says, for both kinds of caller."""
    async with served() as world:
        document = (await world.get("/openapi.json")).json
        for parameter in document["paths"]["/sessions"]["post"]["parameters"]:
            if parameter["name"] == "url":  # nobody else is called
                parameter["schema"] = {"enum": [f"{world.base}/{PRICES}", f"{world.base}/health"]}
        bearer = f"Bearer {getattr(world, who)}"
        found = await asyncio.to_thread(run, document, world.base, "^/(?!api/v1/)", Authorization=bearer)
    good = set(found.statuses) - {
        "GET /auth/callback",  # its code is got with a browser
        "POST /sessions/{session_id}/cems/commodity/prices",  # needs the one of several sessions that has a supplier
    }
    judge(found, good if who == "admin" else {label for label in good if "/admin/" not in label}, 300)
    assert len(found.statuses) == 10


NAMES = ("one", "two", "three")
REQUESTS = f"/bacs/{HEATED}/assets/WholeBuilding/flexibilities/request"


def known(document: dict[str, Any], session: str) -> dict[str, Any]:
    """Give the paths of Annex 1 a session and names that exist; data that do not fit are made up all the same."""
    names = {
        "session_id": [session],
        "bacs_id": [HEATED],
        "asset_id": ["WholeBuilding", "HeatingSystem"],
        "request_id": list(NAMES),
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] != "path":
                    continue
                known_ones = names[parameter["name"]]
                if parameter["name"] == "request_id":  # others come to be while it runs: any name may be good
                    parameter["schema"] = {"anyOf": [{"enum": known_ones}, parameter["schema"]]}
                else:
                    parameter["schema"] = {"enum": known_ones}
                if path.endswith("/confirm"):  # good once, with a body that fits: played before it is deleted
                    parameter["example"] = known_ones[0]
            body = (
                operation.get("requestBody", {"content": {}})["content"].get("application/json", {}).get("schema", {})
            )
            if power := body["properties"].get("power") if "properties" in body else None:
                power["maxItems"] = 1  # schemas cannot tell that one slot follows another, nor that it ends later
                for name, clock in (("start", "12:30:00"), ("end", "12:31:00")):
                    power["items"]["properties"][name] = {"enum": [f"2025-04-02T{clock}+02:00"]}
    return document


@pytest.mark.parametrize("dialect", ["emulator", "native"])
async def test_annex_1(dialect: str) -> None:
    """Everything that the document says of the BACS, with requests that are there."""
    async with served(start=MORNING) as world:
        session = await world.annex_1(dialect=dialect)
        body = asked(offset="+02:00")
        for name in NAMES:
            await world.post(session + REQUESTS, world.user, json=body | {"requestID": name})
        document = known((await world.get("/openapi.json")).json, session.rpartition("/")[2])
        ours = "^/api/v1/{session_id}/(?!operator)"
        found = await asyncio.to_thread(run, document, world.base, ours, Authorization=f"Bearer {world.user}")
    good = set(found.statuses)
    if dialect == "native":  # what is made up fits neither the asset nor what was offered
        good = {label for label in good if not label.endswith(("/request", "/confirm"))}
    judge(found, good, 300)
    assert len(found.statuses) == 14


async def test_annex_1_as_the_operator() -> None:
    """Everything that the document says of the operator, against another emulator's BACS."""
    async with served(start=MORNING) as bacs, served() as world:
        site = await bacs.annex_1()
        for name in NAMES:
            await bacs.post(site + REQUESTS, bacs.user, json=asked(name=name))
        session = (await world.annex_1("OPERATOR", bacs.base + site)).removesuffix("/operator").rpartition("/")[2]
        document = known((await world.get("/openapi.json")).json, session)
        tokens = {"Authorization": f"Bearer {world.user}", "EMULATOR_Authorization": f"Bearer {bacs.user}"}
        found = await asyncio.to_thread(run, document, world.base, "^/api/v1/{session_id}/operator/", **tokens)
    judge(found, set(found.statuses), 250)
    assert len(found.statuses) == 14


async def test_rte() -> None:
    """Everything that the document of RTE says: tokens, signals once, the sandbox."""
    async with served() as world:
        document = (await world.get("/openapi-rte.json")).json
        basic = encode_basic_auth("emulated-client", "emulated-secret")
        tokens = await asyncio.to_thread(run, document, world.base, "^/token/", Authorization=basic)
        judge(tokens, {"POST /token/oauth/", "GET /token/oauth/"}, 15)
        for kind in ("application/json", "*/*"):
            world.clock.set(world.clock.now() + timedelta(minutes=15))
            bearer = f"Bearer {await world.rte()}"
            signals = await asyncio.to_thread(
                run, document, world.base, "^/open_api/", Authorization=bearer, Accept=kind
            )
            judge(signals, set(signals.statuses), 20)
            assert signals.statuses["GET /open_api/ecowatt/v5/signals"][429]
            assert len(signals.statuses) == 2
