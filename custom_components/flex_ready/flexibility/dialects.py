"""The ways to write the API in JSON, one row each: what is literal in Annex 1, and what is inferred.

`emulator-2025` is lenient: the keys of the annex and their likely spellings, stamps without an offset in the zone of
the site, requests of the past, examples that break the limits of their own asset. `native` is strict: one spelling,
offsets, an explicit direction.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way to write. Of each member the first key is written, all are read."""

    name: str
    keys: Mapping[str, tuple[str, ...]]
    paths: Mapping[str, str]
    naive_stamps: bool
    """Whether stamps are written, and may be read, without an offset."""
    others_ignored: bool
    """Whether members that nobody knows are passed over."""
    direction_needed: bool
    confirm_as_offered: bool
    """Whether a confirmation may leave out product and power, as the annex's `{"flexibility": "flexibility"}` does."""
    whole_minutes: bool
    """Whether durations are written as a number of minutes; else as ISO 8601."""
    no_multiplier: str
    limits_kept: bool
    """Whether a request beyond the limits of its asset is refused (rules 3 to 7); else it is told of."""
    past_taken: bool
    """Whether a request may start in the past (rule 11)."""
    literal: frozenset[str]
    """The members and paths that the annex prints, of a BACS or of its operator; the others are inferred."""


_KEYS: Mapping[str, tuple[str, ...]] = {
    "request_id": ("requestID", "requestId", "request_id"),
    "flex_product": ("flexProduct", "flex_product"),
    "power": ("power",),
    "start": ("start",),
    "end": ("end",),
    "ack_price": ("ackPrice", "ack_price"),
    "direction": ("direction",),
    "bacs_id": ("bacsID", "bacsId", "bacs_id"),
    "asset_id": ("assetID", "assetId", "asset_id", "id"),
    "parent": ("parentAssetID", "parentAssetId", "parent"),
    "id": ("id", "bacsID", "bacsId", "bacs_id"),
    "name": ("name",),
    "description": ("description",),
    "potential": ("potentiel", "potential"),
    "flexibilities": ("flexibilities",),
    "mobilization_delay": ("mobilizationDelay", "mobilization_delay"),
    "max_duration": ("maxDuration", "max_duration"),
    "activations_per_day": ("activationPerDay", "activationsPerDay", "activation_per_day"),
    "time_periods": ("timePeriods", "timePeriod", "time_periods"),
    "recovery": ("recoveryTime",),
    "gaps": ("gapsAllowed",),
    "price": ("price",),
    "expires_at": ("expiresAt", "expires_at"),
    "state": ("state",),
    "reason": ("reason",),
    "revision": ("revision",),
    "consumptions": ("consumptions",),
    "aggregation": ("aggregation",),
    "energy": ("energy",),
    "baseline": ("baseline",),
    "quality": ("quality",),
}
_ASSETS = "/bacs/{bacs_id}/assets"
_REQUEST = f"{_ASSETS}/{{asset_id}}/flexibilities/request"
_PATHS: Mapping[str, str] = {
    "bacs": "/bacs",
    "assets": _ASSETS,
    "flexibilities": f"{_ASSETS}/{{asset_id}}/flexibilities",
    "create": _REQUEST,
    "request": f"{_REQUEST}/{{request_id}}",
    "confirm": f"{_REQUEST}/{{request_id}}/confirm",
    "realize": f"{_REQUEST}/{{request_id}}/consumptions",
    "consumptions": f"{_ASSETS}/{{asset_id}}/consumptions",
}
_LITERAL = frozenset(
    (
        *("request_id", "flex_product", "power", "start", "end", "ack_price"),
        *("create", "confirm", "realize", "consumptions"),
    )
)
EMULATOR_2025 = Dialect(
    name="emulator-2025",
    keys=_KEYS,
    paths=_PATHS,
    naive_stamps=True,
    others_ignored=True,
    direction_needed=False,
    confirm_as_offered=True,
    whole_minutes=True,
    no_multiplier="",
    limits_kept=False,
    past_taken=True,
    literal=_LITERAL,
)
NATIVE = Dialect(
    name="native",
    keys={
        **{member: keys[:1] for member, keys in _KEYS.items()},
        "potential": ("potential",),
        "activations_per_day": ("activationsPerDay",),
    },
    paths=_PATHS,
    naive_stamps=False,
    others_ignored=False,
    direction_needed=True,
    confirm_as_offered=False,
    whole_minutes=False,
    no_multiplier="none",
    limits_kept=True,
    past_taken=False,
    literal=_LITERAL,
)
DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (EMULATOR_2025, NATIVE)}
