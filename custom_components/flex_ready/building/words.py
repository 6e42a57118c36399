"""What users are told of a load, in the language of Home Assistant: which order, how much, until when."""

from collections.abc import Mapping
from datetime import datetime, tzinfo

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_cached_translations, async_get_translations
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..control.orders import Mode, Reason, Source, Target, Wish

_LONGEST = 255
"""No state is longer."""
_WITH_COMMA = frozenset(("de", "es", "fr", "it", "nl", "pt"))
SHED_WHY = frozenset(
    (
        Reason.EXPECTED,
        Reason.NO_ROOM,
        Reason.BLIND,
        Reason.ASKED,
        Reason.RESERVE,
        Reason.TOLD,
        Reason.ECOWATT,
        Reason.PRICE,
        Reason.MIN_OFF,
    )
)
"""Why a load is shed; the texts of the other reasons say where it is, too."""
_NO_TERM = frozenset((Reason.MAX_OFF,))


class Words:
    """The texts under `common`; powers are in kVA or kW, times are those of the site."""

    def __init__(self, texts: Mapping[str, str], language: str, zone: tzinfo) -> None:
        """Take the texts of a language."""
        self._texts = texts
        self._comma = language.partition("-")[0] in _WITH_COMMA
        self._zone = zone

    @classmethod
    async def async_load(cls, hass: HomeAssistant, zone: tzinfo) -> Words:
        """Fetch the texts in the language of Home Assistant."""
        await async_get_translations(hass, hass.config.language, "common", [DOMAIN])
        return cls.cached(hass, zone)

    @classmethod
    def cached(cls, hass: HomeAssistant, zone: tzinfo) -> Words:
        """Take the texts that were fetched before."""
        language = hass.config.language
        found = async_get_cached_translations(hass, language, "common", DOMAIN)
        prefix = f"component.{DOMAIN}.common."
        return cls({key.removeprefix(prefix): text for key, text in found.items()}, language, zone)

    def text(self, key: str, **placeholders: str) -> str:
        """Return a text, its placeholders filled in."""
        return self._texts.get(key, key).format(**placeholders)

    def power(self, value: int, *, in_kva: bool) -> str:
        """Write a power (W or VA)."""
        number = f"{value / 1000:.1f}".removesuffix(".0")
        return f"{number.replace('.', ',') if self._comma else number} {'kVA' if in_kva else 'kW'}"

    def time(self, at: int) -> str:
        """Write an instant (ms): the time alone where it is of this day."""
        local = datetime.fromtimestamp(at / 1000, self._zone)
        today = dt_util.utcnow().astimezone(self._zone).date()
        return local.strftime("%H:%M" if local.date() == today else "%d/%m %H:%M")

    def load(
        self, target: Target, *, mode: Mode, on: bool, in_kva: bool, saving: int, wish: tuple[Wish, str] | None
    ) -> str:
        """Say in a sentence where a load is, and why; `on` is the master switch, `saving` what its shedding takes off.

        `wish` is the order that it is shed by, with its own words.
        """
        reason = target.reason
        key = f"reason_{reason}"
        figures = {name: self.power(value, in_kva=in_kva) for name, value in target.figures.items()}
        match reason:
            case Reason.UNMANAGED if not on:
                key = "reason_unmanaged_all"
            case Reason.NO_ROOM:
                figures["draws"] = self.power(saving, in_kva=in_kva)
            case Reason.TOLD if wish is not None and wish[1]:
                key = "reason_told_text"
                figures["text"] = wish[1]
            case _:
                pass
        sentence = self.text(key, **figures)
        if reason in SHED_WHY:
            sentence = self.text("reason_would_shed" if mode is Mode.OBSERVE else "reason_shed", why=sentence)
        if target.until is not None and reason not in _NO_TERM:
            sentence = self.text("reason_until", sentence=sentence, time=self.time(target.until))
        return shortened(sentence)

    def restored(self, target: Target, sentence: str, *, rehearsed: bool) -> str:
        """Say in a sentence that a load was given back; `sentence` says where it is now."""
        back = self.text("reason_would_restore" if rehearsed else "reason_restored")
        if target.reason is Reason.FREE:
            return back
        return shortened(self.text("reason_restored_why", back=back, sentence=sentence))


def shortened(text: str) -> str:
    """Return a text as a state holds it."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def wish_of(target: Target, wishes: Mapping[str, Wish], texts: Mapping[str, str]) -> tuple[Wish, str] | None:
    """Return the order of an action that a load is shed by, with its own words."""
    if target.source is not Source.ACTION:
        return None
    about = [wish for wish in wishes.values() if wish.source is Source.ACTION and _about(wish, target)]
    wish = next((wish for wish in about if wish.until == target.until), about[0] if about else None)
    return None if wish is None else (wish, texts.get(wish.id, ""))


def _about(wish: Wish, target: Target) -> bool:
    return not wish.loads or target.load in wish.loads
