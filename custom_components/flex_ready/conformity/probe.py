"""Whether the API answers at the address that Home Assistant has from outside: it asks itself, seldom."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import ClientError, ClientTimeout
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..api import PREFIX
from ..const import DOMAIN
from .facts import ApiAnswer

DAILY = timedelta(days=1)
"""How long an answer is worth something to those who do not ask."""
ANEW = timedelta(minutes=1)
"""For a user who asks."""
_TIMEOUT = ClientTimeout(total=10)
_OURS = frozenset((401, 429))
"""What the API tells those who show no token, and those who do so too often."""


@dataclass(frozen=True, slots=True)
class _Asked:
    at: datetime
    url: str
    answer: ApiAnswer


_ASKED: HassKey[_Asked] = HassKey(f"{DOMAIN}_probe")


def address(hass: HomeAssistant) -> str | None:
    """Return the https address that Home Assistant has from outside, if it knows one."""
    try:
        return get_url(hass, allow_internal=False, require_ssl=True)
    except NoURLAvailableError:
        return None


async def async_answer(hass: HomeAssistant, url: str, within: timedelta | None) -> ApiAnswer | None:
    """Return what an address answers, asked no longer ago than `within`; None: not to be asked, and not known."""
    now = dt_util.utcnow()
    last = hass.data.get(_ASKED)
    if last is not None and last.url == url and timedelta() <= now - last.at < (within or DAILY):
        return last.answer
    if within is None:
        return None
    answer = await _async_ask(hass, url)
    hass.data[_ASKED] = _Asked(now, url, answer)
    return answer


async def _async_ask(hass: HomeAssistant, url: str) -> ApiAnswer:
    session = async_get_clientsession(hass)
    try:
        async with session.get(f"{url}{PREFIX}/status", timeout=_TIMEOUT, allow_redirects=False) as response:
            ours = response.status in _OURS and response.content_type == "application/problem+json"
            return ApiAnswer.OURS if ours else ApiAnswer.OTHER
    except ClientError, TimeoutError:
        return ApiAnswer.NONE
