"""The API before the emulated operator of Annex 1: another program calls it, and judges every answer."""

import json
from typing import Any

from called import PRODUCT, REQUESTS, Called, asked, begun
import pytest
from served import Answer, Served, served, text

from custom_components.flex_ready.api.views import PREFIX

__all__ = ["begun"]


class Operator:
    """The emulator's operator at a session, with the token of one that Home Assistant knows."""

    def __init__(self, world: Served, session: str, token: str) -> None:
        self.world = world
        self.session = session
        self.token = token

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Call Home Assistant; whatever it answers must be valid."""
        sent = {"EMULATOR_Authorization": f"Bearer {self.token}", **headers}
        own: dict[str, Any] = {} if body is None else {"json": body}
        answer = await self.world.call(method, self.session + path, self.world.user, headers=sent, **own)
        assert answer.headers["Flex-Ready-Findings"] == "[]", answer.data
        assert answer.headers["Flex-Ready-Upstream-Status"] == str(answer.status)
        return answer


@pytest.mark.parametrize("who", ["right", "lenient", "user"])
async def test_everything_that_the_operator_asks(called: Called, who: str) -> None:
    """From the list of buildings to the report; the same bytes as without the emulator between them."""
    async with served() as world:
        base = str(called.client.make_url(PREFIX))
        operator = Operator(world, await world.annex_1("OPERATOR", base), called.tokens[who])
        name = called.desk().bacs.id
        for path in ("/bacs", f"/bacs/{name}", f"/bacs/{name}/assets", *map(called.asset, ("", "flexibilities"))):
            found = await operator.call("GET", path)
            assert (found.status, found.data) == (200, (await called.get(path, called.tokens[who])).data)
            again = await operator.call("GET", path, **{"If-None-Match": found.headers["ETag"]})
            assert (again.status, again.data) == (304, b"")
        assert (await operator.call("GET", "/status")).json["now"]
        offer = await operator.call("POST", called.asset(REQUESTS), asked())
        path = called.asset(f"{REQUESTS}/req-001")
        assert (offer.status, offer.json["state"], offer.headers["Location"]) == (201, "offered", PREFIX + path)
        assert (await operator.call("POST", called.asset(REQUESTS), asked())).headers["Idempotency-Replayed"] == "true"
        order = {one: asked()[one] for one in ("flexProduct", "power")}
        assert (await operator.call("POST", f"{path}/confirm", order)).json["state"] == "scheduled"
        assert (await operator.call("GET", path)).json["state"] == "scheduled"
        assert (await operator.call("GET", f"{path}/consumptions")).json["consumptions"] == []
        for query in ("", "/aggregated?aggregation=max", "?step=PT15M"):
            assert (await operator.call("GET", called.asset(f"consumptions{query}"))).status == 200
        assert (await operator.call("DELETE", path)).status == 204
        assert (await operator.call("POST", f"{path}/cancel")).json["state"] == "cancelled"
        report = await world.post(f"/sessions/{operator.session.split('/')[3]}/reports", world.user)
        assert "failed" not in text(report.data).partition("Journal")[2].lower()


async def test_what_the_operator_may_not(called: Called) -> None:
    """Refusals come through with their problem and their challenge; what needs time says when to ask again."""
    async with served() as world:
        session = await world.annex_1("OPERATOR", str(called.client.make_url(PREFIX)))
        for who, status in (("stranger", 403), ("guest", 403), ("elsewhere", 404), ("other", 404), ("right", 401)):
            token = called.tokens[who]
            operator = Operator(world, session, token[:-9] if status == 401 else token)
            answer = await operator.call("POST", called.asset(REQUESTS), asked())
            assert (answer.status, answer.kind) == (status, "application/problem+json"), (who, answer.data)
            assert ("WWW-Authenticate" in answer.headers) == (status < 404)
        asking = Operator(world, session, called.tokens["asking"])
        later = await asking.call("POST", called.asset(REQUESTS), asked("later"))
        assert (later.status, later.json["state"]) == (202, "received")
        assert int(later.headers["Retry-After"]) > 0
        naive = json.loads(json.dumps(asked("naive")).replace("+00:00", "")) | {"flexProduct": PRODUCT}
        refused = await Operator(world, session, called.tokens["right"]).call("POST", called.asset(REQUESTS), naive)
        assert refused.status == 422
        assert {error["pointer"] for error in refused.json["errors"]} == {"/power/0/start", "/power/0/end"}
