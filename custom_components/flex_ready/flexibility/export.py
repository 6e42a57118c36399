"""A request as messages of IEC 62746-4, as far as their names are public: kinship, not conformance.

Names are those of the profiles that Digital4Grids publishes (namespace http://IEC/62746). What is left out, because no
public list of codes is to be relied upon, stands in docs/flexibility.md.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from ..slots import Series, Stretch
from .model import Asset, Bacs, Consumed, Consumption, Direction, Market, Potential, Quality
from .record import RequestRecord, Trigger
from .rules import blocks
from .wire import Json

KINSHIP = "names of IEC 62746-4 profiles as published by Digital4Grids; not checked against the standard's text"
_UP, _DOWN = "A01", "A02"
"""Directions: less consumption is regulation upwards."""
_BLOCKS = "A01"
"""Curve type: one block after another, all of a size."""
_KW = "KWT"
_QUALITY = {Quality.MEASURED: "A04", Quality.ESTIMATED: "A03", Quality.PARTIAL: "A05", Quality.MISSING: "A02"}
"""As provided, estimated, incomplete, not available."""
_PROCESS = {Market.WDA: "A01", Market.WID: "A40"}
"""Day ahead, intraday."""
_SCHEDULE = {Direction.DECREASE: "loadReduction", Direction.INCREASE: "loadIncrease"}
_SECOND = timedelta(seconds=1)

type _Step = tuple[Stretch, Json]
"""A stretch and the quantity of it."""


def export(record: RequestRecord, bacs: Bacs, asset: Asset | None, realised: Consumption | None, now: datetime) -> Json:
    """Return the messages of a request, as far as it has come (JSON); those that it has not are left out."""
    request = record.request
    potential = None if asset is None else asset.potential(request.flex_product, request.direction)
    messages = {
        "ResourceQualification_MarketDocument": None if potential is None else _qualification(record, bacs, potential),
        "ReferenceEnergyCurveFlexOffer_MarketDocument": None if record.offer is None else _offer(record, bacs),
        "MarketDERInstruction_MarketDocument": None if record.confirmation is None else _instruction(record, bacs),
        "ReferenceEnergyCurveNearRealTimeMeasurement_MarketDocument": (
            None if realised is None else _measurement(record, bacs, realised, now)
        ),
    }
    return {"note": KINSHIP, **{name: body for name, body in messages.items() if body is not None}}


def _qualification(record: RequestRecord, bacs: Bacs, potential: Potential) -> Json:
    """Write what the asset can give (getAssets, getFlexibilities)."""
    less = potential.direction is Direction.DECREASE
    periods = potential.time_periods or (Stretch(record.request.start, record.request.end),)
    series: Json = {
        "mRID": record.key.asset_id,
        "UpRegulation_TimePeriod" if less else "DownRegulation_TimePeriod": [_period(one) for one in periods],
        "RegisteredResource": [
            {
                "name": record.key.asset_id,
                "description": bacs.description or bacs.name,
                "ResourceCapacity": [{"defaultCapacity": _kilowatts(potential.power)}],
            }
        ],
    }
    if potential.max_duration is not None:
        series["MaximumDuration_ConstraintDuration"] = [{"duration": _duration(potential.max_duration)}]
    if potential.recovery:
        series["RecoveryTime_ConstraintDuration"] = [{"duration": _duration(potential.recovery)}]
    whole = Stretch(periods[0].start, periods[-1].end)
    head = _head(record, bacs, f"{record.key.asset_id}-{potential.flex_product}", 1, record.history[0].at)
    return {**head, "Time_Period": _period(whole), "TimeSeries": [series]}


def _offer(record: RequestRecord, bacs: Bacs) -> Json:
    """Write what was offered (the reply to createFlexRequest)."""
    offered = next(one for one in record.history if one.trigger is Trigger.OFFER)
    offer = record.offer
    assert offer is not None
    steps: list[_Step] = [(Stretch(one.start, one.end), {"quantity": _kilowatts(one.value)}) for one in offer.power]
    return {
        **_head(record, bacs, record.key.request_id, offered.revision, offered.at),
        "Period": _span(offer.power),
        "Series": [_series(record, "Quantity", _SCHEDULE[record.request.direction], steps)],
    }


def _instruction(record: RequestRecord, bacs: Bacs) -> Json:
    """Write what was ordered (confirm), what the operator withdrew, and how the activation went."""
    ordered = next(one for one in record.history if one.trigger is Trigger.CONFIRM)
    offered = next(one for one in record.history if one.trigger is Trigger.OFFER)
    body: Json = {
        **_head(record, bacs, f"{record.key.request_id}-order", ordered.revision, ordered.at, by_operator=True),
        "Period": _span(record.power),
        "Order_MarketDocument": {"mRID": record.key.request_id, "revisionNumber": str(offered.revision)},
        "InstructionClearing": [
            {
                "mRID": record.key.request_id,
                "intervalStartTime": _instant(record.start),
                "intervalEndTime": _instant(record.end),
                "Instructions": [*_instructions(record)],
            }
        ],
    }
    if (began := record.began) is not None:
        ended, last = record.ended, record.history[-1]
        event: Json = {
            "mRID": record.key.request_id,
            "actualEventStartDateTime": _instant(began.at),
            "eventStatus": record.state.value,
            "eventType": _SCHEDULE[record.request.direction],
        }
        if ended is not None:
            event["actualEventEndDateTime"] = _instant(ended.at)
            last = ended
        body["DistributedResourceActualEvent"] = event | {"eventComments": last.detail or last.cause.value}
    return body


def _instructions(record: RequestRecord) -> Iterator[Json]:
    withdrawn = next((one.at for one in record.history if one.trigger is Trigger.CANCEL), record.end)
    for run in blocks(record.power):
        if run.start >= withdrawn:
            break
        for slot in record.power.between(run.start, min(run.end, withdrawn)):
            kind = "ACTIVATE" if slot.start == run.start else "ADJUSTMENT"
            yield _told(record, kind, slot.start, slot.value)
        yield _told(record, "RELEASE", min(run.end, withdrawn), Decimal())
    if withdrawn <= record.start:
        yield _told(record, "RELEASE", withdrawn, Decimal())


def _told(record: RequestRecord, kind: str, at: datetime, watts: Decimal) -> Json:
    return {
        "instructionType": kind,
        "instructionStartTime": _instant(at),
        "bindingInstruction": "YES",
        "bindingDOTType": _SCHEDULE[record.request.direction],
        "bindingDOT": {"value": _kilowatts(watts), "multiplier": "k", "unit": "W"},
        "RegisteredDistributedResource": {"mRID": record.key.asset_id},
        "MarketProduct": {"marketProductType": record.request.flex_product},
    }


def _measurement(record: RequestRecord, bacs: Bacs, realised: Consumption, now: datetime) -> Json:
    """Write what was consumed (realize, consumptions)."""
    steps = [
        (Stretch(one.start, one.end), _measured(one.value, one.value.power))
        for one in realised.steps
        if one.value.power is not None
    ]
    head = _head(record, bacs, f"{record.key.request_id}-realised", record.revision, now)
    return {
        **head,
        "Period": _period(Stretch(record.start, record.end)),
        "Series": [_series(record, "Measured_Quantity", "load", steps)],
    }


def _measured(consumed: Consumed, power: Decimal) -> Json:
    quality = _QUALITY.get(consumed.quality)
    return {"quantity": _kilowatts(power)} | ({} if quality is None else {"quality": quality})


def _head(
    record: RequestRecord, bacs: Bacs, mrid: str, revision: int, created: datetime, *, by_operator: bool = False
) -> Json:
    sides = {"mRID": bacs.id}, {"mRID": record.key.client or record.key.issuer}
    sender, receiver = reversed(sides) if by_operator else sides
    head: Json = {
        "mRID": mrid,
        "revisionNumber": str(revision),
        "createdDateTime": _instant(created),
        "Sender_MarketParticipant": sender,
        "Receiver_MarketParticipant": receiver,
    }
    if (process := _PROCESS.get(Market.of(record.request.flex_product))) is not None:
        head["Process"] = {"processType": process}
    return head


def _series(record: RequestRecord, quantity: str, schedule: str, steps: Iterable[_Step]) -> Json:
    """Write a curve, what touches and is of a size as points of one period."""
    less = record.request.direction is Direction.DECREASE
    runs: list[list[_Step]] = []
    for step in steps:
        last = runs[-1][-1][0] if runs else None
        if last is not None and last.end == step[0].start and last.length == step[0].length:
            runs[-1].append(step)
        else:
            runs.append([step])
    return {
        "mRID": record.key.request_id,
        "curveType": _BLOCKS,
        "RegisteredResource": {"mRID": record.key.asset_id},
        "MarketProduct": {"marketProductType": record.request.flex_product},
        "FlowDirection": {"direction": _UP if less else _DOWN},
        "ResourceTimeSeries": {"value1ScheduleType": schedule},
        "Series": [
            {
                "Measurement_Unit": {"name": _KW},
                "Period": [
                    {
                        "resolution": _duration(run[0][0].length),
                        **_period(Stretch(run[0][0].start, run[-1][0].end)),
                        "Point": [{"position": i, quantity: one} for i, (_, one) in enumerate(run, 1)],
                    }
                    for run in runs
                ],
            }
        ],
    }


def _span(power: Series[Decimal]) -> Json:
    return _period(Stretch(power.slots[0].start, power.slots[-1].end))


def _period(stretch: Stretch) -> Json:
    return {"timeInterval": {"start": f"{stretch.start:%Y-%m-%dT%H:%MZ}", "end": f"{stretch.end:%Y-%m-%dT%H:%MZ}"}}


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _duration(span: timedelta) -> str:
    seconds = span // _SECOND
    return f"PT{seconds // 60}M" if seconds and not seconds % 60 else f"PT{seconds}S"


def _kilowatts(watts: Decimal) -> float:
    return float(watts.scaleb(-3))
