"""Who may call what: every path by every kind of caller, and what is noted of it."""

from datetime import timedelta
import time

from called import REQUESTS, Called, asked, begun
from homeassistant.components.http.ban import KEY_BAN_MANAGER, KEY_FAILED_LOGIN_ATTEMPTS, KEY_LOGIN_THRESHOLD
from homeassistant.components.persistent_notification import _async_get_or_create_notifications
from homeassistant.config_entries import ConfigEntryState
import pytest
from served import Answer

from custom_components.flex_ready.api.handlers import PATHS
from custom_components.flex_ready.api.views import refused_calls
from custom_components.flex_ready.ledger import Ledger, LedgerError

__all__ = ["begun"]

OPEN = (
    ("GET", "/status", 200),
    ("GET", "/bacs", 200),
)
"""What every operator may see: of its own."""
OF_BACS = (
    ("GET", "/bacs/{bacs}", 200),
    ("GET", "/bacs/{bacs}/assets", 200),
)
OF_ASSET = (
    ("GET", "/bacs/{bacs}/assets/Heating", 200),
    ("GET", "/bacs/{bacs}/assets/Heating/flexibilities", 200),
    ("GET", "/bacs/{bacs}/assets/Heating/consumptions", 200),
    ("GET", "/bacs/{bacs}/assets/Heating/consumptions/aggregated", 200),
    ("POST", "/bacs/{bacs}/assets/Heating/flexibilities/request", 201),
)
OF_REQUEST = (
    ("GET", "/bacs/{bacs}/assets/Heating/flexibilities/request/req-001", 200),
    ("GET", "/bacs/{bacs}/assets/Heating/flexibilities/request/req-001/consumptions", 200),
    ("POST", "/bacs/{bacs}/assets/Heating/flexibilities/request/req-001/confirm", 200),
    ("POST", "/bacs/{bacs}/assets/Heating/flexibilities/request/req-001/cancel", 200),
    ("DELETE", "/bacs/{bacs}/assets/Heating/flexibilities/request/req-001", 204),
)
EVERY = (*OPEN, *OF_BACS, *OF_ASSET, *OF_REQUEST)


async def each(called: Called, paths: tuple[tuple[str, str, int], ...], token: str | None) -> list[tuple[int, Answer]]:
    """Call some paths of the first building; return what the right one is answered, and what came."""
    found = []
    for method, path, status in paths:
        body = asked("another", ahead=timedelta(hours=5)) if path.endswith("/request") else asked()
        if path.endswith("/confirm"):
            body = {name: body[name] for name in ("flexProduct", "power")}
        options = {"json": body} if method == "POST" and not path.endswith("/cancel") else {}
        called.api.limits.refusals._left.clear()
        answer = await called.call(method, path.format(bacs=called.desk().bacs.id), token, **options)
        found.append((status, answer))
    return found


def test_every_path_is_in_the_matrix() -> None:
    """Nothing is served that is not tried."""
    names = {"{bacs}": "{bacs_id}", "Heating": "{asset_id}", "req-001": "{request_id}"}
    tried = set()
    for method, path, _ in EVERY:
        for one, name in names.items():
            path = path.replace(one, name)  # noqa: PLW2901
        tried.add((method, path))
    assert tried == {(method, path) for path, methods in PATHS.items() for method in methods}


@pytest.mark.parametrize("who", ["right", "user"])
async def test_the_right_one(called: Called, who: str) -> None:
    """By a token of its identity provider, and by one of Home Assistant."""
    token = called.tokens[who]
    assert (await called.ask(token=token)).status == 201
    for status, answer in await each(called, EVERY, token):
        assert answer.status == status, answer.data


async def test_without_a_token(called: Called) -> None:
    """401 without more, everywhere."""
    await called.ask()
    for _, answer in await each(called, EVERY, None):
        answer.problem(401, "invalid-token")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "kind",
    ["garbage", "expired", "of another audience", "of another issuer", "an ID token", "a revoked one", "half a user's"],
)
async def test_with_a_token_that_is_none(called: Called, kind: str) -> None:
    """401 that says so, everywhere."""
    await called.ask()
    right = {"client_id": "right"}
    if kind == "a revoked one":
        found = called.hass.auth.async_validate_access_token(called.tokens["user"])
        assert found
        called.hass.auth.async_remove_refresh_token(found)
    token = {
        "garbage": "garbage",
        "expired": called.issuer.token({**right, "exp": int(time.time()) - 60}),
        "of another audience": called.issuer.token({**right, "aud": "another"}),
        "of another issuer": called.issuer.token({**right, "iss": "https://another.example"}),
        "an ID token": called.issuer.token({**right, "at_hash": "x"}),
        "a revoked one": called.tokens["user"],
        "half a user's": called.tokens["user"][:-20],
    }[kind]
    for _, answer in await each(called, EVERY, token):
        answer.problem(401, "invalid-token")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert token not in answer.data.decode()


@pytest.mark.parametrize("who", ["stranger", "guest", "admin"])
async def test_with_a_good_token_of_nobody(called: Called, who: str) -> None:
    """403 everywhere: of a client that is no operator, of a user who is none, of an administrator though he is."""
    await called.ask()
    for _, answer in await each(called, EVERY, called.tokens[who]):
        answer.problem(403, "insufficient-scope")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'


async def test_with_a_token_of_another_operator(called: Called) -> None:
    """It sees the building and its own asset; of all else it learns nothing, and changes nothing."""
    await called.ask()
    was = called.desk().book.records
    token = called.tokens["other"]
    for status, answer in await each(called, (*OPEN, *OF_BACS), token):
        assert answer.status == status
        assert b"Heating" not in answer.data
    for _, answer in await each(called, (*OF_ASSET, *OF_REQUEST), token):
        answer.problem(404, "not-found")
        assert b"req-001" not in answer.data
    # Who sees the asset as well sees no request of the other.
    for _, answer in await each(called, OF_REQUEST, called.tokens["twice"]):
        answer.problem(404, "not-found")
    assert called.desk().book.records == was


async def test_with_a_token_of_an_operator_of_another_building(called: Called) -> None:
    """There is nothing for it here."""
    await called.ask()
    token = called.tokens["elsewhere"]
    for status, answer in await each(called, OPEN, token):
        assert answer.status == status
        assert called.desk().bacs.id.encode() not in answer.data
    for _, answer in await each(called, (*OF_BACS, *OF_ASSET, *OF_REQUEST), token):
        answer.problem(404, "not-found")


async def test_the_same_id_of_two_operators(called: Called) -> None:
    """They are two requests."""
    assert (await called.ask()).status == 201
    twice = await called.ask(token=called.tokens["twice"], power=asked(ahead=timedelta(hours=5))["power"])
    assert twice.status == 201
    assert "Idempotency-Replayed" not in twice.headers


async def test_a_user_who_may_no_longer(called: Called) -> None:
    """Deactivated: 401; made an administrator: 403."""
    user = await called.hass.auth.async_get_user(called.entries["School"].subentries["School-user"].data["user"])
    assert user
    await called.hass.auth.async_update_user(user, is_active=False)
    (await called.get("/bacs", called.tokens["user"])).problem(401, "invalid-token")
    await called.hass.auth.async_update_user(user, is_active=True)
    again = await called.long_lived(user)
    assert (await called.get("/bacs", again)).status == 200
    await called.hass.auth.async_update_user(user, group_ids=["system-admin"])
    (await called.get("/bacs", again)).problem(403, "insufficient-scope")


async def test_a_token_is_taken_from_its_header_only(called: Called) -> None:
    """Neither from the address nor from a cookie, nor one of two; the scheme is that of a bearer."""
    token = called.tokens["user"]
    for path, given in (
        (f"/bacs?access_token={token}", {}),
        (f"/bacs?authSig={token}", {}),
        ("/bacs", {"Cookie": f"access_token={token}"}),
        ("/bacs", {"Authorization": f"Basic {token}"}),
        ("/bacs", {"Authorization": token}),
        ("/bacs", {"Authorization": "Bearer "}),
        ("/bacs", {"Authorization": f"Bearer {token} {token}"}),
    ):
        (await called.get(path, None, headers=given)).problem(401, "invalid-token")
    given = {"Authorization": f"bearer {called.tokens['right']}"}
    assert (await called.get("/bacs", None, headers=given)).status == 200


async def test_the_house_is_not_banned(called: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often somebody fails here: Home Assistant counts no login, tells nobody, bans no address."""
    monkeypatch.setitem(called.hass.http.app._state, KEY_LOGIN_THRESHOLD, 1)
    for token in (None, "garbage", called.tokens["guest"], called.tokens["stranger"], called.tokens["admin"]):
        for path in ("/bacs", "/nothing"):
            assert (await called.get(path, token)).status in (401, 403, 404)
    assert not called.hass.http.app[KEY_FAILED_LOGIN_ATTEMPTS]
    assert not called.hass.http.app[KEY_BAN_MANAGER].ip_bans_lookup
    assert not _async_get_or_create_notifications(called.hass)
    assert (await called.get("/bacs")).status == 200


async def test_each_call_is_noted(called: Called) -> None:
    """With who, what and what came of it, and never a token; those of nobody apart, a bounded number."""
    right = called.issuer.token({"client_id": "right", "sub": "a person"})
    await called.get("/bacs", right)
    await called.get("/bacs/nothing/assets?secret=x", right)
    await called.post(called.asset(REQUESTS), asked(extra=1), right)
    await called.get("/bacs", called.tokens["twice"])
    for _ in range(60):
        await called.get("/bacs", "garbage")
    await called.get("/bacs", called.tokens["guest"])
    desk = called.desk()
    noted = [(one.operator, one.subject, one.method, one.path, one.status, one.code) for one in desk._calls]
    prefix = "/api/flex_ready/v1/bacs"
    assert noted == [
        ("School-right", "a person", "GET", prefix, 200, ""),
        ("School-right", "a person", "GET", f"{prefix}/nothing/assets", 404, "not-found"),
        ("School-right", "a person", "POST", f"/api/flex_ready/v1{called.asset(REQUESTS)}", 400, "malformed"),
        ("School-twice", "somebody", "GET", prefix, 200, ""),
    ]
    assert [one.operator for one in called.desk("Town hall")._calls] == ["Town hall-twice"]
    assert (desk.last_calls["School-right"].status, desk.last_calls["School-right"].refused) == (400, 2)
    refused = refused_calls(called.hass)
    assert len(refused) == 50
    assert refused[0].status == 429 or refused[0].code == "invalid-token"
    assert called.tokens["guest"] not in str(refused)
    assert "garbage" not in str(refused)


async def test_a_building_that_is_not_ready(called: Called) -> None:
    """503 with a time to come back for its own operator; the others are served."""
    await called.hass.config_entries.async_unload(called.entries["School"].entry_id)
    assert called.entries["School"].state is ConfigEntryState.NOT_LOADED
    answer = await called.get("/bacs")
    answer.problem(503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    (await called.get("/bacs", called.tokens["user"])).problem(503, "unavailable")
    (await called.get("/bacs", called.tokens["stranger"])).problem(403, "insufficient-scope")
    assert len((await called.get("/bacs", called.tokens["twice"])).json) == 1
    (await called.get("/bacs/unknown", called.tokens["twice"])).problem(503, "unavailable")
    assert (await called.get("/bacs", called.tokens["elsewhere"])).status == 200
    assert await called.hass.config_entries.async_setup(called.entries["School"].entry_id)
    await called.hass.async_block_till_done()
    assert (await called.get("/bacs")).status == 200


async def test_a_ledger_that_cannot_be_written(called: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    """503: there is no request, no half of one, and reading goes on."""

    async def full(*_: object) -> None:
        raise LedgerError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "keep", full)
        answer = await called.ask()
        answer.problem(503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert called.record("req-001") is None
        assert (await called.get("/bacs")).status == 200
    assert (await called.ask()).status == 201


async def test_a_mistake_of_ours(called: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 as a problem, of which nothing is told but that it was."""

    def wrong(*_: object) -> None:
        raise RuntimeError("inner secret")

    monkeypatch.setattr(type(called.desk()), "assets_of", wrong)
    answer = await called.get(f"/bacs/{called.desk().bacs.id}/assets")
    answer.problem(500, "internal")
    assert b"secret" not in answer.data


async def test_while_home_assistant_stops(called: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, come back."""
    with monkeypatch.context() as stopping:
        stopping.setattr(type(called.hass), "is_stopping", property(lambda _: True))
        (await called.get("/bacs")).problem(503, "unavailable")
    assert (await called.get("/bacs")).status == 200
