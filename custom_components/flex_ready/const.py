"""Names that several rooms of the integration share."""

from enum import StrEnum
import logging

DOMAIN = "flex_ready"
LOGGER = logging.getLogger(__package__)

CONF_KIND = "kind"
CONF_BAUDRATE = "baudrate"
CONF_METER = "meter"
CONF_SERIAL = "serial"


class Kind(StrEnum):
    """The kinds of config entry: one connection each."""

    METER = "meter"
