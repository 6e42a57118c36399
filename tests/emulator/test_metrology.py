"""What the meter measures and shows: windows, means, indexes, warnings, seasons."""

from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest

from emulator.meter import EmulatedFrame, MeterConfig, frames, pme_pmi
from emulator.meter.building import Building
from emulator.meter.calendar import BT4, HTA5
from emulator.meter.clock import HOUR, MINUTE, PARIS, SECOND
from emulator.meter.config import MeterName
from emulator.meter.linky import LinkyCalendar
from emulator.meter.linky_standard import status
from emulator.meter.metrology import Energies, Metrology, wh
from emulator.meter.pme_pmi import tan_phi
from emulator.meter.source import EmulatedSource

WORKING_DAY = datetime(2026, 1, 12, 10, 2, 30, tzinfo=PARIS)


def values(frame: EmulatedFrame) -> dict[str, str]:
    """Give the data of a frame by label."""
    return {group.label: group.data for group in frame.groups}


def number(data: str) -> int:
    """Read the number before a glued unit."""
    return int("".join(c for c in data if c.isdigit() or c == "-"))


def metrology(at: str = "2026-01-12T10:02:30", **options: object) -> Metrology:
    """Make a meter with its building, on local time."""
    config = MeterConfig(start=datetime.fromisoformat(at), **options)  # type: ignore[arg-type]
    return EmulatedSource(config).meter


def switch(meter: Metrology, *, on: bool) -> None:
    """Switch every load."""
    for load in meter.building.loads.values():
        load.on = on


def test_td_starts_anew_on_round_minutes() -> None:
    """EA_s and EAPP_s fall at 5-minute tops and nowhere else, as the clock of the frame says."""
    sent = list(frames(MeterConfig(baud=9600, frames=900, start=WORKING_DAY)))
    tops = 0
    for before, after in pairwise(sent):
        new_window = after.at.minute // 5 != before.at.minute // 5
        tops += new_window
        for label in ("EA_s", "EAPP_s", "ER+_s"):
            assert (number(values(after)[label]) < number(values(before)[label])) is new_window
    assert tops == 3


def test_windows_add_up_to_the_energy_of_the_building() -> None:
    """No microjoule is lost across the tops, whatever the steps."""
    coarse, fine = metrology(seed=3), metrology(seed=3)
    begun = coarse.total.minus(coarse.window)
    closed = Energies()
    until = coarse.td_top + 12 * coarse.td
    while coarse.td_top < until:
        before = coarse.td_top
        coarse.advance(min(coarse.now + 7_458_333, (coarse.now // MINUTE + 1) * MINUTE))
        if coarse.td_top != before:
            closed = closed.plus(coarse.td_closed)
    assert closed == coarse.total.minus(begun)
    for at in range(fine.now, until, 3 * SECOND + 1):
        fine.advance(at)
    fine.advance(until)
    assert (fine.total, fine.td_closed, fine.indexes) == (coarse.total, coarse.td_closed, coarse.indexes)


def test_integrated_energy_is_that_of_the_profile() -> None:
    """An hour of the building, summed slot by slot, is what the registers gained."""
    meter = metrology()
    twin = Building(seed=0)
    start = meter.now
    meter.advance(start + HOUR)
    expected = sum(twin.power(at).active_w * 10 * SECOND for at in range(start, start + HOUR, 10 * SECOND))
    gained = meter.total.ea_s - metrology().total.ea_s
    assert gained == expected
    assert wh(gained) > 40_000


def test_every_load_on_overruns_and_some_off_do_not() -> None:
    """42 kVA is too little for the whole building at work, enough without the heat pump."""
    meter = metrology()
    meter.advance(meter.now + HOUR)
    assert meter.overruns == 12
    meter.building.loads["heat_pump"].on = False
    meter.advance(meter.now + 10 * MINUTE)
    overruns = meter.overruns
    meter.advance(meter.now + HOUR)
    assert meter.overruns == overruns
    assert meter.pmax["HPH"].eapp_s > 42_000


def test_preavis_follows_90_percent_of_ps_over_a_minute() -> None:
    """DEP comes with a full minute above the threshold and goes with the first below."""
    source = EmulatedSource(MeterConfig(start=WORKING_DAY, baud=19_200))
    meter = source.meter
    seen = []
    for minute in range(12):
        switch(meter, on=minute % 4 < 2)
        meter.advance(meter.now + MINUTE - meter.now % MINUTE)
        seen.append("PREAVIS" in values(source.next_frame()))
        assert seen[-1] == (meter.minute.eapp_s > 37_800)
    assert any(seen)
    assert not all(seen)


@pytest.mark.parametrize("meter", ["saphir", "ice"])
def test_warning_of_an_hta_meter_has_hysteresis(meter: MeterName) -> None:
    """It comes above KDC (90 %), stays between, goes below KDCD (80 %)."""
    source = EmulatedSource(MeterConfig(meter=meter, start=WORKING_DAY))
    loads = source.building.loads
    seen = []
    for shed in ((), ("ev_charger",), ("ev_charger", "heat_pump"), ("ev_charger",), ()):
        switch(source.meter, on=True)
        for name in shed:
            loads[name].on = False
        source.advance(source.meter.now + MINUTE)
        share = Fraction(source.meter.power.active_w, 420)
        seen.append((share > 90, share < 80, "PREAVIS" in values(source.next_frame())))
    # Above; between, still warned; below; between, not warned again; above.
    assert [warned for *_, warned in seen] == [True, True, False, False, True]
    assert [(above, below) for above, below, _ in seen] == [
        (True, False),
        (False, False),
        (False, True),
        (False, False),
        (True, False),
    ]


def test_october_hour_is_played_twice() -> None:
    """The local clock falls back without a flag; energy and windows go on."""
    start = datetime(2026, 10, 25, 0, 45, tzinfo=PARIS)
    meter = metrology(start.isoformat())
    hours = Counter[str]()
    for _ in range(5 * 12):
        before = meter.total
        meter.advance(meter.now + 5 * MINUTE)
        assert meter.total.ea_s > before.ea_s
        assert meter.td_top == meter.now
        hours[slashed_hour(meter)] += 1
    assert hours["25/10/26 02"] == 24
    assert hours["25/10/26 01"] == hours["25/10/26 03"] == 12


def slashed_hour(meter: Metrology) -> str:
    """Give the date and hour a PME-PMI shows."""
    shown = {group.label: group.data for group in pme_pmi.groups(meter, meter.config, 0)}
    return shown["DATE"][:11]


def test_march_hour_is_skipped() -> None:
    """From 01:59:59 the clock goes to 03:00:00."""
    meter = metrology("2026-03-29T01:59:50")
    assert slashed_hour(meter) == "29/03/26 01"
    meter.advance(meter.now + 10 * SECOND)
    assert slashed_hour(meter) == "29/03/26 03"


def test_each_period_counts_alone_and_none_is_lost() -> None:
    """At 22 h the distributor's off-peak begins, an hour before the supplier's; both grids gain the same."""
    meter = metrology("2026-01-12T21:30:00")
    before = {grid: dict(periods) for grid, periods in meter.indexes.items()}
    meter.advance(meter.now + 2 * HOUR)
    gained = {
        grid: {period: index.minus(before[grid][period]).ea_s for period, index in periods.items()}
        for grid, periods in meter.indexes.items()
    }
    assert sum(gained["distributor"].values()) == sum(gained["supplier"].values())
    assert [p for p, energy in gained["distributor"].items() if energy] == ["HPH", "HCH"]
    assert gained["supplier"]["HPH"] > gained["distributor"]["HPH"] > 0
    assert meter.period("distributor") == "HCH"


def test_month_turns_into_p_minus_1() -> None:
    """At midnight of the first, the index is frozen, the dates move on and PMAX starts again."""
    source = EmulatedSource(MeterConfig(start=datetime(2026, 1, 31, 23, 59, 50)))  # noqa: DTZ001
    before = values(source.next_frame())
    source.advance(source.meter.now + 12 * MINUTE)
    after = values(source.next_frame())
    assert (before["DebP-1"], before["FinP-1"]) == ("01/12/25 00:00:00", "01/01/26 00:00:00")
    assert (after["DebP-1"], after["FinP-1"]) == ("01/01/26 00:00:00", "01/02/26 00:00:00")
    assert after["DebP"] == after["DebP_2"] == "01/02/26 00:00:00"
    assert number(before["EAP_s"]) > number(before["EAP-1_s"])
    assert number(after["EAP-1_s"]) == number(before["EAP_s"])
    assert number(after["EAP_s"]) - number(after["EAP-1_s"]) in range(5, 10)


def test_calendars() -> None:
    """Seasons, off-peak hours and the peak of an HTA contract."""
    cases = {
        "2026-01-12T09:30": ("HPH", "P"),
        "2026-01-12T11:00": ("HPH", "HPH"),
        "2026-11-12T19:00": ("HPH", "HPH"),
        "2026-03-31T22:00": ("HCH", "HCH"),
        "2026-04-01T05:59": ("HCE", "HCE"),
        "2026-10-31T06:00": ("HPE", "HPE"),
    }
    for text, periods in cases.items():
        moment = datetime.fromisoformat(text)
        assert (BT4.period(moment), HTA5.period(moment)) == periods


def test_mean_powers_of_ten_minutes() -> None:
    """PA1 to PA6 are the six last round ten minutes, the newest first."""
    sent = next(frames(MeterConfig(start=WORKING_DAY)))
    dates = [values(sent)[f"DATEPA{rank}"] for rank in range(1, 7)]
    assert dates == [f"12/01/26 {time}:00" for time in ("10:00", "09:50", "09:40", "09:30", "09:20", "09:10")]
    assert all(40 <= number(values(sent)[f"PA{rank}_s"]) <= 50 for rank in range(1, 7))


def test_hta_site_metered_in_low_voltage() -> None:
    """In kW the PME-PMI has an HTA contract and warns on active power."""
    sent = values(next(frames(MeterConfig(subscribed_power=60, subscribed_unit="kW", start=WORKING_DAY))))
    assert (sent["MESURES1"], sent["PTCOUR1"], sent["PS"]) == ("HTA 5     ", "P  ", "60kW")
    assert sent["PMAX_s"].endswith("kW")
    assert "PREAVIS" not in sent


def test_generations_and_spellings_of_the_pme_pmi() -> None:
    """Palier 2010 has no ADS; the specification writes EaP where the real meter writes EAP."""
    old = values(next(frames(MeterConfig(palier=2010, spelling="EaP", producer=True))))
    new = values(next(frames(MeterConfig())))
    assert next(iter(old)) == "MESURES1"
    assert next(iter(new)) == "ADS"
    assert {"EaP-1_s", "EaP-1_i", "EaP_s2", "EaP-1_s2", "EAP_s", "EAPP_i", "TGPHI_i"} <= old.keys()
    assert not any(label.endswith("_i") for label in new)


def test_producer_exports_at_noon_in_summer() -> None:
    """With the loads off the panels push energy out, in the registers of export only."""
    source = EmulatedSource(MeterConfig(producer=True, start=datetime.fromisoformat("2026-06-14T13:30")))
    switch(source.meter, on=False)
    source.advance(source.meter.now + HOUR)
    sent = values(source.next_frame())
    source.advance(source.meter.now + MINUTE)
    later = values(source.next_frame())
    assert sent["CONFIG"] == "PROD"
    assert number(later["EA_i"]) > number(sent["EA_i"])
    assert later["EA_s"] == sent["EA_s"] == "0Wh"
    assert source.meter.power.active_w < 0
    assert number(sent["PMAX_i"]) > 0


def test_tan_phi_is_signed_with_a_comma() -> None:
    """Two decimals, bounded."""
    assert [tan_phi(Fraction(n, 100)) for n in (-39, 0, 42, 123_456)] == ["-0,39", "+0,00", "+0,42", "+9,99"]


def test_saphir_gives_every_period() -> None:
    """Eight subscribed powers, names and indexes in each grid; the current one is named by PTCOURD."""
    sent = values(next(frames(MeterConfig(meter="saphir", start=WORKING_DAY))))
    current = [n for n in range(1, 9) if sent[f"LIB_p{n}D"] == sent["PTCOURD"]]
    assert current == [1]
    assert sent["PSp1"] == "42kW"
    assert number(sent["EAp_1SD"]) > 0 == number(sent["EAp_8SF"])
    assert (sent["KDC"], sent["KDCD"]) == ("90%", "80%")
    modern = MeterConfig(meter="saphir")
    lineage = MeterConfig(meter="saphir", saphir_layout="sp")
    assert (modern.bit_rate, lineage.bit_rate) == (9600, 1200)
    assert b"\t" in next(frames(modern)).data
    assert b"\t" not in next(frames(lineage)).data


def test_ice_pads_numbers_and_glues_units() -> None:
    """Widths as the firmware tables of decoders have them."""
    sent = values(next(frames(MeterConfig(meter="ice", start=WORKING_DAY))))
    assert list(sent)[:2] == ["CONTRAT", "DATECOUR"]
    assert sent["PSHPH"] == "00042kW"
    assert len(sent["EA"]) == len("00000Wh")
    assert len(sent["EApHPH"]) == len("0000000kWh")
    assert sent["PREA1MN"][0] == "+"
    assert sent["TGPHI"].count(",") == 1


def test_historique_single_phase_warns_with_adps() -> None:
    """ADPS stands between IINST and IMAX while the current is above ISOUSC."""
    calm = values(next(frames(MeterConfig(meter="linky-historique", start=WORKING_DAY))))
    over = MeterConfig(meter="linky-historique", subscribed_power=6, tariff="base", start=WORKING_DAY)
    sent = values(next(frames(over)))
    assert "ADPS" not in calm
    assert list(sent)[4:8] == ["PTEC", "IINST", "ADPS", "IMAX"]
    assert sent["ADPS"] == sent["IINST"]
    assert (sent["ISOUSC"], sent["PTEC"], sent["OPTARIF"]) == ("30", "TH..", "BASE")
    assert number(sent["ADPS"]) > 30


def test_historique_three_phase_sends_short_frames() -> None:
    """20 short frames, 1 long, during the overrun; a minute after it, long frames only."""
    source = EmulatedSource(MeterConfig(meter="linky-historique", phases=3, start=WORKING_DAY))

    def next_labels() -> list[str]:
        frame = source.next_frame()
        source.advance(source.meter.now + SECOND)
        return list(values(frame))

    run = [next_labels() for _ in range(42)]
    assert [index for index, labels in enumerate(run) if "PAPP" in labels] == [20, 41]
    assert run[0] == ["ADIR1", "ADCO", "IINST1", "IINST2", "IINST3"]
    switch(source.meter, on=False)
    quiet = [next_labels() for _ in range(75)]
    assert quiet[1] == ["ADCO", "IINST1", "IINST2", "IINST3"]
    assert all("PAPP" in labels for labels in quiet[63:])
    assert quiet[-1][-1] == "PPOT"


def test_status_word_of_the_linky() -> None:
    """Bits of STGE follow power, contact, indexes and Tempo."""

    def word(at: str, *, on: bool) -> int:
        config = MeterConfig(meter="linky-standard", tariff="tempo", producer=True, start=datetime.fromisoformat(at))
        meter = EmulatedSource(config).meter
        switch(meter, on=on)
        meter.advance(meter.now + 1)
        assert isinstance(meter.supplier, LinkyCalendar)
        return status(meter, config, meter.supplier)

    over = word("2026-01-12T18:20", on=True)
    night = word("2026-01-12T23:00", on=False)
    export = word("2026-06-14T13:00", on=False)
    assert [bit for bit in (0, 7, 8, 9, 17) if over >> bit & 1] == [0, 7, 8, 17]
    assert [bit for bit in (0, 7, 8, 9, 17) if night >> bit & 1] == [8, 17]
    assert [bit for bit in (0, 7, 8, 9, 17) if export >> bit & 1] == [0, 8, 9, 17]
    assert over >> 24 & 3 > 0 < over >> 26 & 3
    contract = LinkyCalendar("tempo", 0)
    assert over >> 10 & 15 == contract.periods.index(contract.period(datetime.fromisoformat("2026-01-12T18:20")))
    assert [word >> 14 & 3 for word in (over, night, export)] == [0, 1, 2]


def test_tempo_names_tomorrow_from_11_h() -> None:
    """Unknown before; red only in winter; a day runs from 6 to 6 h."""
    contract = LinkyCalendar("tempo", 0)
    day = datetime(2026, 1, 12, 10, 59, tzinfo=PARIS)
    assert contract.tomorrow(day) is None
    assert contract.tomorrow(day + timedelta(minutes=1)) == contract.colour(day + timedelta(days=1))
    assert contract.colour(day) == contract.colour(day + timedelta(hours=18))
    year = [datetime(2026, 1, 1, 12, tzinfo=PARIS) + timedelta(days=n) for n in range(365)]
    colours = Counter[str](contract.colour(moment) for moment in year)
    assert min(colours[colour] for colour in "BWR") > 5
    assert all(moment.month in (1, 2, 3, 11, 12) for moment in year if contract.colour(moment) == "R")
    sent = values(next(frames(MeterConfig(meter="linky-historique", tariff="tempo", start=day))))
    assert sent["DEMAIN"] == "----"
    assert sent["PTEC"] in ("HPJB", "HPJW", "HPJR")


def test_standard_keeps_widths_totals_and_points() -> None:
    """Fixed widths, EAST the sum of both grids, load curve at its own step, peaks of both days."""
    for step in (30, 60):
        config = MeterConfig(meter="linky-standard", load_curve=step, start=WORKING_DAY)
        frame = next(frames(config))
        sent = values(frame)
        horodates = {group.label: group.horodate for group in frame.groups if group.horodate}
        assert abs(sum(int(sent[f"EASF{n:02d}"]) for n in range(1, 11)) - int(sent["EAST"])) <= 1
        assert abs(sum(int(sent[f"EASD{n:02d}"]) for n in range(1, 5)) - int(sent["EAST"])) <= 3
        assert horodates["CCASN"] == "H260112100000"
        assert horodates["CCASN-1"] == ("H260112093000" if step == 30 else "H260112090000")
        assert horodates["DATE"] == "H260112100230"
        assert horodates["UMOY1"] == "H260112100000"
        assert horodates["SMAXSN-1"][:7] == "H260111"
        widths = {
            "NGTF": 16,
            "LTARF": 16,
            "MSG1": 32,
            "PJOURF+1": 98,
            "PRM": 14,
            "STGE": 8,
            "ADSC": 12,
            "DATE": 0,
        }
        assert {label: len(sent[label]) for label in widths} == widths
    summer = next(frames(MeterConfig(meter="linky-standard", start=datetime.fromisoformat("2026-07-01T12:00"))))
    assert dict(group[:2] for group in summer.groups)["DATE"] == "E260701120000"
    moved = metrology("2026-01-12T23:59:00", meter="linky-standard")
    peak = moved.day_peak
    moved.advance(moved.now + MINUTE)
    assert moved.eve_peak == peak
