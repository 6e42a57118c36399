"""What the entities of a contract share: its device, and those of its sites."""

from time import monotonic
from typing import override

from homeassistant.core import callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from ..const import DOMAIN
from ..gate import AT_ONCE
from ..gated import GatedEntity
from .const import SUBENTRY_PERIMETER_SITE
from .coordinator import ContractCoordinator
from .descriptions import SiteBinarySensorDescription


def contract_identifier(contract: ContractCoordinator) -> tuple[str, str]:
    """Return what the device of a contract is known by."""
    return DOMAIN, contract.config_entry.entry_id


class _ContractEntity(GatedEntity[ContractCoordinator]):
    def __init__(self, contract: ContractCoordinator, description: EntityDescription, identifier: str) -> None:
        super().__init__(contract, AT_ONCE)
        self.entity_description = description
        self._attr_unique_id = f"{identifier}_{description.key}"

    @property
    @override
    def _now(self) -> float:
        return monotonic()

    @property
    @override
    def available(self) -> bool:
        """Nothing is told before the books were looked through."""
        return self.coordinator.data.settled


class ContractEntity(_ContractEntity):
    """An entity of a contract."""

    def __init__(self, contract: ContractCoordinator, description: EntityDescription) -> None:
        """Make an entity of a contract."""
        identifier = contract_identifier(contract)
        super().__init__(contract, description, identifier[1])
        self._attr_device_info = DeviceInfo(
            identifiers={identifier}, name=contract.name, entry_type=DeviceEntryType.SERVICE
        )


class PerimeterSiteEntity(_ContractEntity):
    """An entity of a site of the perimeter."""

    def __init__(self, contract: ContractCoordinator, description: SiteBinarySensorDescription, site: str) -> None:
        """Make an entity of a site, by its subentry."""
        identifier = f"{contract.config_entry.entry_id}_{site}"
        super().__init__(contract, description, identifier)
        self.site = site
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, identifier)},
            name=contract.config_entry.subentries[site].title,
            entry_type=DeviceEntryType.SERVICE,
            via_device_id=_contract_device(contract).id,
        )


def _contract_device(contract: ContractCoordinator) -> dr.DeviceEntry:
    """Return the device of a contract: it has to be there before those of its sites."""
    return dr.async_get(contract.hass).async_get_or_create(
        config_entry_id=contract.config_entry.entry_id,
        identifiers={contract_identifier(contract)},
        name=contract.name,
        entry_type=DeviceEntryType.SERVICE,
    )


@callback
def async_add_perimeter_sites[EntityT: PerimeterSiteEntity](
    contract: ContractCoordinator,
    async_add_entities: AddConfigEntryEntitiesCallback,
    rows: tuple[SiteBinarySensorDescription, ...],
    make: type[EntityT],
) -> None:
    """Add the entities of a table for each site, to its own subentry."""
    for subentry in contract.config_entry.get_subentries_of_type(SUBENTRY_PERIMETER_SITE):
        site = subentry.subentry_id
        async_add_entities([make(contract, row, site) for row in rows], config_subentry_id=site)
