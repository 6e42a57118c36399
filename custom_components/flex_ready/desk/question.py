"""Asking the user about a request that waits: a notification in Home Assistant, and one with buttons on a phone."""

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from homeassistant.components import persistent_notification
from homeassistant.core import CALLBACK_TYPE, Event, callback
from homeassistant.exceptions import HomeAssistantError

from ..building.meter_link import epoch_ms
from ..const import LOGGER
from ..flexibility.record import Key, RequestRecord, State, Transition
from ..ledger import LedgerError
from . import wording
from .desk import Desk
from .operators import Operator

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator

EVENT_ACTION = "mobile_app_notification_action"
"""On the bus: a button of a notification was pressed on a phone."""
_ACCEPT, _DECLINE = "FLEX_READY_ACCEPT_", "FLEX_READY_DECLINE_"


class Question:
    """Asks about the requests of a building, as long as each waits."""

    def __init__(self, building: BuildingCoordinator, desk: Desk) -> None:
        """Ask about nothing yet."""
        self._building = building
        self._desk = desk
        self._asked: dict[str, Key] = {}
        """By the tag of its notification."""

    @callback
    def start(self) -> CALLBACK_TYPE:
        """Ask about what waits already, on the screen only, and about what comes; return what ends that."""
        hass = self._building.hass
        for record in self._desk.book.records.open():
            if record.state is State.RECEIVED:
                self._show(record)
        stops = (self._desk.async_listen(self._told), hass.bus.async_listen(EVENT_ACTION, self._pressed))

        @callback
        def stop() -> None:
            for one in stops:
                one()
            for tag in self._asked:
                persistent_notification.async_dismiss(hass, tag)

        return stop

    @callback
    def _told(self, _transition: Transition, record: RequestRecord) -> None:
        if record.state is State.RECEIVED:
            self._show(record)
            self._ring(record)
            return
        tag = _tag(record.key)
        if self._asked.pop(tag, None) is not None:
            persistent_notification.async_dismiss(self._building.hass, tag)
            self._notify(record.key, message="clear_notification", data={"tag": tag})

    def _show(self, record: RequestRecord, problem: str = "") -> None:
        """Ask on the screen."""
        tag = _tag(record.key)
        self._asked[tag] = record.key
        text = self._text(record)
        persistent_notification.async_create(
            self._building.hass, f"{problem}\n\n{text}" if problem else text, self._title(), tag
        )

    def _ring(self, record: RequestRecord) -> None:
        """Ask on the phone that the user chose for this operator."""
        words, tag = self._building.words, _tag(record.key)
        buttons = [
            {"action": f"{action}{tag}", "title": words.text(f"request_button_{name}")}
            for action, name in ((_ACCEPT, "accept"), (_DECLINE, "decline"))
        ]
        self._notify(record.key, title=self._title(), message=self._text(record), data={"tag": tag, "actions": buttons})

    def _notify(self, key: Key, **content: object) -> None:
        operator = self._desk.operator_of(key)
        if operator is not None and operator.notify:
            self._building.create_task(self._send(operator, content), "asking the user")

    async def _send(self, operator: Operator, content: dict[str, Any]) -> None:
        domain, _, service = operator.notify.partition(".")
        try:
            await self._building.hass.services.async_call(domain, service, content, blocking=True)
        except HomeAssistantError as error:
            LOGGER.warning("%s cannot be told of a request of %s: %s", operator.notify, operator.title, error)

    @callback
    def _pressed(self, event: Event) -> None:
        action = str(event.data.get("action", ""))
        for prefix in (_ACCEPT, _DECLINE):
            if action.startswith(prefix) and (key := self._asked.get(action.removeprefix(prefix))) is not None:
                self._building.create_task(self._answer(key, accept=prefix == _ACCEPT), "an answer of the user")

    async def _answer(self, key: Key, *, accept: bool) -> None:
        """Do what the user said; where that cannot be done, say so on the screen and go on waiting."""
        try:
            await (self._desk.accept(key) if accept else self._desk.decline(key))
        except (HomeAssistantError, LedgerError) as error:
            LOGGER.warning("What the user said to %s could not be done: %s", key.request_id, error)
            record = self._desk.book.records[key]
            if record.state is State.RECEIVED:
                self._show(record, str(error))

    def _title(self) -> str:
        return self._building.words.text("request_question_title", building=self._building.name)

    def _text(self, record: RequestRecord) -> str:
        """Say who asks for what, until when an answer is waited for, and what silence means."""
        operator = self._desk.operator_of(record.key) or self._desk.local
        policy, until = operator.policy, self._desk.answered_by(record, operator)
        start, end = wording.times(self._building, record)
        return self._building.words.text(
            "request_question_accept" if policy.silence_accepts else "request_question_decline",
            operator=wording.operator_title(self._desk, record.key),
            asset=wording.asset_title(self._building.config_entry, record.key.asset_id),
            power=wording.power(self._building, record),
            start=start,
            end=end,
            until=self._building.words.time(epoch_ms(until)),
        )


def _tag(key: Key) -> str:
    """Return what the notification about a request is known by: the same each time."""
    parts = (key.issuer, key.client, key.bacs_id, key.asset_id, key.request_id)
    return f"flex_ready_{sha256('\n'.join(parts).encode()).hexdigest()[:16]}"
