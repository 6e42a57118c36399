"""How often one may call: token buckets, one for each caller, of a bounded number of callers."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import timedelta
from ipaddress import IPv6Address, ip_address

_MOST_CALLERS = 1024
"""That are remembered; the one that called longest ago is forgotten first."""


class Allowance:
    """Calls that callers may make: `burst` at once, and `per_second` from then on."""

    def __init__(self, per_second: float, burst: int, monotonic: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._monotonic = monotonic
        self._left: OrderedDict[Hashable, list[float]] = OrderedDict()
        """What is left, and since when."""

    def take(self, caller: Hashable) -> timedelta | None:
        """Count a call; return how long the caller has to wait if it is one too many."""
        now = self._monotonic()
        if (bucket := self._left.get(caller)) is None:
            bucket = self._left[caller] = [self._burst, now]
            if len(self._left) > _MOST_CALLERS:
                self._left.popitem(last=False)
        else:
            self._left.move_to_end(caller)
        left = min(self._burst, bucket[0] + (now - bucket[1]) * self._per_second)
        bucket[1] = now
        if left < 1:
            bucket[0] = left
            return timedelta(seconds=(1 - left) / self._per_second)
        bucket[0] = left - 1
        return None


class Limits:
    """The allowances of the API: of operators for reading and for writing, of addresses for being refused."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.reads = Allowance(100, 200, monotonic)
        self.writes = Allowance(50, 100, monotonic)
        self.refusals = Allowance(1, 20, monotonic)


def network(remote: str | None) -> str:
    """Return what counts as one address: of IPv6 the 64 bits that a site is given."""
    try:
        address = ip_address(remote or "")
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(int(address) >> 64)
    return str(address)
