"""What an emulated meter is told before it starts."""

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Literal

type MeterName = Literal["pme-pmi", "saphir", "ice", "linky-historique", "linky-standard"]
type Unit = Literal["kVA", "kW"]
type Endpoint = tuple[str, int]

METERS: tuple[MeterName, ...] = ("pme-pmi", "saphir", "ice", "linky-historique", "linky-standard")


class ConfigError(ValueError):
    """What was asked of the meter makes no sense; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong on the wire.

    ``flip`` is a rate per byte, ``lost_lf`` and ``damaged_lf`` per group, ``eot``, ``cut`` and ``garbage``
    per frame. ``silence`` is (start, length) in meter seconds, counted from the start of the emulation.
    Their names on the command line and over HTTP have hyphens. Raises ConfigError on a rate outside 0..1.
    """

    flip: float = 0
    lost_lf: float = 0
    damaged_lf: float = 0
    eot: float = 0
    cut: float = 0
    garbage: float = 0
    silence: tuple[float, float] | None = None
    wrong_speed: bool = False

    def __post_init__(self) -> None:
        for name in RATES:
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name.replace('_', '-')} is a rate between 0 and 1")
        if self.silence and self.silence[1] < 0:
            raise ConfigError("silence lasts a positive number of seconds")

    def with_fault(self, name: str, value: str) -> Faults:
        """Give these faults plus one, ``NAME=VALUE`` of the command line; ConfigError if it makes no sense.

        ``silence`` is written ``START+SECONDS``, or ``SECONDS`` alone for a silence from the start.
        """
        attribute = name.replace("-", "_")
        if attribute not in (*RATES, "silence", "wrong_speed"):
            raise ConfigError(f"no such fault: {name}")
        changed: object
        try:
            match attribute:
                case "silence":
                    start, plus, seconds = value.partition("+")
                    changed = (float(start), float(seconds)) if plus else (0.0, float(start))
                case "wrong_speed":
                    changed = bool(int(value))
                case _:
                    changed = float(value)
        except ValueError:
            raise ConfigError(f"not a value of {name}: {value}") from None
        return Faults(**(asdict(self) | {attribute: changed}))


RATES = tuple(f.name for f in fields(Faults) if f.name not in ("silence", "wrong_speed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterConfig:
    """One emulated meter, its contract, its wire and where it is heard.

    None leaves a value to the meter's own default: ``baud`` in bit/s, ``td`` in minutes, ``subscribed_power``
    in ``subscribed_unit``. On a PME-PMI the unit kW makes an HTA site metered on the low voltage side.
    ``pace`` accelerates clock and wire together, 0 runs as fast as the readers take. ``start`` without
    offset is local time in Paris. ``td``, ``load_curve`` are minutes. Raises ConfigError where options clash.
    """

    meter: MeterName = "pme-pmi"
    phases: int = 1
    producer: bool = False
    tcp: Endpoint | None = None
    pty: str | Path | None = None
    stdout: bool = False
    baud: int | None = None
    pace: float = 1.0
    start: datetime | None = None
    seed: int = 0
    frames: int | None = None
    td: int | None = None
    subscribed_power: int | None = None
    subscribed_unit: Unit | None = None
    palier: int = 2013
    spelling: str = "EAP"
    saphir_layout: str = "ht"
    tariff: Literal["base", "hc", "tempo"] = "hc"
    load_curve: int = 30
    bit7: bool = False
    faults: Faults = field(default_factory=Faults)
    control: Endpoint | None = None
    replay: str | Path | None = None
    once: bool = False

    def __post_init__(self) -> None:
        allowed: tuple[tuple[str, object, tuple[object, ...]], ...] = (
            ("meter", self.meter, METERS),
            ("phases", self.phases, (1, 3)),
            ("td", self.td, (None, 5, 10)),
            ("palier", self.palier, (2010, 2013)),
            ("spelling", self.spelling, ("EAP", "EaP")),
            ("saphir-layout", self.saphir_layout, ("ht", "sp")),
            ("load-curve", self.load_curve, (30, 60)),
        )
        for name, value, values in allowed:
            if value not in values:
                raise ConfigError(f"{name} is one of {', '.join(map(str, values))}, not {value}")
        if self.pace < 0:
            raise ConfigError("pace is 0 or more")
        if self.replay and self.control:
            raise ConfigError("a replay has no building to control")

    @property
    def bit_rate(self) -> int:
        """Speed of the wire, bit/s: 9600 for Linky standard and SAPHIR (HT), else 1200."""
        fast = self.meter == "linky-standard" or (self.meter == "saphir" and self.saphir_layout == "ht")
        return self.baud or (9600 if fast else 1200)

    @property
    def td_min(self) -> int:
        """Integration time of the overrun control, minutes."""
        return self.td or (5 if self.meter == "pme-pmi" else 10)

    @property
    def linky(self) -> bool:
        """Say whether the meter is a Linky, that is at most 36 kVA."""
        return self.meter.startswith("linky")

    @property
    def unit(self) -> Unit:
        """Unit of the subscribed power, which is also the quantity that overruns: apparent or active."""
        if self.meter == "pme-pmi":
            return self.subscribed_unit or "kVA"
        return "kVA" if self.linky else "kW"

    @property
    def subscribed(self) -> int:
        """Subscribed power, in kVA or kW."""
        return self.subscribed_power or ((36 if self.phases == 3 else 9) if self.linky else 42)

    @property
    def subscribed_amps(self) -> int:
        """Subscribed current of each phase of a Linky, A: 5 A a kVA (200 V)."""
        return self.subscribed * 5 // self.phases
