"""The books of a contract: what its orders come to, by the readings in its ledger."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction

from ..ledger import Ledger
from ..settlement.facts import Facts, local_day
from ..settlement.forecast import Forecast
from ..settlement.load_curve import LoadCurve
from ..settlement.methods import HISTORIES, Choice, Method, plan
from ..settlement.model import STEP, Order, floor
from ..settlement.orders import row, whole
from ..settlement.outlook import Outlook, outlook
from ..settlement.perimeter import EntityPlan, Planned
from ..settlement.realised import Realised, each_realised, realised, references
from ..settlement.reference import Plan
from ..settlement.report import ActivationReport, activation
from ..settlement.sufficiency import Lack
from ..settlement.trials import Outcome
from ..settlement.uncertainty import Uncertainty, replays, spread, uncertainty
from ..settlement.volumes import capped, expected, perimeter, shares
from ..settlement.working_days import holidays_of
from .members import belongs
from .setup import ContractSetup

_USUAL = timedelta(days=70)
_ALL = timedelta(days=370)
"""Back from an order: what a history of ten working days and thirty quiet ones needs, and what is there at most."""
_AFTER = timedelta(hours=2)
"""What follows an order may be a reference too."""
_FORGOTTEN = Choice(method=Method.FORECAST)
"""Of an entity whose method nobody knows any more: without a forecast there is no reference."""


@dataclass(frozen=True, slots=True)
class Detail:
    """What came of an order, with how it was found."""

    report: ActivationReport
    rows: Mapping[str, tuple[Realised, ...]]
    """Of each entity."""
    shares: Mapping[str, Mapping[str, Mapping[datetime, Fraction | None]]]
    """Of each entity, what of its volume is each site's in each half-hour (D11); None: it has none, or not yet."""
    uncertainty: Mapping[str, Uncertainty]


@dataclass(frozen=True, slots=True)
class _Entity:
    """An entity at the time of an order."""

    name: str
    sites: tuple[str, ...]
    choice: Choice
    facts: Facts
    curves: tuple[LoadCurve, ...]
    capacity_w: int

    def made(self, order: Order) -> Plan:
        """Return what its reference is made of."""
        return plan(order, self.choice, self.facts, self.lacks)

    def lacks(self, step: datetime) -> bool:
        """Tell whether a reading is missing."""
        return any(curve.wh(step) is None for curve in self.curves)


class Books:
    """Settles the orders of one contract."""

    def __init__(self, ledger: Ledger, contract: str, setup: ContractSetup) -> None:
        """Make the books of a contract, by the id of its entry."""
        self._ledger = ledger
        self._contract = contract
        self._setup = setup
        self.outcomes: Mapping[str, Outcome] = {}
        """Of tests, by their order, where they were told."""

    async def async_detail(self, order: Order, orders: Sequence[Order]) -> Detail:
        """Settle an order among all of the contract, and tell how sure that is. Raises LedgerError."""
        [report] = await self.async_reports([order], orders)
        entities = await self._async_entities(order, orders)
        sites = {one.name: await self._async_sites(order, one) for one in entities}

        def detail() -> Detail:
            rows = {one.name: realised(order, one.choice, one.facts, one.curves) for one in entities}
            sure = {one.name: uncertainty(order, one.choice, one.facts, one.curves) for one in entities}
            return Detail(report, rows, {one.name: _shares(report, one, sites[one.name]) for one in entities}, sure)

        return await asyncio.to_thread(detail)  # thirty days are replayed, of each site where each has its reference

    async def async_reports(self, orders: Iterable[Order], among: Sequence[Order]) -> list[ActivationReport]:
        """Settle some orders among all of the contract, in one question to the ledger. Raises LedgerError."""
        rows = {order: row(order, [one for one in among if one.purpose is order.purpose]) for order in orders}
        every = dict.fromkeys(one for its in rows.values() for one in its)
        volumes = await self._async_volumes(every, among)
        terms, decisions = self._setup.terms, self._setup.decisions
        steps = {one: perimeter(one, volumes[one].values(), decisions=decisions) for one in every}
        return [
            activation(
                order,
                volumes[order],
                terms,
                decisions=decisions,
                before=[step for one in its[: its.index(order)] for step in steps[one]],
                after=[step for one in its[its.index(order) + 1 :] for step in steps[one]],
                outcome=self.outcomes.get(order.id),
            )
            for order, its in rows.items()
        ]

    async def _async_volumes(
        self, orders: Iterable[Order], among: Sequence[Order]
    ) -> Mapping[Order, Mapping[str, Mapping[datetime, Fraction | None]]]:
        """Return what each entity realised in the half-hours of some orders (Wh)."""
        found: dict[Order, dict[str, Mapping[datetime, Fraction | None]]] = {order: {} for order in orders}
        asked: list[tuple[Order, _Entity]] = []
        for order in found:
            asked += [(order, one) for one in await self._async_entities(order, among, only_gaps=True)]
        planned = [
            Planned(
                perimeter=self._contract,
                start=order.start,
                direction=order.direction,
                expected=expected(order),
                entities={one.name: EntityPlan(one.made(order), each_site=one.choice.method.each_site)},
            )
            for order, one in asked
        ]
        for (order, one), volumes in zip(asked, await self._ledger.volumes(planned), strict=True):
            found[order][one.name] = {
                step: capped(volume.realised, one.capacity_w, self._setup.decisions) if volume.complete else None
                for step, volume in volumes.items()
            }
        return found

    async def async_outlook(
        self, order: Order, orders: Iterable[Order], delivered_w: int
    ) -> tuple[Outlook, Mapping[str, Uncertainty]]:
        """Tell what an order to come is likely to bring if the perimeter really gives a power. Raises LedgerError.

        How far references are off is replayed on the quiet days before now, for each entity; their errors of the same
        day are added up.
        """
        entities = await self._async_entities(order, orders)
        return await asyncio.to_thread(self._outlook, order, entities, delivered_w)

    def _outlook(
        self, order: Order, entities: Sequence[_Entity], delivered_w: int
    ) -> tuple[Outlook, Mapping[str, Uncertainty]]:
        by_day: dict[date, list[tuple[float, ...]]] = {}
        sure = {}
        for one in entities:
            done = replays(order, one.choice, one.facts, one.curves, alike=False)
            sure[one.name] = spread(done)
            for replay in done:
                by_day.setdefault(replay.day, []).append(replay.errors)
        errors = [
            [sum(step) for step in zip(*its, strict=True)] for its in by_day.values() if len(its) == len(entities)
        ]
        share = Fraction(delivered_w, order.power_w)
        delivered = {step: wh * share for step, wh in expected(order).items()}
        return outlook(order, self._setup.terms, delivered, errors, decisions=self._setup.decisions), sure

    async def async_references(self, order: Order, orders: Iterable[Order]) -> Mapping[datetime, Fraction]:
        """Return the reference of the perimeter in each half-hour (Wh), as far as it can be told while the order runs.

        What follows is not known then: where a method takes it, what came before stands for it. Raises LedgerError.
        """
        entities = await self._async_entities(order, orders)
        each = [references(order, one.choice, one.facts, one.curves) for one in entities]
        return {
            step: sum((its[step] for its in each), Fraction())
            for step in order.steps
            if each and all(step in its for its in each)
        }

    async def _async_entities(self, order: Order, orders: Iterable[Order], *, only_gaps: bool = False) -> list[_Entity]:
        """Return the entities at the time of an order, with what their methods look at; or only what has gaps in it."""
        facts = self._facts(order, [one for one in orders if one.accepted and one.id != order.id])
        there: dict[str, list[str]] = {}
        for member in await self._ledger.members(self._contract):
            if belongs(member, order.start):
                there.setdefault(member.ef_id, []).append(member.site_id)
        found = []
        for name, sites in there.items():
            choice = self._setup.choices.get(name, _FORGOTTEN)
            forecast = await self._async_forecast(order, name, timedelta() if only_gaps else _USUAL)
            known = replace(facts, forecast=forecast)
            if only_gaps and choice.method not in HISTORIES:
                found.append(_Entity(name, tuple(sites), choice, known, (), self._capacity(sites)))
                continue
            curves = await self._async_curves(order, name, sites, choice, known, _USUAL)
            if any(row.basis.lack is Lack.DAYS for row in realised(order, choice, known, curves)):
                curves = await self._async_curves(order, name, sites, choice, known, _ALL)
            found.append(_Entity(name, tuple(sites), choice, known, curves, self._capacity(sites)))
        return found

    async def _async_sites(self, order: Order, one: _Entity) -> Mapping[str, LoadCurve]:
        """Read each site of an entity, no farther than its method looks."""
        windows = one.made(order).windows.values()
        needed = {*order.steps, *(step for its in windows for window in its for step in window)}
        start, end = min(needed), max(needed) + STEP
        return {site: await self._ledger.readings(site, start, end) for site in one.sites}

    def _capacity(self, sites: Iterable[str]) -> int:
        """Return what some sites declared that they can activate together (W)."""
        known = self._setup.known
        return sum(known[site].max_activation_w for site in sites if site in known)

    async def _async_curves(
        self, order: Order, name: str, sites: Sequence[str], choice: Choice, facts: Facts, back: timedelta
    ) -> tuple[LoadCurve, ...]:
        """Read what the method needs: of each site, or of the entity as a whole."""
        start, end = floor(order.start) - back, floor((facts.whole or order).end) + STEP + _AFTER
        if choice.method.each_site:
            return tuple([await self._ledger.readings(site, start, end) for site in sites])
        return (await self._ledger.entity_curve(self._contract, name, order.start, start, end),)

    async def _async_forecast(self, order: Order, name: str, back: timedelta) -> Forecast:
        """Read what was forecast of an entity, if that is its method."""
        choice = self._setup.choices.get(name)
        if choice is None or choice.method is not Method.FORECAST:
            return Forecast()
        start, end = floor(order.start) - back, floor(order.end) + STEP
        return await self._ledger.forecast(self._contract, name, start, end)

    def _facts(self, order: Order, others: Sequence[Order]) -> Facts:
        zone = self._setup.terms.zone
        before = [one for one in others if one.start < order.start]
        days = {local_day(step, zone) for one in before for step in one.steps}
        year = local_day(order.start, zone).year
        return Facts(
            zone=zone,
            not_eligible=frozenset(days),
            holidays=holidays_of(year) | holidays_of(year - 1),
            earlier=before,
            whole=whole(order, others),
        )


def _shares(
    report: ActivationReport, one: _Entity, sites: Mapping[str, LoadCurve]
) -> Mapping[str, Mapping[datetime, Fraction | None]]:
    raws, volumes = each_realised(report.order, one.made(report.order), sites), report.entities.get(one.name, {})
    parts = {
        step: shares(volume, raws[step]) for step, volume in volumes.items() if volume is not None and step in raws
    }
    return {site: {step: parts[step][site] if step in parts else None for step in volumes} for site in sites}
