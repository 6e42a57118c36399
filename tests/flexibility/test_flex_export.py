"""A request as messages of IEC 62746-4: names, stamps, and what each says."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
import json
import re
from typing import Any

import pytest
from said import HOUR, KW, MINUTE, NOON, PARIS, asset, offer, powers, request

from custom_components.flex_ready.flexibility.book import Book
from custom_components.flex_ready.flexibility.dialects import NATIVE
from custom_components.flex_ready.flexibility.export import KINSHIP, export
from custom_components.flex_ready.flexibility.judge import Site
from custom_components.flex_ready.flexibility.model import (
    Asset,
    Bacs,
    Confirmation,
    Consumed,
    Consumption,
    Quality,
    Request,
)
from custom_components.flex_ready.flexibility.record import Key, RequestRecord
from custom_components.flex_ready.slots import Series, Slot, Stretch

BACS = Bacs(id="bacs", name="Town hall")
ASSET = asset(recovery=HOUR, time_periods=(Stretch(NOON - HOUR, NOON + 8 * HOUR),), gaps=True)
EARLY = NOON - 6 * HOUR
TEN = 10 * MINUTE
KEY = Key(issuer="https://id", client="operator", bacs_id="bacs", asset_id=ASSET.id, request_id="req-001")


def lived(wanted: Request, *, order: Confirmation | None = None, until: datetime | None = None) -> RequestRecord:
    """Return a request that went its way."""
    book = Book(Site(bacs_id="bacs", assets={ASSET.id: ASSET}, zone=PARIS, partial=True))
    book = book.create(KEY, wanted, now=EARLY, dialect=NATIVE, decide=lambda _: offer(wanted)).book
    if order is not None:
        book = book.confirm(KEY, order, now=EARLY + MINUTE, dialect=NATIVE).book
        now = wanted.start
        while now <= (until or EARLY):
            book, _ = book.tick(now)
            now += TEN
    return book.records[KEY]


def realised(*kilowatts: int | None) -> Consumption:
    """Return a consumption in steps of ten minutes."""
    steps = (
        Slot(
            NOON + i * TEN,
            NOON + (i + 1) * TEN,
            Consumed(
                power=None if one is None else one * KW, quality=Quality.ESTIMATED if i == 1 else Quality.MEASURED
            ),
        )
        for i, one in enumerate(kilowatts)
    )
    return Consumption(steps=Series(tuple(steps)))


def of(record: RequestRecord, consumption: Consumption | None = None, of_asset: Asset | None = ASSET) -> dict[str, Any]:
    """Return the messages, by the names of their profiles."""
    made = export(record, BACS, of_asset, consumption, NOON + 9 * HOUR)
    assert made["note"] == KINSHIP
    assert json.loads(json.dumps(made)) == made
    return {name.removesuffix("_MarketDocument"): body for name, body in made.items() if name != "note"}


def test_a_whole_life() -> None:
    """Four messages; what can be given, what was offered, what was ordered and how it went, what was consumed."""
    wanted = request(length=30 * MINUTE)
    record = lived(wanted, order=Confirmation(), until=NOON + 2 * HOUR)
    made = of(record, realised(132, 120, 125))
    assert list(made) == [
        "ResourceQualification",
        "ReferenceEnergyCurveFlexOffer",
        "MarketDERInstruction",
        "ReferenceEnergyCurveNearRealTimeMeasurement",
    ]
    parties = {"Sender_MarketParticipant": {"mRID": "bacs"}, "Receiver_MarketParticipant": {"mRID": "operator"}}
    interval = {"timeInterval": {"start": "2026-04-02T10:00Z", "end": "2026-04-02T10:30Z"}}
    assert made["ResourceQualification"] == {
        "mRID": "WholeBuilding-WID",
        "revisionNumber": "1",
        "createdDateTime": "2026-04-02T04:00:00Z",
        **parties,
        "Process": {"processType": "A40"},
        "Time_Period": {"timeInterval": {"start": "2026-04-02T09:00Z", "end": "2026-04-02T18:00Z"}},
        "TimeSeries": [
            {
                "mRID": "WholeBuilding",
                "UpRegulation_TimePeriod": [
                    {"timeInterval": {"start": "2026-04-02T09:00Z", "end": "2026-04-02T18:00Z"}}
                ],
                "RegisteredResource": [
                    {
                        "name": "WholeBuilding",
                        "description": "Town hall",
                        "ResourceCapacity": [{"defaultCapacity": 100.0}],
                    }
                ],
                "MaximumDuration_ConstraintDuration": [{"duration": "PT120M"}],
                "RecoveryTime_ConstraintDuration": [{"duration": "PT60M"}],
            }
        ],
    }
    curve = {
        "mRID": "req-001",
        "curveType": "A01",
        "RegisteredResource": {"mRID": "WholeBuilding"},
        "MarketProduct": {"marketProductType": "WID"},
        "FlowDirection": {"direction": "A01"},
    }
    assert made["ReferenceEnergyCurveFlexOffer"] == {
        "mRID": "req-001",
        "revisionNumber": "2",
        "createdDateTime": "2026-04-02T04:00:00Z",
        **parties,
        "Process": {"processType": "A40"},
        "Period": interval,
        "Series": [
            curve
            | {
                "ResourceTimeSeries": {"value1ScheduleType": "loadReduction"},
                "Series": [
                    {
                        "Measurement_Unit": {"name": "KWT"},
                        "Period": [
                            {
                                "resolution": "PT30M",
                                **interval,
                                "Point": [{"position": 1, "Quantity": {"quantity": 80.0}}],
                            }
                        ],
                    }
                ],
            }
        ],
    }
    order = made["MarketDERInstruction"]
    assert order["Sender_MarketParticipant"] == {"mRID": "operator"}
    assert order["Order_MarketDocument"] == {"mRID": "req-001", "revisionNumber": "2"}
    assert order["DistributedResourceActualEvent"] == {
        "mRID": "req-001",
        "actualEventStartDateTime": "2026-04-02T10:00:00Z",
        "actualEventEndDateTime": "2026-04-02T10:30:00Z",
        "eventStatus": "completed",
        "eventType": "loadReduction",
        "eventComments": "clock",
    }
    [clearing] = order["InstructionClearing"]
    assert told(clearing) == [("ACTIVATE", "10:00:00", 80.0), ("RELEASE", "10:30:00", 0.0)]
    [measured] = made["ReferenceEnergyCurveNearRealTimeMeasurement"]["Series"]
    assert measured["ResourceTimeSeries"] == {"value1ScheduleType": "load"}
    [period] = measured["Series"][0]["Period"]
    assert (period["resolution"], period["timeInterval"]) == ("PT10M", interval["timeInterval"])
    assert [(one["position"], one["Measured_Quantity"]["quality"]) for one in period["Point"]] == [
        (1, "A04"),
        (2, "A03"),
        (3, "A04"),
    ]


def told(clearing: dict[str, Any]) -> list[tuple[str, str, float]]:
    """Return kind, time of day and power of each instruction."""
    return [
        (one["instructionType"], one["instructionStartTime"][11:-1], one["bindingDOT"]["value"])
        for one in clearing["Instructions"]
    ]


STEPPED = replace(request(), power=powers((NOON, HOUR, 80), (NOON + HOUR, HOUR / 2, 60), (NOON + 3 * HOUR, HOUR, 50)))


@pytest.mark.parametrize(
    ("cancel", "expected"),
    [
        (
            None,
            [
                ("ACTIVATE", "10:00:00", 80.0),
                ("ADJUSTMENT", "11:00:00", 60.0),
                ("RELEASE", "11:30:00", 0.0),
                ("ACTIVATE", "13:00:00", 50.0),
                ("RELEASE", "14:00:00", 0.0),
            ],
        ),
        (NOON + HOUR / 2, [("ACTIVATE", "10:00:00", 80.0), ("RELEASE", "10:30:00", 0.0)]),
        (NOON - TEN, [("RELEASE", "09:50:00", 0.0)]),
    ],
)
def test_instructions(cancel: datetime | None, expected: list[tuple[str, str, float]]) -> None:
    """Each activation begins, is adjusted, is released; what was withdrawn is released then."""
    book_asset = replace(ASSET, potentials=(replace(ASSET.potentials[0], activations_per_day=2),))
    book = Book(Site(bacs_id="bacs", assets={ASSET.id: book_asset}, zone=PARIS))
    book = book.create(KEY, STEPPED, now=EARLY, dialect=NATIVE, decide=lambda _: offer(STEPPED)).book
    book = book.confirm(KEY, Confirmation(), now=EARLY, dialect=NATIVE).book
    if cancel is not None:
        book, _ = book.tick(cancel - MINUTE)
        book = book.cancel(KEY, now=cancel, dialect=NATIVE).book
    [clearing] = of(book.records[KEY])["MarketDERInstruction"]["InstructionClearing"]
    assert told(clearing) == expected


def test_periods_of_a_curve() -> None:
    """What touches and is of a size is one period; what is not known is a gap."""
    record = lived(request(), order=Confirmation())
    [curve] = of(record, realised(1, 2, None, 4))["ReferenceEnergyCurveNearRealTimeMeasurement"]["Series"]
    assert [len(one["Point"]) for one in curve["Series"][0]["Period"]] == [2, 1]


def test_what_there_is_not() -> None:
    """Is left out: no order, no offer, no asset any more, a product of another market."""
    assert list(of(lived(request()))) == ["ResourceQualification", "ReferenceEnergyCurveFlexOffer"]
    made = of(lived(request(), order=Confirmation()), of_asset=None)
    assert list(made) == ["ReferenceEnergyCurveFlexOffer", "MarketDERInstruction"]
    assert "DistributedResourceActualEvent" not in made["MarketDERInstruction"]
    less = lived(request(), order=Confirmation(power=powers((NOON, HOUR, 30)), ack_price=Decimal(1)))
    [clearing] = of(less)["MarketDERInstruction"]["InstructionClearing"]
    assert told(clearing)[0] == ("ACTIVATE", "10:00:00", 30.0)


def test_stamps() -> None:
    """All are UTC; intervals to the minute."""
    record = lived(request(NOON + timedelta(seconds=30)), order=Confirmation(), until=NOON + 4 * HOUR)
    text = json.dumps(of(record, realised(5, 5)))
    stamps = re.findall(r'"(\d{4}-[^"]*)"', text)
    assert len(stamps) > 15
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z", one) for one in stamps)
    assert all(len(one) == 17 for one in re.findall(r'"(?:start|end)": "([^"]*)"', text))
