"""The texts of a building: sentences for every reason, lines of the logbook, fields of triggers and conditions."""

from datetime import UTC, datetime
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.util.yaml import load_yaml_dict
import probatio
import pytest

from custom_components.flex_ready import condition, trigger
from custom_components.flex_ready.building.descriptions import BUILDING_EVENTS
from custom_components.flex_ready.building.plan import LOAD_STATES, load_state
from custom_components.flex_ready.building.words import SHED_WHY, Words, wish_of
from custom_components.flex_ready.control.orders import Mode, Reason, Source, Target, Wish

ROOT = Path(__file__).parents[2] / "custom_components" / "flex_ready"
LANGUAGES = ("en", "fr")
TEXTS = {language: json.loads((ROOT / f"translations/{language}.json").read_text()) for language in LANGUAGES}
AT = 1_768_201_350_000
"""12 January 2026, 08:02:30 in Paris."""


def words(language: str) -> Words:
    """Make the words of a language; the site is in UTC."""
    return Words(TEXTS[language]["common"], language, UTC)


def say(told: Words, target: Target, *, mode: Mode = Mode.LIMIT, on: bool = True, text: str | None = None) -> str:
    """Say where a load is."""
    wish = None if text is None else (Wish(id="x", source=Source.ACTION, reason=Reason.TOLD), text)
    return told.load(target, mode=mode, on=on, in_kva=True, saving=3_200, wish=wish)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("mode", Mode)
def test_every_reason_has_a_sentence(language: str, reason: Reason, mode: Mode) -> None:
    """With or without a term, each begins with a capital, is whole, and is no longer than a state may be."""
    step = 1 if reason in SHED_WHY else 0
    for until in (None, AT, AT + 10**9):
        for on in (True, False):
            target = Target("x", step, None, reason, {"limit": 42_000, "over": 5_230}, until)
            for text in (None, "", "{limit} " * 60):
                told = say(words(language), target, mode=mode, on=on, text=text)
                assert told[0].isupper()
                assert "reason_" not in told
                assert 10 < len(told) <= 255
    assert load_state(Target("x", step, None, reason), mode) in LOAD_STATES


def test_figures_and_terms(freezer: Any) -> None:  # noqa: ANN401
    """In the language\u2019s own way; a term of another day has its date."""
    freezer.move_to(datetime.fromtimestamp(AT / 1000, UTC))
    over = Target("x", 1, Source.LIMIT, Reason.EXPECTED, {"limit": 42_000, "over": 5_230}, AT + 450_000)
    assert say(words("en"), over) == (
        "Shed: 5.2 kVA too much was expected for the window to end under 42 kVA, until 07:10"
    )
    assert say(words("fr"), over) == (
        "Délestage : 5,2 kVA de trop pour finir la fenêtre sous 42 kVA, jusqu\u2019à 07:10"
    )
    later = Target("x", 1, Source.LIMIT, Reason.NO_ROOM, {"limit": 42_000}, AT + 86_400_000)
    assert say(words("en"), later, mode=Mode.OBSERVE) == (
        "Would be shed: with its 3.2 kVA the window would end over 42 kVA, until 13/01 07:02"
    )


def test_whose_order_it_is() -> None:
    """That which ends when the load comes back, else the first about it; of other sources none."""
    wishes = {
        wish.id: wish
        for wish in (
            Wish(id="other", source=Source.ACTION, reason=Reason.TOLD, loads=("y",)),
            Wish(id="long", source=Source.ACTION, reason=Reason.TOLD, loads=("x",), until=9),
            Wish(id="any", source=Source.ACTION, reason=Reason.TOLD, power=1, until=5),
        )
    }
    found = wish_of(Target("x", 1, Source.ACTION, Reason.TOLD, until=5), wishes, {"any": "words"})
    assert found == (wishes["any"], "words")
    found = wish_of(Target("x", 1, Source.ACTION, Reason.TOLD, until=7), wishes, {})
    assert found == (wishes["long"], "")
    assert wish_of(Target("x", 1, Source.LIMIT, Reason.NO_ROOM), wishes, {}) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_over(language: str) -> None:
    """Each sentence and each line of the logbook is used."""
    common = TEXTS[language]["common"]
    sentences = {f"reason_{reason}" for reason in Reason}
    sentences |= {f"reason_{end}" for end in ("shed", "would_shed", "restored", "would_restore", "restored_why")}
    sentences |= {"reason_until", "reason_told_text", "reason_unmanaged_all"}
    assert {key for key in common if key.startswith("reason_")} == sentences
    kinds = [kind for kind in BUILDING_EVENTS[0].event_types or () if not kind.startswith("load_")]
    lines = {f"logbook_{kind}" for kind in kinds}
    lines |= {f"logbook_{kind}_rehearsal" for kind in kinds if kind.startswith("limiting")}
    assert {key for key in common if key.startswith("logbook_")} == lines
    rooms = {"calendar", "conformity", "contract", "logbook", "reason", "report", "request"}
    assert {key.partition("_")[0] for key in common} == rooms


@pytest.mark.parametrize("room", ["triggers", "conditions"])
async def test_triggers_and_conditions(hass: HomeAssistant, room: str) -> None:
    """Each field has texts and a selector, and no other has; each has an icon."""
    found: dict[str, Any] = (
        {**await trigger.async_get_triggers(hass)}
        if room == "triggers"
        else {**await condition.async_get_conditions(hass)}
    )
    described = {name: one for name, one in load_yaml_dict(str(ROOT / f"{room}.yaml")).items() if name[0] != "."}
    icons = json.loads((ROOT / "icons.json").read_text())[room]
    assert found.keys() == described.keys() == icons.keys()
    for name, kind in found.items():
        [options] = kind.schema.schema.values()
        fields = {str(marker): marker for marker in options}
        shown = described[name]["fields"]
        assert shown.keys() == fields.keys()
        for key, marker in fields.items():
            if not isinstance(marker.default, probatio.Undefined):
                assert shown[key]["default"] == marker.default()
        for language in LANGUAGES:
            texts = TEXTS[language][room][name]
            assert texts.keys() == {"name", "description", "fields"}
            assert texts["fields"].keys() == fields.keys()
            assert all(re.fullmatch(r"[^{}]+", field[key]) for field in texts["fields"].values() for key in field)
