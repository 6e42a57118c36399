"""Fifty sites: asked in turn, a few at a time; those that are dead cost the others nothing."""

from collections.abc import AsyncIterator
from datetime import timedelta

from fleets import ASKED, MINUTE, MORNING, SECOND, START, Fleet, fleet, remote, site_data
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.util import dt as dt_util
import pytest
from remote import ASSET, Crowd, Remote, status

from custom_components.flex_ready.fleet.site import RemoteSite

__all__ = ["fleet", "remote"]

COUNT = 50


@pytest.fixture
async def crowd(socket_enabled: None) -> AsyncIterator[tuple[Crowd, list[Remote]]]:
    """Fifty BACS that run."""
    counter = Crowd()
    remotes = [Remote(clock=dt_util.utcnow, crowd=counter) for _ in range(COUNT)]
    for one in remotes:
        await one.start()
    yield counter, remotes
    for one in remotes:
        await one.stop()


def sites(remotes: list[Remote]) -> list[ConfigSubentryData]:
    """Make a site of each."""
    return [site_data(one.url, title=f"Site {i}") for i, one in enumerate(remotes)]


async def test_fifty_sites(fleet: Fleet, crowd: tuple[Crowd, list[Remote]]) -> None:
    """At first one after the other over half a minute; then each every quarter of an hour, more or less, never all."""
    counter, remotes = crowd
    await fleet.load(*sites(remotes))
    assert sum(bool(one.calls) for one in remotes) == 1
    for second in range(1, 32):
        await fleet.to(MORNING + second * SECOND)
        asked = sum(bool(one.calls) for one in remotes)
        assert abs(asked - COUNT * second / 30) <= 3 or asked == COUNT
    assert all(one.called("GET", "/assets") == 1 for one in remotes)
    assert counter.most <= 4
    polls = [site.next_poll for site in fleet.runtime.sites.values()]
    assert max(polls) - min(polls) > 60 * SECOND
    # All at once come due, as after a night in which the host slept.
    await fleet.to(MORNING + timedelta(hours=8))
    assert all(one.called("GET", "/assets") == 2 for one in remotes)
    assert counter.most <= 4


async def test_requests_to_all_of_them(fleet: Fleet, crowd: tuple[Crowd, list[Remote]]) -> None:
    """Fifty requests at once, ordered at once: each BACS has its own, once; a few calls at a time."""
    counter, remotes = crowd
    await fleet.load(*sites(remotes))
    await fleet.live(MORNING + 31 * SECOND)
    for i in range(COUNT):
        await fleet.hass.services.async_call(
            "flex_ready",
            "send_flex_request",
            {
                "config_entry_id": fleet.entry.entry_id,
                "site": f"Site {i}",
                "asset_id": ASSET,
                **ASKED,
                "confirm": True,
                "request_id": f"r{i}",
            },
            blocking=False,
        )
    await fleet.settle()
    assert counter.most <= 4
    assert [one.called("POST", "/confirm") for one in remotes] == [1] * COUNT
    assert {order.state for order in fleet.runtime.book.orders.values()} == {"scheduled"}
    assert len({order.site for order in fleet.runtime.book.orders.values()}) == COUNT
    await fleet.to(START + SECOND)
    promised = [fleet.hass.states.get(f"sensor.site_{i}_power_promised_now") for i in range(COUNT)]
    assert {one.state for one in promised if one} == {"32.0"}


async def test_dead_sites_cost_the_others_nothing(fleet: Fleet, crowd: tuple[Crowd, list[Remote]]) -> None:
    """Forty that never answer hold as many calls as there are for them; the ten that answer are asked all the same."""
    _, remotes = crowd
    await fleet.load(*sites(remotes))
    for one in remotes[:40]:
        one.always = status(503)
    await fleet.live(MORNING + 20 * MINUTE)

    def lost(site: RemoteSite) -> bool:
        return site.reachable is False

    assert sum(lost(site) for site in fleet.runtime.sites.values()) == 40
    for one in remotes[:40]:
        one.always = one.silent
    alive = remotes[40:]
    for one in alive:
        one.calls.clear()
    # Whatever is asked of the dead hangs from here on: only what does not wait for it can go on.
    fleet.freezer.move_to(MORNING + 40 * MINUTE)
    for site in fleet.runtime.sites.values():
        site._wake()
    for _ in range(5_000):
        if all(one.called("GET", "/assets") for one in alive):
            break
        await fleet.breathe()
    assert all(one.called("GET", "/assets") for one in alive)
    hanging = [site for site in fleet.runtime.sites.values() if lost(site) and site._working]
    assert len(hanging) == 40
    assert await fleet.hass.config_entries.async_unload(fleet.entry.entry_id)
