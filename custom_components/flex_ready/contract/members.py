"""Who belongs to the perimeter of a contract, month by month (R14, D12), and who was taken out of it (R20)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, tzinfo

from ..ledger import Member
from ..settlement.contract import months_later
from ..settlement.sites import Site, not_eligible


def belongs(member: Member, at: datetime) -> bool:
    """Tell whether a member belongs to the perimeter at an instant."""
    return member.valid_from <= at and (member.valid_to is None or at < member.valid_to)


def memberships(
    sites: Mapping[str, Site], gone: Mapping[str, Site], zone: tzinfo, kept: Sequence[Member], now: datetime
) -> list[Member]:
    """Return who belongs, belonged and will belong to a perimeter, from its sites, those gone, and what was kept.

    A site belongs from the first month that begins once it joined, until the first that begins once it left. One that
    was deleted, or is not eligible any more, stays in the time in which it was there: what was activated with it is
    settled with it, in the entity whose name is said of it now. One that is eligible again belongs from the next month
    on, or goes on as if nothing had been within the same month.
    """
    eligible = {name: site for name, site in sites.items() if not not_eligible(site)}
    entities = {name: site.entity for name, site in (*gone.items(), *sites.items())}
    past = (replace(one, ef_id=entities.get(one.site_id, one.ef_id)) for one in kept if one.site_id not in eligible)
    return [*_members(eligible, zone, kept, now), *_until(past, now)]


def taken_out_w(
    sites: Mapping[str, Site], gone: Mapping[str, Site], members: Iterable[Member], since: datetime, until: datetime
) -> int:
    """Return the capacity (W) that was taken out of a perimeter at once, after an instant and until another (R20).

    It is that of sites that were deleted, or are not eligible any more, from the instant from which they did not
    belong; of one that is there under another name nothing was taken out.
    """
    there = {site.id for site in sites.values() if not not_eligible(site)}
    known = {**gone, **sites}
    ended = {one.site_id for one in members if one.valid_to is not None and since < one.valid_to <= until}
    return sum(known[name].max_activation_w for name in ended & known.keys() if known[name].id not in there)


def _members(sites: Mapping[str, Site], zone: tzinfo, kept: Sequence[Member], now: datetime) -> Iterator[Member]:
    for name, site in sites.items():
        start, end = _month(site.joined, zone), None if site.left is None else _month(site.left, zone)
        before, again = _interrupted([one for one in kept if one.site_id == name], zone, now)
        yield from (replace(one, ef_id=site.entity) for one in before)
        start = max(start, again) if again is not None else start
        if end is None or start < end:
            yield Member(ef_id=site.entity, site_id=name, valid_from=start, valid_to=end)


def _interrupted(kept: Sequence[Member], zone: tzinfo, now: datetime) -> tuple[list[Member], datetime | None]:
    """Return the times of a site that ended at once, as it was not eligible, and from when it belongs again.

    A day on which it left ends a month; what ended at another instant ended at once.
    """
    row = sorted(kept, key=lambda one: one.valid_from)
    ended = [
        (one, to)
        for one in row
        if (to := one.valid_to) is not None and to <= now and to != _month(to.astimezone(zone).date(), zone)
    ]
    if not ended:
        return [], None
    last, to = ended[-1]
    if (again := next((one.valid_from for one in row if one.valid_from >= to), None)) is None:
        there, today = to.astimezone(zone).date(), now.astimezone(zone).date()
        if there.replace(day=1) == today.replace(day=1):
            del ended[-1]
            again = last.valid_from
        else:
            again = _month(months_later(today.replace(day=1), 1), zone)
    return [one for one, _ in ended], again


def _until(past: Iterable[Member], now: datetime) -> Iterator[Member]:
    end = now.replace(microsecond=0)
    for member in past:
        if member.valid_from >= now:
            continue
        yield member if member.valid_to is not None and member.valid_to <= end else replace(member, valid_to=end)


def _month(day: date, zone: tzinfo) -> datetime:
    first = day if day.day == 1 else months_later(day.replace(day=1), 1)
    return datetime.combine(first, time(), zone).astimezone(UTC)
