"""Names that several rooms of the integration share."""

from enum import StrEnum
import logging

DOMAIN = "flex_ready"
LOGGER = logging.getLogger(__package__)
SITE_ZONE = "Europe/Paris"

CONF_KIND = "kind"
CONF_BAUDRATE = "baudrate"
CONF_METER = "meter"
CONF_SERIAL = "serial"
CONF_REHEARSAL = "rehearsal"
CONF_DELIVERY_POINT = "delivery_point"
CONF_DIALECT = "dialect"
CONF_ISSUER = "issuer"
CONF_SCOPE = "scope"


class Kind(StrEnum):
    """The kinds of config entry: one connection each."""

    METER = "meter"
    ECOWATT = "ecowatt"
    SUPPLIER = "supplier"
    BUILDING = "building"
    FLEET = "fleet"
    CONTRACT = "contract"
