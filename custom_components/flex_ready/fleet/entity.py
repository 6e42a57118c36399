"""What the entities of a fleet share: the device of a remote site, and those of its assets."""

from collections.abc import Callable, Iterable
from time import monotonic
from typing import override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from ..const import DOMAIN
from ..flexibility.model import Asset
from ..gate import AT_ONCE
from ..gated import GatedEntity
from .coordinator import FleetCoordinator
from .site import RemoteSite

type Place = tuple[str, str]
"""A BACS and an asset of it, by their ids."""


def site_identifier(site: RemoteSite) -> tuple[str, str]:
    """Return what the device of a site is known by."""
    return DOMAIN, f"{site.config_entry.entry_id}_{site.id}"


def asset_identifier(site: RemoteSite, place: Place) -> tuple[str, str]:
    """Return what the device of a remote asset is known by."""
    return DOMAIN, "_".join((site.config_entry.entry_id, site.id, *place))


def place_of(asset: Asset) -> Place:
    """Return where a request to an asset goes."""
    return asset.bacs_id, asset.id


def asset_of_device(hass: HomeAssistant, fleets: Iterable[FleetCoordinator], device_id: str) -> _Found | None:
    """Return the fleet, the site and the asset that a device is."""
    device = dr.async_get(hass).async_get(device_id)
    if device is None:
        return None
    for fleet in fleets:
        for site in fleet.sites.values():
            for asset in site.data.assets:
                if asset_identifier(site, place_of(asset)) in device.identifiers:
                    return fleet, site, asset
    return None


type _Found = tuple[FleetCoordinator, RemoteSite, Asset]


class _FleetEntity(GatedEntity[RemoteSite]):
    def __init__(self, site: RemoteSite, description: EntityDescription, identifier: tuple[str, str]) -> None:
        super().__init__(site, AT_ONCE)
        self.entity_description = description
        self._attr_unique_id = f"{identifier[1]}_{description.key}"

    @property
    @override
    def _now(self) -> float:
        return monotonic()

    @property
    @override
    def available(self) -> bool:
        """What was asked for, and whether a site answers, is known at any time."""
        return True


class SiteEntity(_FleetEntity):
    """An entity of a remote site."""

    def __init__(self, site: RemoteSite, description: EntityDescription) -> None:
        """Make an entity of a site."""
        super().__init__(site, description, site_identifier(site))
        self._attr_device_info = DeviceInfo(
            identifiers={site_identifier(site)}, name=site.name, entry_type=DeviceEntryType.SERVICE
        )


class RemoteAssetEntity(_FleetEntity):
    """An entity of a remote asset."""

    def __init__(self, site: RemoteSite, description: EntityDescription, place: Place) -> None:
        """Make an entity of an asset of a site."""
        identifier = asset_identifier(site, place)
        super().__init__(site, description, identifier)
        self.place = place
        self._attr_device_info = DeviceInfo(
            identifiers={identifier},
            name=f"{site.name} {place[1]}",
            entry_type=DeviceEntryType.SERVICE,
            via_device_id=_site_device(site).id,
        )


def _site_device(site: RemoteSite) -> dr.DeviceEntry:
    """Return the device of a site: it has to be there before those of its assets."""
    return dr.async_get(site.hass).async_get_or_create(
        config_entry_id=site.config_entry.entry_id,
        config_subentry_id=site.id,
        identifiers={site_identifier(site)},
        name=site.name,
        entry_type=DeviceEntryType.SERVICE,
    )


@callback
def async_add_sites[RowT](
    fleet: FleetCoordinator,
    async_add_entities: AddConfigEntryEntitiesCallback,
    rows: Iterable[RowT],
    make: Callable[[RemoteSite, RowT], Entity],
) -> None:
    """Add the entities of a table for each site, to its own subentry."""
    rows = tuple(rows)
    for site in fleet.sites.values():
        async_add_entities([make(site, row) for row in rows], config_subentry_id=site.id)


@callback
def async_add_remote_assets[RowT](
    fleet: FleetCoordinator,
    async_add_entities: AddConfigEntryEntitiesCallback,
    rows: Iterable[RowT],
    make: Callable[[RemoteSite, RowT, Place], Entity],
) -> None:
    """Add the entities of a table for each asset of each site, and of those that appear; drop those that went."""
    rows = tuple(rows)

    def follow(site: RemoteSite) -> None:
        added: set[Place] = set()

        @callback
        def look() -> None:
            present = {place_of(asset) for asset in site.data.assets}
            present |= {(order.bacs_id, order.asset_id) for order in site.orders if order.open} & added
            fresh, gone = sorted(present - added), added - present
            added.update(fresh)
            added.difference_update(gone)
            for place in gone:
                _drop(site, place)
            if fresh:
                async_add_entities(
                    [make(site, row, place) for place in fresh for row in rows], config_subentry_id=site.id
                )

        look()
        site.config_entry.async_on_unload(site.async_add_listener(look))

    for site in fleet.sites.values():
        follow(site)


def _drop(site: RemoteSite, place: Place) -> None:
    """Remove the device of an asset that its BACS no longer has, and its entities with it."""
    registry = dr.async_get(site.hass)
    entry_id = site.config_entry.entry_id
    device = registry.async_get_device_by_identifier(asset_identifier(site, place), entry_id)
    if device is not None:
        registry.async_remove_device(device.id)
