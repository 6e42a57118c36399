"""Which entity shows which label of which meter: what the check compares."""

from dataclasses import dataclass
import re

from .sent import Sent


@dataclass(frozen=True, slots=True)
class Shown:
    """An entity, by its key, that shows the data of a label; `unit` where the frame carries none.

    A label in braces in the key stands for its data: the energies have one entity for each period.
    """

    key: str
    label: str
    unit: str = ""

    def key_now(self, sent: Sent) -> str:
        """Give the key, with the period that was sent last."""
        return re.sub(r"{(\w+)}", lambda match: max(sent.data(match[1]), default="?").strip().lower(), self.key)


@dataclass(frozen=True, slots=True)
class Power:
    """The entity of the power, by its key; the label that it is read from; the emulator's name for it."""

    key: str
    label: str
    name: str


@dataclass(frozen=True, slots=True)
class KnownMeter:
    """A meter: a label that no other sends, the word for it in the entry's title, what is compared."""

    label: str
    title: str
    shown: tuple[Shown, ...]
    power: Power
    td_counter: str | None = None
    """The energy that restarts at each Td."""


_METERS = (
    KnownMeter(
        "PTCOUR1",
        "PME-PMI",
        (
            Shown("subscribed_apparent_power", "PS"),
            Shown("period_distributor", "PTCOUR1"),
            Shown("period_supplier", "PTCOUR2"),
            Shown("energy_distributor_{PTCOUR1}", "EAP_s"),
            Shown("energy_supplier_{PTCOUR2}", "EAP_s2"),
            Shown("mean_power_1min", "PA1MN"),
            Shown("mean_power_tc", "PA1_s"),
            Shown("td_energy", "EA_s"),
            Shown("td_apparent_energy", "EAPP_s"),
            Shown("highest_apparent_power", "PMAX_s"),
            Shown("tan_phi", "TGPHI_s"),
            Shown("tariff_distributor", "MESURES1"),
        ),
        Power("power", "EA_s", "power_w"),
        td_counter="EA_s",
    ),
    KnownMeter(
        "PTCOURD",
        "SAPHIR",
        (
            Shown("period_distributor", "PTCOURD"),
            Shown("period_supplier", "PTCOURF"),
            Shown("subscribed_power", "PSp1"),
            Shown("td_energy", "EAS"),
            Shown("warning_threshold", "KDC"),
        ),
        Power("power", "EAS", "power_w"),
        td_counter="EAS",
    ),
    KnownMeter(
        "DATECOUR",
        "ICE",
        (
            Shown("period_distributor", "PTCOUR"),
            Shown("subscribed_power", "PS{PTCOUR}"),
            Shown("td_energy", "EA"),
            Shown("contract", "CONTRAT"),
        ),
        Power("power", "EA", "power_w"),
        td_counter="EA",
    ),
    KnownMeter(
        "ADCO",
        "Linky",
        (
            Shown("apparent_power", "PAPP", "VA"),
            Shown("subscribed_current", "ISOUSC", "A"),
            Shown("current", "IINST", "A"),
            Shown("energy_index_base", "BASE", "Wh"),
            Shown("energy_index_hchc", "HCHC", "Wh"),
            Shown("energy_index_hchp", "HCHP", "Wh"),
        ),
        Power("apparent_power", "PAPP", "apparent_va"),
    ),
    KnownMeter(
        "ADSC",
        "Linky",
        (
            Shown("apparent_power", "SINSTS", "VA"),
            Shown("energy_total_east", "EAST", "Wh"),
            Shown("subscribed_apparent_power", "PREF", "kVA"),
            Shown("voltage_1", "URMS1", "V"),
            Shown("current_rms_1", "IRMS1", "A"),
            Shown("period_standard", "LTARF"),
        ),
        Power("apparent_power", "SINSTS", "apparent_va"),
    ),
)
_SERIALS = ("ADS", "ADCO", "ADSC")
_POINTS = ("PRM",)


def known_meter(sent: Sent) -> KnownMeter | None:
    """Tell which meter sends such labels; None while nothing tells."""
    return next((meter for meter in _METERS if sent.data(meter.label)), None)


def serial_number(sent: Sent) -> str | None:
    """Give the serial number that a meter sent, if it sends one."""
    return next((data for label in _SERIALS for data in sorted(sent.data(label))), None)


def personal(sent: Sent) -> set[str]:
    """Give what names one meter, or one place, among all."""
    return {data.strip() for label in (*_SERIALS, *_POINTS) for data in sent.data(label)}
