"""The running window as it is shown: what is reached, what is expected, what is left."""

from .forecast import Forecast
from .orders import Situation
from .window import Kind, Window


def situation(window: Window, forecast: Forecast, now: int, skew: int, shed: int) -> Situation | None:
    """Return how a window stands; `now` in ms of our clock, which the meter's is ahead of by `skew`; `shed` in W or VA.

    None while the limit is not known, or nothing was read.
    """
    if not window.limit or window.at is None:
        return None
    at = now + skew
    if window.kind is Kind.INSTANT:
        return Situation(
            kind=window.kind,
            start=now,
            end=now,
            limit=window.limit,
            reached=window.power,
            forecast=max(0, forecast.level - shed),
            power=window.power,
            shed=shed,
        )
    start, drawn = window.running(at)
    end = start + window.length
    expected = drawn + max(0, forecast.mean(max(1, end - at)) - shed) * max(0, end - at)
    return Situation(
        kind=window.kind,
        start=start - skew,
        end=end - skew,
        limit=window.limit,
        reached=drawn // window.length,
        forecast=expected // window.length,
        power=window.power,
        shed=shed,
    )
