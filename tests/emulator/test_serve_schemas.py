"""The servers keep their own OpenAPI documents, with data that fit and with data that do not."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import encode_basic_auth
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
        found = await asyncio.to_thread(run, document, world.base, "", Authorization=bearer)
    good = set(found.statuses) - {
        "GET /auth/callback",  # its code is got with a browser
        "POST /sessions/{session_id}/cems/commodity/prices",  # needs the one of several sessions that has a supplier
    }
    judge(found, good if who == "admin" else {label for label in good if "/admin/" not in label}, 300)
    assert len(found.statuses) == 10


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
