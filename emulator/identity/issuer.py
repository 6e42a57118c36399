"""The development issuer: OpenID Connect discovery, keys, client credentials, and a code for a person at a browser.

It is for this machine: its users are listed on its page, and choosing one is all the login there is.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from secrets import compare_digest, token_urlsafe
import time
from urllib.parse import unquote_plus

from aiohttp import BasicAuth, web
from joserfc import jwt
from yarl import URL

from ..serve.body import read_form
from ..serve.problem import ProblemError
from .keys import SigningKeys

LIFE_S = 3600
_CODE_LIFE_S = 120
_MOST_CODES = 1000


@dataclass(frozen=True, slots=True)
class Account:
    """A client, which is also a person at the browser."""

    identity: str
    secret: str
    roles: tuple[str, ...] = ()


def accounts(admin_role: str) -> dict[str, Account]:
    """Return who may log in: a user, and an administrator."""
    return {
        account.identity: account
        for account in (
            Account("emulator-user", "emulator-user-secret", ("user",)),
            Account("emulator-admin", "emulator-admin-secret", ("user", admin_role)),
        )
    }


@dataclass(frozen=True, slots=True)
class _Code:
    account: Account
    redirect_uri: str
    challenge: str | None
    until: float


class Issuer:
    """An identity provider under /oidc of the address that it is served at."""

    def __init__(self, audience: str, admin_role: str) -> None:
        self.base = ""
        self.keys = SigningKeys()
        self._audience = audience
        self._accounts = accounts(admin_role)
        self._codes: dict[str, _Code] = {}

    @property
    def name(self) -> str:
        """The issuer's identifier."""
        return f"{self.base}/oidc"

    def routes(self) -> list[web.RouteDef]:
        """Return what it serves."""
        return [
            web.get("/oidc/.well-known/openid-configuration", self.describe),
            web.get("/oidc/jwks", self.publish),
            web.post("/oidc/token", self.grant),
            web.get("/oidc/authorize", self.ask),
            web.post("/oidc/authorize", self.allow),
            web.post("/control/oidc/rotate", self.rotate),
        ]

    def description(self) -> dict[str, object]:
        """Return the discovery document (OpenID Connect Discovery 1.0)."""
        return {
            "issuer": self.name,
            "authorization_endpoint": f"{self.name}/authorize",
            "token_endpoint": f"{self.name}/token",
            "jwks_uri": f"{self.name}/jwks",
            "response_types_supported": ["code"],
            "grant_types_supported": ["client_credentials", "authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }

    def token(self, account: Account, life_s: int = LIFE_S) -> str:
        """Sign an access token (RFC 9068)."""
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self.name,
            "aud": self._audience,
            "sub": account.identity,
            "client_id": account.identity,
            "iat": now,
            "exp": now + life_s,
            "jti": token_urlsafe(12),
            "roles": list(account.roles),
        }
        key = self.keys.current
        return jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": key.kid}, claims, key)

    async def describe(self, _request: web.Request) -> web.Response:
        """Answer discovery."""
        return web.json_response(self.description())

    async def publish(self, _request: web.Request) -> web.Response:
        """Answer the public keys."""
        return web.json_response(self.keys.jwks())

    async def rotate(self, _request: web.Request) -> web.Response:
        """Take a new key; tokens of the old one are refused from now on."""
        self.keys.rotate()
        return web.json_response(self.keys.jwks())

    async def grant(self, request: web.Request) -> web.Response:
        """Answer the token endpoint (RFC 6749, 4.1.3 and 4.4)."""
        form = {key: value for key, value in (await read_form(request)).items() if isinstance(value, str)}
        match form.get("grant_type"):
            case "client_credentials":
                account = self._client(request, form)
            case "authorization_code":
                account = self._redeem(form)
            case _:
                return _oauth("unsupported_grant_type")
        if account is None:
            wrong = "invalid_client" if form.get("grant_type") == "client_credentials" else "invalid_grant"
            return _oauth(wrong, 401 if wrong == "invalid_client" else 400)
        answer = {"access_token": self.token(account), "token_type": "Bearer", "expires_in": LIFE_S}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    async def ask(self, request: web.Request) -> web.Response:
        """Show a page on which one chooses who to be."""
        query = request.query
        if not query.get("redirect_uri") or query.get("response_type") != "code":
            raise ProblemError(400, "malformed", "response_type=code and a redirect_uri are needed")
        kept = "".join(
            f'<input type="hidden" name="{name}" value="{escape(query.get(name, ""))}">'
            for name in ("redirect_uri", "state", "code_challenge")
        )
        buttons = "".join(f'<button name="user" value="{name}">{name}</button> ' for name in self._accounts)
        page = f"<!doctype html><title>Log in</title><h1>Who are you?</h1><form method=post>{kept}{buttons}</form>"
        return web.Response(text=page, content_type="text/html")

    async def allow(self, request: web.Request) -> web.StreamResponse:
        """Go back with a code to where the person came from."""
        form = await read_form(request)
        account, target = self._accounts.get(str(form.get("user"))), str(form.get("redirect_uri", ""))
        if account is None or not target.startswith(f"{self.base}/"):
            raise ProblemError(400, "malformed", "no such user, or a redirect_uri that is not of this emulator")
        code = token_urlsafe(24)
        if len(self._codes) >= _MOST_CODES:
            self._codes.clear()
        challenge = str(form.get("code_challenge", "")) or None
        self._codes[code] = _Code(account, target, challenge, time.monotonic() + _CODE_LIFE_S)
        raise web.HTTPSeeOther(str(URL(target).update_query(code=code, state=str(form.get("state", "")))))

    def exchange(self, code: str, redirect_uri: str) -> dict[str, object]:
        """Return tokens for a code that came back to ourselves; raise ProblemError."""
        account = self._redeem({"code": code, "redirect_uri": redirect_uri})
        if account is None:
            raise ProblemError(400, "invalid-grant", "the code is unknown, used, or too old")
        return {"access_token": self.token(account), "token_type": "Bearer", "expires_in": LIFE_S}

    def _client(self, request: web.Request, form: dict[str, str]) -> Account | None:
        identity, secret = form.get("client_id", ""), form.get("client_secret", "")
        if header := request.headers.get("Authorization"):
            try:
                basic = BasicAuth.decode(header, encoding="utf-8")
            except ValueError:
                return None
            identity, secret = unquote_plus(basic.login), unquote_plus(basic.password)
        account = self._accounts.get(identity)
        right = account is not None and compare_digest(account.secret.encode(), secret.encode())
        return account if right else None

    def _redeem(self, form: dict[str, str]) -> Account | None:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.until < time.monotonic() or code.redirect_uri != form.get("redirect_uri"):
            return None
        if code.challenge is not None:
            digest = sha256(form.get("code_verifier", "").encode()).digest()
            if urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
                return None
        return code.account


def _oauth(error: str, status: int = 400) -> web.Response:
    headers = {"Cache-Control": "no-store"} | ({"WWW-Authenticate": 'Basic realm="oidc"'} if status == 401 else {})
    return web.json_response({"error": error}, status=status, headers=headers)
