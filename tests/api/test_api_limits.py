"""How often one may call: each operator for itself, and whoever is refused."""

from called import REQUESTS, Called, begun

from custom_components.flex_ready.api.limits import Allowance, Limits, network

__all__ = ["begun"]


def test_an_allowance() -> None:
    """So many at once, then so many a second; of a thousand callers the oldest is forgotten."""
    now = [0.0]
    allowance = Allowance(2, 3, lambda: now[0])
    assert [allowance.take("a") is None for _ in range(5)] == [True, True, True, False, False]
    assert allowance.take("b") is None
    now[0] = 0.5
    assert [allowance.take("a") is None for _ in range(2)] == [True, False]
    wait = allowance.take("a")
    assert wait
    assert wait.total_seconds() == 0.5
    now[0] = 1000
    assert [allowance.take("a") is None for _ in range(4)] == [True, True, True, False]
    for caller in range(5000):
        allowance.take(caller)
    assert len(allowance._left) == 1024
    assert allowance.take("a") is None


def test_what_one_address_is() -> None:
    """Of IPv6 what one site has; what is none is one all the same."""
    assert network("2001:db8:0:1::1") == network("2001:db8:0:1:ffff::2") != network("2001:db8:0:2::1")
    assert network("192.0.2.1") != network("192.0.2.2")
    assert network("::ffff:192.0.2.1") != network("::ffff:192.0.2.2")
    assert network(None) == network("somewhere") == ""


async def test_operators_have_their_own(called: Called) -> None:
    """Reading and writing apart; whoever calls too often is told when to come back, the others are not."""
    now = [0.0]
    limits = called.api.limits = Limits(lambda: now[0])
    limits.reads = Allowance(10, 3, lambda: now[0])
    limits.writes = Allowance(0.5, 2, lambda: now[0])
    assert [(await called.get("/bacs")).status for _ in range(4)] == [200, 200, 200, 429]
    answer = await called.get("/bacs")
    answer.problem(429, "rate-limited")
    assert answer.headers["Retry-After"] == "1"
    assert (await called.get("/bacs", called.tokens["other"])).status == 200
    path = called.asset(REQUESTS)
    assert [(await called.post(path, b"{}")).status for _ in range(3)] == [400, 400, 429]
    assert (await called.post(path, b"{}")).headers["Retry-After"] == "2"
    now[0] = 2
    assert (await called.get("/bacs")).status == 200
    assert (await called.post(path, b"{}")).status == 400
    assert called.desk().last_calls["School-right"].refused == 7


async def test_whoever_is_refused_again_and_again(called: Called) -> None:
    """Is told to wait; a good token from the same address is let in."""
    now = [0.0]
    called.api.limits = Limits(lambda: now[0])
    statuses = [(await called.get("/bacs", "garbage")).status for _ in range(25)]
    assert statuses == [401] * 20 + [429] * 5
    answer = await called.get("/bacs", None)
    answer.problem(429, "rate-limited")
    assert answer.headers["Retry-After"] == "1"
    assert (await called.get("/bacs")).status == 200
    now[0] = 1
    assert [(await called.get("/bacs", "garbage")).status for _ in range(2)] == [401, 429]
