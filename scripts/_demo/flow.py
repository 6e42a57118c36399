"""A config flow, followed over REST as the dialogs of the frontend do."""

import asyncio
from collections.abc import Mapping
from typing import Any

from .client import HomeAssistant
from .error import DemoError

_FLOWS = "/api/config/config_entries/flow"
_POLL_S = 0.2
_MOST_STEPS = 20

type Answers = Mapping[str, Mapping[str, object]]


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
    try:
        async with asyncio.timeout(within):
            return await _follow(client, handler, choice, answers)
    except TimeoutError:
        raise DemoError(f"the flow of {handler} has not ended after {within:.0f} s") from None


async def _follow(client: HomeAssistant, handler: str, choice: str, answers: Answers) -> str:
    step: dict[str, Any] = await client.post(_FLOWS, {"handler": handler})
    answered = 0
    while answered < _MOST_STEPS:
        flow = f"{_FLOWS}/{step['flow_id']}"
        name = step.get("step_id", "")
        match step["type"]:
            case "create_entry":
                return str(step["result"]["entry_id"])
            case "abort":
                raise FlowAbortedError(step["reason"])
            case "progress":
                await asyncio.sleep(_POLL_S)
                step = await client.get(flow)
                continue
            case "menu":
                if choice not in step["menu_options"]:
                    raise DemoError(f"the menu {name} offers no {choice}: {step['menu_options']}")
                step = await client.post(flow, {"next_step_id": choice})
            case "form" if errors := step.get("errors"):
                raise DemoError(f"the form {name} is not taken: {errors}")
            case "form":
                step = await client.post(flow, answers.get(name, {}))
            case other:
                raise DemoError(f"the step {name} is of a kind that is not known: {other}")
        answered += 1
    raise DemoError(f"the flow of {handler} goes round in circles at {step.get('step_id')}")
