"""The OpenAPI 3.1 document of the API, made from the native dialect, so that it is true of it."""

from functools import cache
from typing import Any

from ..flexibility.dialects import NATIVE, Dialect
from ..flexibility.model import Aggregation, Direction, Quality
from ..flexibility.record import State
from ..flexibility.rules import MOST_SLOTS
from ..quantity import MULTIPLIERS
from .answers import dumps
from .query import STEPS

type Document = dict[str, Any]  # JSON

_TEXT = {"type": "string"}
_ID = {"type": "string", "pattern": r"^[A-Za-z0-9._:~-]{1,128}$"}
_STAMP = {
    "type": "string",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})$",
}
_DURATION = {"type": "string", "pattern": r"^PT[0-9]+[MS]$"}
_COUNT = {"type": "integer", "minimum": 0}
_PRICES = ("€/kWh", "€/MWh", "€/Wh", "EUR/kWh", "EUR/MWh", "EUR/Wh")
_REFUSALS = {
    400: "It cannot be read; in plain text where Home Assistant's own filter of addresses says so",
    401: "No token, or one that is refused",
    403: "A good token, of nobody who may",
    404: "There is nothing, or nothing of the caller's",
    406: "The answer is JSON",
    409: "Something else is in the way: another request, a state, an offer that has expired",
    413: "The body is too big",
    415: "The body is not JSON",
    422: "It can be read, and cannot be",
    429: "Too many calls",
    503: "Not now",
}
_UNREAD = 400
_ALWAYS = (400, 401, 403, 404, 406, 413, 429, 503)
_SAID = (409, 415, 422)


@cache
def served_document() -> bytes:
    """Return the document as it is served."""
    return dumps(document(NATIVE))


def document(dialect: Dialect) -> Document:
    """Describe the API in a strict dialect."""
    schemas = _Schemas(dialect).all()
    paths = dialect.paths
    assets, asset = paths["assets"], f"{paths['assets']}/{{asset_id}}"
    curve, request = paths["consumptions"], paths["request"]
    several = {name: _array(_ref(name)) for name in ("Bacs", "Asset", "Flexibility")}
    asked = _body("Request")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Flex Ready BACS",
            "version": "1",
            "description": "Flexibility of buildings, as Flex Ready (Annex 1) has it; what the annex leaves open is "
            f"ours. Written in the dialect {dialect.name}.",
        },
        "servers": [{"url": "/api/flex_ready/v1"}],
        "security": [{"bearer": []}],
        "paths": {
            "/status": {"get": _get("getStatus", "The clock", "/status", _ref("Status"))},
            paths["bacs"]: {"get": _get("getBacs", "The buildings", paths["bacs"], several["Bacs"])},
            f"{paths['bacs']}/{{bacs_id}}": {"get": _get("getOneBacs", "A building", assets, _ref("Bacs"))},
            assets: {"get": _get("getAssets", "Its assets", assets, several["Asset"])},
            asset: {"get": _get("getAsset", "An asset", asset, _ref("Asset"))},
            paths["flexibilities"]: {
                "get": _get(
                    "getFlexibilities",
                    "What an asset can give, by product",
                    asset,
                    several["Flexibility"],
                    [_query("flexProduct", _TEXT), _query("start", _STAMP), _query("end", _STAMP)],
                )
            },
            paths["create"]: {
                "post": _operation(
                    "createFlexRequest",
                    "Ask for flexibility; the same again is answered as before",
                    asset,
                    {
                        "201": _json("Offered, or declined", _ref("State"), "Location", "Idempotency-Replayed"),
                        "202": _json("The user is asked", _ref("State"), "Location", "Retry-After"),
                    },
                    _SAID,
                    asked,
                )
            },
            request: {
                "get": _get("getRequest", "A request as it stands", request, _ref("State")),
                "delete": _operation(
                    "cancelFlexRequest", "Withdraw it", request, {"204": {"description": "Withdrawn"}}, (409,)
                ),
            },
            f"{request}/cancel": {
                "post": _operation(
                    "cancelByPost", "Withdraw it", request, {"200": _json("Withdrawn", _ref("State"))}, (409,)
                )
            },
            paths["confirm"]: {
                "post": _operation(
                    "confirmFlexRequest",
                    "Order what was offered; the same again is answered with how it stands",
                    request,
                    {"200": _json("Ordered", _ref("State"), "Idempotency-Replayed")},
                    _SAID,
                    _body("Confirmation"),
                )
            },
            paths["realize"]: {
                "get": _get("realizeFlexRequest", "What was drawn in its time, so far", request, _ref("Realised"))
            },
            curve: {"get": _get("getAssetConsumptions", "What was drawn", asset, _ref("Consumption"), _period())},
            f"{curve}/aggregated": {
                "get": _get("getAssetConsumptionsAggregated", "Added up", asset, _ref("Consumption"), _period())
            },
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token of the operator's identity provider, or of its user here",
                }
            },
        },
    }


class _Schemas:
    """The schemas, under the first keys of a dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._keys = dialect.keys

    def all(self) -> Document:
        """Return them by name."""
        span = {"start": _STAMP, "end": _STAMP}
        power, energy, price = _written("W"), _written("Wh"), _written("€/MWh")
        asked = _array(self._object({"power": _read("W"), **span}), minItems=1, maxItems=MOST_SLOTS)
        direction = {"enum": list(Direction)}
        powers = _array(self._object({"power": power, **span}))
        potential = self._object(
            {"power": power, "direction": direction, "mobilization_delay": _DURATION},
            {
                "max_duration": _DURATION,
                "activations_per_day": _COUNT,
                "time_periods": _array(self._object(span)),
                "recovery": _DURATION,
                "gaps": {"const": True},
            },
        )
        flexibility = {"flex_product": _ID, "potential": potential}
        consumed = self._object(
            {**span, "quality": {"enum": list(Quality)}}, {"power": power, "energy": energy, "baseline": power}
        )
        consumption: Document = {"consumptions": _array(consumed)}
        state = {"enum": list(State)}
        return {
            "Status": _closed(
                {
                    "now": _STAMP,
                    "version": _TEXT,
                    "meters": _array(_closed({"bacsID": _TEXT, "clockDrift": {"type": "number"}})),
                }
            ),
            "Bacs": self._object({"id": _TEXT, "name": _TEXT, "description": _TEXT}),
            "Asset": self._object(
                {"asset_id": _ID, "bacs_id": _TEXT},
                {"parent": _ID, **flexibility, "flexibilities": _array(self._object(flexibility))},
            ),
            "Flexibility": self._object(flexibility),
            "Request": self._object({"request_id": _ID, "flex_product": _ID, "direction": direction, "power": asked}),
            "Confirmation": self._object(
                {"flex_product": _ID, "power": asked}, {"ack_price": {"anyOf": [_read(*_PRICES), {"type": "null"}]}}
            ),
            "State": self._object(
                {
                    "request_id": _ID,
                    "flex_product": _ID,
                    "direction": direction,
                    "power": powers,
                    "state": state,
                    "revision": _COUNT,
                },
                {"price": price, "expires_at": _STAMP, "mobilization_delay": _DURATION, "reason": _TEXT},
            ),
            "Realised": self._object({"request_id": _ID, "state": state, **consumption}),
            "Consumption": self._object(consumption, {"aggregation": {"enum": list(Aggregation)}}),
            "Problem": self._problem(),
        }

    def _problem(self) -> Document:
        finding = _closed({"pointer": _TEXT, "code": _TEXT, "detail": _TEXT})
        told = {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT, "code": _TEXT}
        more = {self._keys["request_id"][0]: _ID, self._keys["state"][0]: {"enum": list(State)}}
        return _closed({**told, "instance": _TEXT}, {"errors": _array(finding), **more})

    def _object(self, required: Document, optional: Document | None = None) -> Document:
        return _closed(self._named(required), self._named(optional or {}))

    def _named(self, members: Document) -> Document:
        return {self._keys[name][0]: schema for name, schema in members.items()}


def _closed(required: Document, optional: Document | None = None) -> Document:
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": required | (optional or {}),
    }


def _array(items: Document, **more: int) -> Document:
    return {"type": "array", "items": items, **more}


def _read(*units: str) -> Document:
    """Describe a quantity that may be sent."""
    return {
        "type": "object",
        "required": ["unit", "value"],
        "properties": {
            "unit": {"enum": list(units)},
            "multiplier": {"enum": [*MULTIPLIERS, None]},
            "value": {"type": "number"},
        },
    }


def _written(unit: str) -> Document:
    """Describe a quantity as it is answered."""
    return _closed({"unit": {"const": unit}, "multiplier": {"enum": ["none", "k"]}, "value": {"type": "number"}})


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: Document, *headers: str) -> Document:
    told = {"headers": {name: {"schema": _TEXT} for name in headers}} if headers else {}
    return {"description": description, "content": {"application/json": {"schema": schema}}, **told}


def _body(name: str) -> Document:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _ref(name)}}}}


def _query(name: str, schema: Document) -> Document:
    return {"name": name, "in": "query", "schema": schema}


def _period() -> list[Document]:
    words = (("step", list(STEPS)), ("aggregation", list(Aggregation)))
    return [
        _query("start", _STAMP),
        _query("end", _STAMP),
        *(_query(name, {"enum": values}) for name, values in words),
    ]


def _get(name: str, summary: str, path: str, schema: Document, queries: list[Document] | None = None) -> Document:
    same = {"304": {"description": "As the caller has it"}}
    refusals = (422,) if queries else ()
    return _operation(
        name, summary, path, {"200": _json(summary, schema, "ETag"), **same}, refusals, {"queries": queries or []}
    )


def _operation(
    name: str,
    summary: str,
    path: str,
    answers: Document,
    refusals: tuple[int, ...] = (),
    more: Document | None = None,
) -> Document:
    problem: Document = {"application/problem+json": {"schema": _ref("Problem")}}
    plain: Document = {"text/plain": {"schema": _TEXT}}
    given = dict(more or {})
    parameters = [
        {"name": one, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for one in ("bacs_id", "asset_id", "request_id")
        if f"{{{one}}}" in path
    ]
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [*parameters, *given.pop("queries", [])],
        **given,
        "responses": {
            **answers,
            **{
                str(code): {"description": _REFUSALS[code], "content": problem | (plain if code == _UNREAD else {})}
                for code in sorted({*_ALWAYS, *refusals})
            },
        },
    }
