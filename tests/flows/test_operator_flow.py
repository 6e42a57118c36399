"""The flow of an operator: how it shows who it is, before a real provider and wrong ones; what the runtime reads."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from homeassistant.auth.const import GROUP_ID_ADMIN, GROUP_ID_USER
from homeassistant.auth.models import User
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.core_config import async_process_ha_core_config
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
import probatio
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]
from served import served
from talks import Talk, building, desk
from test_serve_tokens import Provider, provider

from custom_components.flex_ready.control.load import Hours
from custom_components.flex_ready.desk.operators import Auth, Operator
from custom_components.flex_ready.desk.site import bacs_id
from custom_components.flex_ready.flexibility.dialects import DIALECTS, NATIVE
from custom_components.flex_ready.flexibility.policy import Policy

__all__ = ["building"]

pytestmark = pytest.mark.usefixtures("socket_enabled", "heating")

USUAL = {
    "dialect": "native",
    "decision": "ask",
    "silence": "decline",
    "answer_within": 15,
    "offer_holds": 15,
    "most_activations": 2,
    "despite_red": False,
}
"""What is kept of a policy that was submitted as it is shown."""
SAFE = Policy(ask=True, silence_accepts=False, most_activations=2, despite_red=False)
PLAIN: dict[str, Any] = {"hours": {}}
"""The form of the policy as it is shown."""


@pytest.fixture
async def heating(hass: HomeAssistant, building: MockConfigEntry) -> str:
    """An asset of the building; its id."""
    return await asset(hass, building, "Heating")


@pytest.fixture
async def user(hass: HomeAssistant) -> User:
    """A user for an operator, and some that are none."""
    await hass.auth.async_create_user("Owner", group_ids=[GROUP_ID_ADMIN])
    await hass.auth.async_create_user("Admin", group_ids=[GROUP_ID_ADMIN])
    await hass.auth.async_create_system_user("System", group_ids=[GROUP_ID_USER])
    gone = await hass.auth.async_create_user("Gone", group_ids=[GROUP_ID_USER])
    await hass.auth.async_deactivate_user(gone)
    return await hass.auth.async_create_user("Aggregator", group_ids=[GROUP_ID_USER])


@pytest.fixture
async def issuer() -> AsyncIterator[Provider]:
    """An identity provider whose answers can be set."""
    async with provider() as made:
        yield made


async def asset(hass: HomeAssistant, building: MockConfigEntry, name: str) -> str:
    """Add an asset; return its id."""
    talk = await Talk(hass, building, "asset").begin()
    await talk.submit({"name": name, "loads": ["boiler"], "limits": {}, "hours": {}})
    assert talk.created
    return talk.last.subentry_id


def oidc(issuer: str, client: str = "aggregator", **others: str) -> dict[str, str]:
    """Fill in who an operator is."""
    return {"name": "Aggregator", "issuer": issuer, "audience": "the-building", "client": client, **others}


async def begin(hass: HomeAssistant, building: MockConfigEntry, how: str) -> Talk:
    """Choose how the operator shows who it is."""
    talk = await Talk(hass, building, "operator").begin()
    assert (talk.step, talk.result["menu_options"]) == ("user", ["oidc", "home_assistant"])
    return await talk.choose(how)


async def with_user(hass: HomeAssistant, building: MockConfigEntry, user: User, **policy: Any) -> Talk:  # noqa: ANN401
    """Add an operator that is a user."""
    talk = await begin(hass, building, "home_assistant")
    await talk.submit({"user": user.id})
    assert talk.step == "policy"
    await talk.submit({**PLAIN, **policy})
    assert talk.created, talk.result
    return talk


async def change(hass: HomeAssistant, building: MockConfigEntry, what: str) -> Talk:
    """Choose what to change of the last operator."""
    talk = Talk(hass, building, "operator")
    await talk.change(talk.last)
    assert (talk.step, talk.result["menu_options"]) == ("reconfigure", ["policy", "oidc", "home_assistant"])
    assert talk.placeholders == {"operator": talk.last.title}
    return await talk.choose(what)


async def test_without_assets(hass: HomeAssistant, building: MockConfigEntry, heating: str, user: User) -> None:
    """There is nothing to show to an operator, nor to change what it sees to."""
    talk = await with_user(hass, building, user)
    await talk.take_back(heating)
    assert (await Talk(hass, building, "operator").begin()).aborted == "no_asset"
    assert (await talk.change(talk.last)).aborted == "no_asset"


async def test_by_the_emulated_provider(hass: HomeAssistant, building: MockConfigEntry, heating: str) -> None:
    """Its keys are looked up; submitted as it is shown, the policy is a safe one, and the desk has the operator."""
    await async_process_ha_core_config(hass, {"external_url": "https://hall.example"})
    async with served() as world:
        talk = await begin(hass, building, "oidc")
        assert (talk.step, talk.errors) == ("oidc", {})
        there = f"{world.base}/oidc"
        await talk.submit(oidc(f" {there} ", client=" emulator-user ", audience=" a ", name=" Aggregator "))
    assert (talk.step, talk.errors) == ("policy", {})
    assert talk.placeholders == {
        "operator": "Aggregator",
        "url": "https://hall.example/api/flex_ready/v1/bacs",
        "bacs": bacs_id(building.entry_id),
    }
    assert talk.offered("assets") == [heating]
    await talk.submit(PLAIN)
    assert talk.created
    kept = talk.last
    assert (kept.title, kept.unique_id) == ("Aggregator", f"{there} emulator-user")
    who = {"auth": "oidc", "issuer": there, "audience": "a", "client": "emulator-user"}
    assert kept.data == {**who, "assets": [heating], **USUAL}
    assert Operator.of(kept) == Operator(
        subentry_id=kept.subentry_id,
        title="Aggregator",
        auth=Auth.OIDC,
        issuer=there,
        client="emulator-user",
        audience="a",
        dialect=NATIVE,
        assets=frozenset((heating,)),
        policy=SAFE,
    )
    assert desk(building).operators == {kept.subentry_id: Operator.of(kept)}


async def test_all_that_is_said_is_read(
    hass: HomeAssistant, building: MockConfigEntry, heating: str, user: User
) -> None:
    """Each field of the policy reaches the runtime; who is a user is known by its id."""
    other = await asset(hass, building, "Ventilation")
    talk = await with_user(
        hass,
        building,
        user,
        assets=[other],
        dialect="emulator-2025",
        decision="accept",
        silence="accept",
        answer_within=30,
        offer_holds=60,
        price=0,
        most_activations=0,
        despite_red=True,
        notify=" notify.mobile_app_phone ",
        hours={"from": "08:00:00", "to": "18:00:00", "days": ["mon", "fri"]},
    )
    assert talk.last.unique_id == f"home_assistant {user.id}"
    read = Operator.of(talk.last)
    assert (read.title, read.auth, read.issuer, read.client) == ("Aggregator", Auth.USER, "home_assistant", user.id)
    assert (read.audience, read.assets, read.notify) == ("", frozenset((other,)), "notify.mobile_app_phone")
    assert read.dialect is DIALECTS["emulator-2025"]
    assert read.policy == Policy(
        ask=False,
        silence_accepts=True,
        answer_within=timedelta(minutes=30),
        offer_holds=timedelta(hours=1),
        price=Decimal(0),
        hours=Hours(480, 1080),
        days=frozenset((0, 4)),
        despite_red=True,
    )
    assert desk(building).operators == {read.subentry_id: read}


async def test_who_may_be_an_operator(hass: HomeAssistant, building: MockConfigEntry, user: User) -> None:
    """Neither an administrator, nor a part of Home Assistant, nor who was shut out; by a name of its own or another."""
    talk = await begin(hass, building, "home_assistant")
    assert (talk.step, talk.errors, talk.offered("user")) == ("home_assistant", {}, [user.id])
    admin = next(one for one in await hass.auth.async_get_users() if one.name == "Admin")
    with pytest.raises(probatio.Invalid):
        await talk.submit({"user": admin.id})
    await talk.submit({"user": user.id, "name": " The utility "})
    assert talk.placeholders["operator"] == "The utility"
    assert (await talk.submit(PLAIN)).created
    await hass.auth.async_update_user(user, name="")
    nameless = await hass.auth.async_create_user("", group_ids=[GROUP_ID_USER])
    talk = await begin(hass, building, "home_assistant")
    await talk.submit({"user": nameless.id, "name": " "})
    assert talk.placeholders["operator"] == nameless.id


async def test_without_users(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Who only has administrators is told to make a user."""
    await hass.auth.async_create_user("Owner", group_ids=[GROUP_ID_ADMIN])
    assert (await begin(hass, building, "home_assistant")).aborted == "no_user"


def down(issuer: Provider) -> dict[str, str]:
    """Name an address where nobody listens."""
    return oidc("http://127.0.0.1:9")


def not_there(issuer: Provider) -> dict[str, str]:
    """Have no discovery document."""
    issuer.raw["/.well-known/openid-configuration"] = 404
    return oidc(issuer.issuer)


def a_page(issuer: Provider) -> dict[str, str]:
    """Answer with a page."""
    issuer.raw["/.well-known/openid-configuration"] = b"<html>Welcome</html>"
    return oidc(issuer.issuer)


def no_keys(issuer: Provider) -> dict[str, str]:
    """Name no keys."""
    issuer.description["jwks_uri"] = None
    return oidc(issuer.issuer)


def keys_elsewhere(issuer: Provider) -> dict[str, str]:
    """Have keys that anybody on the way could change."""
    issuer.description["jwks_uri"] = "http://192.0.2.1/keys"
    return oidc(issuer.issuer)


def keys_nowhere(issuer: Provider) -> dict[str, str]:
    """Have keys where nobody listens."""
    issuer.description["jwks_uri"] = "http://127.0.0.1:9/keys"
    return oidc(issuer.issuer)


def another(issuer: Provider) -> dict[str, str]:
    """Say it is another."""
    issuer.description["issuer"] = "https://login.example"
    return oidc(issuer.issuer)


def a_slash(issuer: Provider) -> dict[str, str]:
    """Name it with a slash that it does not have."""
    return oidc(f"{issuer.issuer}/")


def symmetric(issuer: Provider) -> dict[str, str]:
    """Have a secret for a key, which is no key to publish."""
    issuer.keys = [OctKey.generate_key(256).as_dict()]
    return oidc(issuer.issuer)


def unfit(issuer: Provider) -> dict[str, str]:
    """Have keys of the right kinds, for algorithms or purposes that are not taken."""
    rsa = RSAKey.generate_key(2048).as_dict(private=False)
    issuer.keys = [
        {**rsa, "alg": "RS512"},
        {**rsa, "use": "enc"},
        ECKey.generate_key("P-384").as_dict(private=False),
        OKPKey.generate_key("X25519").as_dict(private=False),
    ]
    return oidc(issuer.issuer)


def none_at_all(issuer: Provider) -> dict[str, str]:
    """Have an empty list of keys."""
    issuer.keys = []
    return oidc(issuer.issuer)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (down, "issuer_unreachable"),
        (keys_nowhere, "issuer_unreachable"),
        (not_there, "issuer_no_provider"),
        (a_page, "issuer_no_provider"),
        (no_keys, "issuer_no_provider"),
        (keys_elsewhere, "issuer_not_https"),
        (lambda _: oidc("http://login.example"), "issuer_not_https"),
        (lambda _: oidc("login.example"), "issuer_not_https"),
        (lambda _: oidc(" "), "issuer_not_https"),
        (lambda _: oidc("https://[login"), "issuer_no_provider"),
        (another, "issuer_other_name"),
        (a_slash, "issuer_other_name"),
        (symmetric, "issuer_without_keys"),
        (unfit, "issuer_without_keys"),
        (none_at_all, "issuer_without_keys"),
    ],
)
async def test_a_provider_that_cannot_be_used(
    hass: HomeAssistant,
    building: MockConfigEntry,
    issuer: Provider,
    make: Callable[[Provider], dict[str, str]],
    error: str,
) -> None:
    """It is told why, what was said is shown again, and with one that can be used the flow goes on."""
    talk = await begin(hass, building, "oidc")
    wrong = make(issuer)
    await talk.submit(wrong)
    assert (talk.step, talk.errors, talk.shown) == ("oidc", {"issuer": error}, wrong)
    async with provider() as good:
        await talk.submit(oidc(good.issuer))
    assert talk.step == "policy"


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_a_key_of_each_kind(
    hass: HomeAssistant, building: MockConfigEntry, issuer: Provider, algorithm: str
) -> None:
    """One that may sign tokens is enough, also among others."""
    key: RSAKey | ECKey | OKPKey
    match algorithm:
        case "ES256":
            key = ECKey.generate_key("P-256")
        case "EdDSA":
            key = OKPKey.generate_key("Ed25519")
        case _:
            key = RSAKey.generate_key(2048)
    issuer.keys = [OctKey.generate_key(256).as_dict(), {**key.as_dict(private=False), "alg": algorithm}]
    talk = await begin(hass, building, "oidc")
    assert (await talk.submit(oidc(issuer.issuer))).step == "policy"


async def test_what_is_empty(hass: HomeAssistant, building: MockConfigEntry, issuer: Provider) -> None:
    """It is told by its field, before anybody is asked."""
    talk = await begin(hass, building, "oidc")
    await talk.submit({"name": " ", "issuer": issuer.issuer, "audience": " ", "client": " "})
    assert talk.errors == {"name": "no_name", "audience": "no_value", "client": "no_value"}
    assert not issuer.asked


async def test_an_operator_is_there_once(
    hass: HomeAssistant, building: MockConfigEntry, issuer: Provider, user: User
) -> None:
    """By the client of an issuer, or by the user; it may stay who it is."""
    talk = await begin(hass, building, "oidc")
    await talk.submit(oidc(issuer.issuer))
    await talk.submit(PLAIN)
    asked = issuer.asked.total()
    talk = await begin(hass, building, "oidc")
    await talk.submit(oidc(issuer.issuer, audience="another"))
    assert talk.errors == {"client": "operator_known"}
    assert issuer.asked.total() == asked
    await talk.submit(oidc(issuer.issuer, client="second"))
    assert (await talk.submit(PLAIN)).created
    talk = await change(hass, building, "oidc")
    assert (await talk.submit(oidc(issuer.issuer))).errors == {"client": "operator_known"}
    assert (await talk.submit(oidc(issuer.issuer, client="second"))).step == "policy"
    await with_user(hass, building, user)
    talk = await begin(hass, building, "home_assistant")
    assert (await talk.submit({"user": user.id})).errors == {"user": "operator_known"}
    talk = await change(hass, building, "home_assistant")
    assert talk.shown == {"name": "Aggregator", "user": user.id}
    assert (await talk.submit({"user": user.id})).step == "policy"


async def test_two_dialogs_at_once(hass: HomeAssistant, building: MockConfigEntry, user: User) -> None:
    """The same operator is added by the first to finish."""
    talks = [await begin(hass, building, "home_assistant") for _ in range(2)]
    for talk in talks:
        await talk.submit({"user": user.id})
    assert (await talks[0].submit(PLAIN)).created
    assert (await talks[1].submit(PLAIN)).aborted == "already_configured"
    assert len(talks[0].all) == 1


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"assets": []}, {"assets": "no_asset_chosen"}),
        ({"hours": {"from": "08:00:00"}}, {"base": "half_hours"}),
        ({"hours": {"to": "08:00:00"}}, {"base": "half_hours"}),
        ({"notify": "my phone"}, {"notify": "no_notify"}),
        ({"notify": "script.ring"}, {"notify": "no_notify"}),
        (
            {"assets": [], "notify": "phone", "hours": {"to": "08:00:00"}},
            {"assets": "no_asset_chosen", "notify": "no_notify", "base": "half_hours"},
        ),
    ],
)
async def test_a_policy_that_is_wrong(
    hass: HomeAssistant, building: MockConfigEntry, user: User, wrong: dict[str, Any], errors: dict[str, str]
) -> None:
    """It is told by its field, and the flow goes on."""
    talk = await begin(hass, building, "home_assistant")
    await talk.submit({"user": user.id})
    await talk.submit({**PLAIN, **wrong})
    assert (talk.step, talk.errors) == ("policy", errors)
    shown = {key: value for key, value in wrong.items() if key != "hours"} | wrong.get("hours", {})
    assert shown.items() <= talk.shown.items()
    assert (await talk.submit(PLAIN)).created


@pytest.mark.parametrize(
    "wrong",
    [
        {"assets": ["another"]},
        {"dialect": "latin"},
        {"decision": "never"},
        {"silence": "ask"},
        {"answer_within": 0},
        {"price": -1},
        {"hours": {"days": ["someday"]}},
    ],
)
async def test_what_no_form_offers(
    hass: HomeAssistant, building: MockConfigEntry, user: User, wrong: dict[str, Any]
) -> None:
    """It is refused."""
    talk = await begin(hass, building, "home_assistant")
    await talk.submit({"user": user.id})
    with pytest.raises(probatio.Invalid):
        await talk.submit({**PLAIN, **wrong})


async def test_what_to_ask_by(hass: HomeAssistant, building: MockConfigEntry, user: User) -> None:
    """Phones are offered; not what shows what is shown anyway, nor what cannot show buttons."""

    async def ring(_call: ServiceCall) -> None:
        pass

    for name in ("mobile_app_phone", "persistent_notification", "send_message", "notify"):
        hass.services.async_register("notify", name, ring)
    talk = await begin(hass, building, "home_assistant")
    await talk.submit({"user": user.id})
    assert talk.offered("notify") == ["notify.mobile_app_phone", "notify.notify"]
    assert (await talk.submit({**PLAIN, "notify": "notify.mobile_app_phone"})).created
    assert Operator.of(talk.last).notify == "notify.mobile_app_phone"


async def test_another_policy(hass: HomeAssistant, building: MockConfigEntry, heating: str, user: User) -> None:
    """What is kept is shown; what is cleared is gone; who the operator is stays."""
    other = await asset(hass, building, "Ventilation")
    hours = {"from": "08:00:00", "to": "18:00:00", "days": ["mon"]}
    said = {"price": 0.25, "notify": "notify.phone", "decision": "accept"}
    before = (await with_user(hass, building, user, **said, hours=hours)).last
    talk = await change(hass, building, "policy")
    assert talk.step == "policy"
    assert talk.shown == {**USUAL, **said, **hours, "assets": [heating, other]}
    await talk.submit({**PLAIN, "assets": [heating], "notify": " ", "hours": {"days": []}})
    assert talk.aborted == "reconfigure_successful"
    after = talk.last
    assert (after.subentry_id, after.title, after.unique_id) == (before.subentry_id, before.title, before.unique_id)
    assert after.data == {"auth": "home_assistant", "user": user.id, "assets": [heating], **USUAL}
    assert Operator.of(after).policy == SAFE
    assert desk(building).operators == {after.subentry_id: Operator.of(after)}


async def test_an_asset_was_taken_back(
    hass: HomeAssistant, building: MockConfigEntry, heating: str, user: User
) -> None:
    """It is not shown: the form can be submitted as it is."""
    other = await asset(hass, building, "Ventilation")
    talk = await with_user(hass, building, user)
    await talk.take_back(heating)
    talk = await change(hass, building, "policy")
    assert (talk.offered("assets"), talk.shown["assets"]) == ([other], [other])
    await talk.submit({**PLAIN, "assets": talk.shown["assets"]})
    assert Operator.of(talk.last).assets == {other}


async def test_another_way_to_show_who_it_is(
    hass: HomeAssistant, building: MockConfigEntry, issuer: Provider, user: User
) -> None:
    """From a user to a provider and back: nothing is left of the other, and its policy stays."""
    await with_user(hass, building, user, price=0.25)
    talk = await change(hass, building, "oidc")
    assert talk.shown == {"name": "Aggregator"}
    await talk.submit(oidc(issuer.issuer, name="Utility"))
    assert (talk.step, talk.shown["price"]) == ("policy", 0.25)
    await talk.submit({**PLAIN, "price": 0.25})
    assert talk.aborted == "reconfigure_successful"
    assert (talk.last.title, talk.last.unique_id) == ("Utility", f"{issuer.issuer} aggregator")
    assert "user" not in talk.last.data
    assert Operator.of(talk.last).auth is Auth.OIDC
    talk = await change(hass, building, "oidc")
    assert talk.shown == oidc(issuer.issuer, name="Utility")
    talk = await change(hass, building, "home_assistant")
    assert talk.shown == {"name": "Utility"}
    await talk.submit({"user": user.id, "name": "Utility"})
    await talk.submit({**PLAIN, "price": 0.25})
    assert not {"issuer", "audience", "client"} & talk.last.data.keys()
    assert Operator.of(talk.last).auth is Auth.USER
    assert Operator.of(talk.last).policy.price == Decimal("0.25")


async def test_the_user_became_an_administrator(hass: HomeAssistant, building: MockConfigEntry, user: User) -> None:
    """Another is asked for."""
    await with_user(hass, building, user)
    other = await hass.auth.async_create_user("Other", group_ids=[GROUP_ID_USER])
    await hass.auth.async_update_user(user, group_ids=[GROUP_ID_ADMIN])
    talk = await change(hass, building, "home_assistant")
    assert (talk.offered("user"), talk.shown) == ([other.id], {"name": "Aggregator"})
    await talk.submit({"user": other.id})
    await talk.submit(PLAIN)
    assert (talk.last.title, Operator.of(talk.last).client) == ("Other", other.id)


@pytest.mark.parametrize("named", [{}, {"name": "Aggregator"}])
async def test_the_user_changes_meanwhile(
    hass: HomeAssistant, building: MockConfigEntry, user: User, named: dict[str, str]
) -> None:
    """Who became an administrator, or is gone, while the form was open is refused; another is asked for."""
    gone = await hass.auth.async_create_user("Soon gone", group_ids=[GROUP_ID_USER])
    other = await hass.auth.async_create_user("Other", group_ids=[GROUP_ID_USER])
    talk = await begin(hass, building, "home_assistant")
    await hass.auth.async_update_user(user, group_ids=[GROUP_ID_ADMIN])
    await talk.submit({"user": user.id, **named})
    assert (talk.step, talk.errors) == ("home_assistant", {"user": "user_unfit"})
    assert (talk.offered("user"), talk.shown) == ([gone.id, other.id], named)
    await hass.auth.async_remove_user(gone)
    assert (await talk.submit({"user": gone.id, **named})).errors == {"user": "user_unfit"}
    assert (await talk.submit({"user": other.id, **named})).step == "policy"


async def test_whole_numbers_are_kept_as_such(hass: HomeAssistant, building: MockConfigEntry, user: User) -> None:
    """Though a browser's numbers are floating; what is true or false stays so."""
    talk = await with_user(hass, building, user, answer_within=20.0, price=1.0)
    kept = {key: talk.last.data[key] for key in ("answer_within", "offer_holds", "most_activations", "price")}
    assert repr(kept) == "{'answer_within': 20, 'offer_holds': 15, 'most_activations': 2, 'price': 1}"
    assert talk.last.data["despite_red"] is False
    talk = await change(hass, building, "policy")
    await talk.submit({**PLAIN, "price": 0.125})
    assert talk.last.data["price"] == 0.125


async def test_home_assistant_has_no_address(hass: HomeAssistant, building: MockConfigEntry, user: User) -> None:
    """Then the path is told all the same."""
    hass.config.api = None
    talk = await begin(hass, building, "home_assistant")
    await talk.submit({"user": user.id})
    assert talk.step == "policy"
    assert talk.placeholders["url"] == "https://…/api/flex_ready/v1/bacs"
