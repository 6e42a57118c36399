"""A config flow, followed over REST as the dialogs of the frontend do."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from .client import HomeAssistant
from .error import DemoError

_FLOWS = "/api/config/config_entries/flow"
_SUBENTRY_FLOWS = "/api/config/config_entries/subentries/flow"
_POLL_S = 0.2
_MOST_STEPS = 20

type Answers = Mapping[str, Mapping[str, object]]
type Choices = Sequence[str]


class FlowAbortedError(DemoError):
    """A flow that ended without an entry; `reason` is Home Assistant's key for why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the flow was aborted: {reason}")
        self.reason = reason


async def add_entry(client: HomeAssistant, handler: str, choice: str, answers: Answers, *, within: float = 120) -> str:
    """Add an entry; return its id.

    `choice` is taken where a menu offers it. `answers` has what forms are answered with, by their step; the others
    are confirmed as they are. Raises FlowAbortedError, or DemoError where a form is not taken or `within` s go by.
    """
    made = await _within(_follow(client, _FLOWS, handler, (choice,), answers), f"the flow of {handler}", within)
    return str(made["result"]["entry_id"])


async def add_subentry(client: HomeAssistant, entry_id: str, kind: str, choices: Choices, answers: Answers) -> None:
    """Add a subentry to an entry, as `add_entry` adds entries; of each menu the first offered of `choices` is taken."""
    await _within(_follow(client, _SUBENTRY_FLOWS, [entry_id, kind], choices, answers), f"the flow of a {kind}", 30)


async def _within(flow: Awaitable[dict[str, Any]], name: str, seconds: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(seconds):
            return await flow
    except TimeoutError:
        raise DemoError(f"{name} has not ended after {seconds:.0f} s") from None


async def _follow(
    client: HomeAssistant, flows: str, handler: object, choices: Choices, answers: Answers
) -> dict[str, Any]:
    step: dict[str, Any] = await client.post(flows, {"handler": handler})
    answered = 0
    while answered < _MOST_STEPS:
        flow = f"{flows}/{step['flow_id']}"
        name = step.get("step_id", "")
        match step["type"]:
            case "create_entry":
                return step
            case "abort":
                raise FlowAbortedError(step["reason"])
            case "progress":
                await asyncio.sleep(_POLL_S)
                step = await client.get(flow)
                continue
            case "menu":
                if (choice := next((one for one in choices if one in step["menu_options"]), None)) is None:
                    raise DemoError(f"the menu {name} offers no {' or '.join(choices)}: {step['menu_options']}")
                step = await client.post(flow, {"next_step_id": choice})
            case "form" if errors := step.get("errors"):
                raise DemoError(f"the form {name} is not taken: {errors}")
            case "form":
                step = await client.post(flow, answers.get(name, {}))
            case other:
                raise DemoError(f"the step {name} is of a kind that is not known: {other}")
        answered += 1
    raise DemoError(f"the flow of {handler} goes round in circles at {step.get('step_id')}")
