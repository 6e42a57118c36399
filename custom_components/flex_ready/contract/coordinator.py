"""The runtime of a contract: it reads its sites, settles its orders, and tells how the running one goes."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from fractions import Fraction
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_utc_time_change
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER, SITE_ZONE
from ..desk.ledgers import async_get_ledger, async_release
from ..ledger import Ledger, LedgerError, Member, Trial
from ..settlement.model import STEP, Order, Purpose, floor
from ..settlement.orders import netted, whole
from ..settlement.report import ActivationReport, ActivityReport, Quarter, Termination, activity, terminated
from ..settlement.working_days import holidays_of, next_deadlines
from .books import Books
from .const import CONF_BUILDING, CONF_OPERATOR, SUBENTRY_PERIMETER_SITE
from .intake import Intake
from .link import OrderLink
from .members import belongs, memberships
from .needs import Needs
from .past_sites import PastSites
from .reserve import Reserve
from .setup import ContractSetup
from .state import ContractState, RunningStep, outcomes, running_step, standings

if TYPE_CHECKING:
    from .statistics import SiteStatistics

_SECOND = 20
"""Of each minute: what a half-hour brought was written by then."""
_MINUTE = timedelta(minutes=1)
_LATE = timedelta(minutes=15)
"""After its end each half-hour should be there: an entity that says nothing is taken to be where it was after ten
minutes, a remote site is asked after two and after twelve."""
_FINAL = timedelta(hours=6)
"""Once a row of orders is over for so long, and all of one is known, that is not settled anew with every half-hour."""

type ContractConfigEntry = ConfigEntry[ContractCoordinator]


class ContractCoordinator(DataUpdateCoordinator[ContractState]):
    """Runs a contract."""

    config_entry: ContractConfigEntry
    setup: ContractSetup
    ledger: Ledger
    books: Books

    def __init__(self, hass: HomeAssistant, entry: ContractConfigEntry) -> None:
        """Make what runs a contract; nothing is read yet."""
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title)
        self.data = ContractState()
        self.zone: tzinfo = dt_util.get_default_time_zone()
        self.intake: Intake | None = None
        self.trials: tuple[Trial, ...] = ()
        self._members: tuple[Member, ...] = ()
        """Who belongs, belonged and will belong to the perimeter."""
        self._references: dict[str, Mapping[datetime, Fraction]] = {}
        self._stop: list[CALLBACK_TYPE] = []
        self._settle: asyncio.Task[None] | None = None
        self._settling = False
        self._again = False
        self._anew = False
        """Whether what was final is not: something that it hangs on became known late."""
        self._owed = False
        """Whether an order could not be kept."""
        self._link: OrderLink | None = None
        self._reserve: Reserve | None = None
        self._statistics: SiteStatistics | None = None

    @property
    def id(self) -> str:
        """What it is called in the ledger."""
        return self.config_entry.entry_id

    def now(self) -> datetime:
        """Return the instant (UTC)."""
        return dt_util.utcnow().astimezone(UTC)

    def today(self) -> date:
        """Return the local day."""
        return self.now().astimezone(self.zone).date()

    async def async_start(self) -> None:
        """Take up what was kept, and listen to the sites; raise what Home Assistant expects if that is not possible."""
        self.zone = await dt_util.async_get_time_zone(SITE_ZONE) or self.zone
        await self.hass.async_add_executor_job(holidays_of, self.today().year)
        past = PastSites(self.hass, self.config_entry)
        await past.async_load()
        try:
            self.setup = ContractSetup.of(self.config_entry, self.zone, past.gone)
        except (KeyError, ValueError) as error:
            raise ConfigEntryError(translation_domain=DOMAIN, translation_key="contract_unreadable") from error
        try:
            self.ledger = await async_get_ledger(self.hass, None)
        except LedgerError as error:
            self._troubled(error)
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key="ledger_unusable",
                translation_placeholders={"reason": str(error)},
            ) from error
        try:
            await self._async_take_up(past)
        except BaseException as error:
            await async_release(self.hass, None)
            if not isinstance(error, LedgerError):
                raise
            self._troubled(error)
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key="ledger_unusable",
                translation_placeholders={"reason": str(error)},
            ) from error
        self._troubled(None)
        sites = {one.subentry_id: one for one in self.config_entry.get_subentries_of_type(SUBENTRY_PERIMETER_SITE)}
        self.intake = Intake(self.hass, self.config_entry, self.ledger, self._written, self._troubled)
        if "recorder" in self.hass.config.components:
            make = await self.hass.async_add_import_executor_job(_statistics)
            self._statistics = make(self.hass, self.ledger, {name: one.title for name, one in sites.items()})
            self._publish(self._statistics.async_catch_up(self.now()))
        await self.intake.async_start(sites, {member.site_id for member in self._members})
        if (building := self.config_entry.data.get(CONF_BUILDING)) and CONF_OPERATOR in self.config_entry.data:
            self._link = OrderLink(self.hass, building, self.config_entry.data[CONF_OPERATOR], self._ordered)
            self._reserve = Reserve(self, self._link)
            self._stop.append(self._link.async_start())
        self._stop.append(await Needs(self).async_start())
        self._stop.append(async_track_utc_time_change(self.hass, self._tick, second=_SECOND))
        self._settle_soon()

    async def _async_take_up(self, past: PastSites) -> None:
        self.books = Books(self.ledger, self.id, self.setup)
        kept = await self.ledger.members(self.id)
        self._members = tuple(memberships(self.setup.sites, self.setup.gone, self.zone, kept, self.now()))
        await self.ledger.set_members(self.id, self._members)
        for site in await past.async_keep({member.site_id for member in self._members}):
            await self.ledger.forget(site)
        self._know(tuple(await self.ledger.trials(self.id)))
        self.data.orders = tuple(await self.ledger.orders(self.id))

    async def async_stop(self) -> None:
        """Listen no more; what was told is written."""
        while self._stop:
            self._stop.pop()()
        if self._reserve is not None:
            self._reserve.end()
        if self.intake is not None:
            await self.intake.async_stop()
            self.intake = None
        if self._settle is not None:
            self._settle.cancel()
        await self.async_shutdown()
        await async_release(self.hass, None)

    # What is ordered and tested.

    async def async_order(self, order: Order) -> None:
        """Keep an order, or what has become of it. Raises LedgerError."""
        await self.ledger.keep_order(self.id, order)
        others = tuple(one for one in self.data.orders if one.id != order.id)
        self.data.orders = tuple(sorted((*others, order), key=lambda one: (one.start, one.id)))
        self._references.clear()
        self._anew = True  # for a later one, the day of this one is none to compare with
        self._settle_soon()

    async def async_trial(self, trial: Trial) -> None:
        """Keep a test, or what came of it. Raises LedgerError."""
        await self.ledger.keep_trial(self.id, trial)
        self._know((*(one for one in self.trials if one.id != trial.id), trial))
        self._anew = True  # what is paid for its order hangs on it
        self._settle_soon()

    def _know(self, trials: tuple[Trial, ...]) -> None:
        self.trials, self.books.outcomes = trials, outcomes(trials)

    async def async_forecast(self, entity: str, wh: Mapping[datetime, int]) -> None:
        """Keep what an entity is forecast to withdraw (Wh), by the start of the half-hour. Raises LedgerError."""
        at = self.now().replace(microsecond=0)  # by the second, as orders are told: who orders next may be as quick
        await self.ledger.keep_forecast(self.id, entity, wh, at)
        self._references.clear()
        self._anew |= any(at <= order.ordered_at for order in self.data.orders)
        self._settle_soon()

    @callback
    def _ordered(self, orders: tuple[Order, ...]) -> None:
        known = {order.id: order for order in self.data.orders}
        fresh = [order for order in orders if known.get(order.id) != order]
        if fresh:
            self.config_entry.async_create_background_task(self.hass, self._async_keep(fresh), "keep orders")

    async def _async_keep(self, orders: Iterable[Order]) -> None:
        try:
            for order in orders:
                await self.async_order(order)
        except LedgerError as error:
            LOGGER.warning("An order of %s cannot be kept yet: %s", self.name, error)
            self._owed = True
            self._troubled(error)
        else:
            if self._owed:
                self._owed = False
                self._troubled(None)

    @property
    def effective(self) -> tuple[Order, ...]:
        """The orders that were accepted, those at the same time put together."""
        accepted = [order for order in self.data.orders if order.accepted]
        tests = tuple(order for order in accepted if order.purpose is not Purpose.ACTIVATION)
        return (*netted([order for order in accepted if order.purpose is Purpose.ACTIVATION]), *tests)

    def orders_of(self, name: str) -> tuple[Order, ...]:
        """Return an order by its id, or the pieces that it was put together to with others; nothing: there is none."""
        pieces = tuple(order for order in self.effective if name in order.of)
        known = (*self.effective, *self.data.orders)
        return pieces or next(((order,) for order in known if order.id == name), ())

    async def async_activity(self, quarter: Quarter) -> ActivityReport:
        """Report a quarter. Raises LedgerError."""
        orders = [
            order
            for order in self.effective
            if Quarter.of(order.start.astimezone(self.zone).date()) == quarter and order.start <= self.now()
        ]
        reports = await self.books.async_reports(orders, self.effective)
        return activity(quarter, reports, self.zone, self.termination(ended) if (ended := self.data.ended) else None)

    def termination(self, at: datetime) -> Termination:
        """Return what it is to terminate the contract on the local day of an instant."""
        return terminated(self.setup.terms, at.astimezone(self.zone).date(), self.setup.decisions)

    # What is heard.

    @callback
    def _written(self, firsts: Mapping[str, datetime]) -> None:
        self._references.clear()
        self._anew |= min(firsts.values()) < self.now() - _FINAL
        self._settle_soon()
        if (statistics := self._statistics) is not None:
            self._publish(statistics.async_publish(firsts, self.now()))

    def _publish(self, publishing: Coroutine[None, None, None]) -> None:
        async def publish() -> None:
            try:
                await publishing
            except LedgerError as error:
                LOGGER.warning("What %s read is not in the statistics: %s", self.name, error)

        self.config_entry.async_create_background_task(self.hass, publish(), f"statistics of {self.name}")

    @callback
    def _troubled(self, error: LedgerError | None) -> None:
        """Tell the user that what is read cannot be kept, or that it is kept again."""
        issue = issue_of(self.id)
        if error is None:
            ir.async_delete_issue(self.hass, DOMAIN, issue)
            return
        ir.async_create_issue(
            self.hass,
            DOMAIN,
            issue,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="contract_ledger_unusable",
            translation_placeholders={"contract": self.name, "error": str(error)},
        )

    @callback
    def _tick(self, now: datetime) -> None:
        past = timedelta(minutes=now.minute) % STEP
        edge = not past
        if (edge or self._owed) and self._link is not None:
            self._link.async_look()  # the building may have come up since, or an order could not be kept
        runs = any(order.start <= now < order.end + _MINUTE for order in self.effective)
        if edge or past == _LATE or runs:
            self._settle_soon()

    @callback
    def _settle_soon(self) -> None:
        if self._settling:
            self._again = True
            return
        self._settling = True
        self._settle = self.config_entry.async_create_background_task(
            self.hass, self._async_settle(), f"settle {self.name}"
        )

    # What it comes to.

    async def _async_settle(self) -> None:
        try:
            while True:
                self._again = False
                state = await self._async_state(self.now())
                if not self._again:
                    break
        except LedgerError as error:
            LOGGER.warning("The books of %s cannot be read: %s", self.name, error)
        else:
            self._anew = False  # who sets it meanwhile has it looked through again
            self.async_set_updated_data(state)
            if self._reserve is not None:
                self._reserve.look(state.running)
        finally:
            self._settling = False

    async def _async_state(self, now: datetime) -> ContractState:
        orders = self.effective
        reports: dict[str, ActivationReport] = {}
        open_: list[Order] = []
        before = {} if self._anew else self.data.reports
        for order in orders:
            known = before.get(order.id)
            over = now - whole(order, orders).end > _FINAL
            if over and known is not None and known.order == order and known.complete:
                reports[order.id] = known
            elif order.start <= now:
                open_.append(order)
        reports |= {one.order.id: one for one in await self.books.async_reports(open_, orders)}
        return ContractState(
            orders=self.data.orders,
            reports=reports,
            running=await self._async_running(now, orders),
            tests=standings(self.setup, self._members, self.trials, reports, now),
            deadlines=next_deadlines(now.astimezone(self.zone).date(), self.setup.decisions.deadline),
            silent=await self._async_silent(now),
            settled=True,
        )

    async def _async_running(self, now: datetime, orders: tuple[Order, ...]) -> RunningStep | None:
        """Return how the half-hour of the order that runs goes; None: none runs, or that cannot be told."""
        order = next((one for one in orders if one.start <= now < one.end), None)
        if order is None or self.intake is None:
            return None
        if order.id not in self._references:
            self._references[order.id] = await self.books.async_references(order, orders)
        reference = self._references[order.id].get(floor(now))
        if reference is None:
            return None
        seen = [self.intake.running(one.site_id, now) for one in self._members if belongs(one, order.start)]
        return running_step(order, reference, seen, now, self.setup.decisions)

    async def _async_silent(self, now: datetime) -> frozenset[str]:
        last = floor(now - _LATE) - STEP
        silent = set()
        for name in {one.site_id for one in self._members if one.valid_to is None or last < one.valid_to}:
            if name not in self.setup.sites:
                continue  # it was deleted
            curve = await self.ledger.readings(name, last, last + STEP)
            if curve.wh(last) is None:
                silent.add(name)
        return frozenset(silent)


def _statistics() -> type[SiteStatistics]:
    """Import what publishes, where there is a recorder."""
    from .statistics import SiteStatistics  # noqa: PLC0415  # without a recorder, what that needs is not installed

    return SiteStatistics


def issue_of(entry_id: str) -> str:
    """Return the id of what the user is asked to mend when what a contract reads cannot be kept."""
    return f"contract_ledger_{entry_id}"
