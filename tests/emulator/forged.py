"""Tokens as forgers make them, and as an issuer that we wrote ourselves signs them."""

from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
import hmac
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc.jwk import RSAKey

type Signer = Callable[[bytes], bytes]


def b64(data: bytes) -> str:
    """Write base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(header: object, claims: object, sign: Signer) -> str:
    """Write a token with any header and any claims."""
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the claims of a token."""
    header, claims, _ = (urlsafe_b64decode(part + "==") for part in token.split("."))
    return json.loads(header), json.loads(claims)


def unsigned(_data: bytes) -> bytes:
    """Sign with nothing."""
    return b""


def hs256(secret: bytes) -> Signer:
    """Sign with a shared secret."""
    return lambda data: hmac.digest(secret, data, sha256)


def rs256(key: RSAKey) -> Signer:
    """Sign with a private key."""
    private = key.private_key
    assert isinstance(private, RSAPrivateKey)
    return lambda data: private.sign(data, PKCS1v15(), hashes.SHA256())


def claims(issuer: str, **others: object) -> dict[str, object]:
    """Return good claims for the emulator; None takes one away."""
    now = int(time.time())
    made = {"iss": issuer, "aud": "flex-ready-emulator", "sub": "somebody", "iat": now, "exp": now + 600} | others
    return {name: value for name, value in made.items() if value is not None}


def forgeries(good: str, public: Mapping[str, Any], lure: str) -> dict[str, str]:
    """Make of a good token what anybody can who knows the issuer's public key; `lure` is an address of his."""
    header, said = read(good)
    head, body, signature = good.split(".")
    key = RSAKey.import_key(dict(public))
    pem = key.as_pem(private=False)
    own = RSAKey.generate_key(2048, auto_kid=True)
    published = own.as_dict(private=False)
    admin = said | {"roles": ["admin"], "scope": "admin", "sub": "admin"}
    other_end = "A" if signature[0] != "A" else "B"
    jwk = json.dumps(public).encode()

    def made(sign: Signer, **changed: object) -> str:
        return compact(header | changed, admin, sign)

    return {
        "alg none": made(unsigned, alg="none"),
        "alg None": made(unsigned, alg="None"),
        "alg none, with the signature": f"{made(unsigned, alg='none')}{signature}",
        "no alg": compact({"typ": "JWT", "kid": header["kid"]}, admin, unsigned),
        "alg that is no text": made(unsigned, alg=["RS256"]),
        "HS256 with the PEM": made(hs256(pem), alg="HS256"),
        "HS256 with the PEM, stripped": made(hs256(pem.strip()), alg="HS256"),
        "HS256 with the JWK": made(hs256(jwk), alg="HS256"),
        "HS256 with the modulus": made(hs256(urlsafe_b64decode(public["n"] + "==")), alg="HS256"),
        "HS256 with the DER": made(hs256(b64decode(b"".join(pem.splitlines()[1:-1]))), alg="HS256"),
        "HS256 with nothing": made(hs256(b""), alg="HS256"),
        "a key of his, the kid of ours": made(rs256(own)),
        "a key of his, his kid": made(rs256(own), kid=own.kid),
        "a key of his, without kid": compact({"alg": "RS256", "typ": "JWT"}, admin, rs256(own)),
        "a key of his, in the header": made(rs256(own), kid=own.kid, jwk=published),
        "a key of his, in the header, the kid of ours": made(rs256(own), jwk=published),
        "a key of his, at his address": made(rs256(own), kid=own.kid, jku=lure, x5u=lure),
        "a kid that is a path": made(rs256(own), kid="../../../../dev/null"),
        "a kid that is no text": made(rs256(own), kid={"a": 1}),
        "a critical extension": made(rs256(own), crit=["exp"], exp=1),
        "other claims, the signature of ours": f"{head}.{b64(json.dumps(admin).encode())}.{signature}",
        "another header, the signature of ours": f"{b64(json.dumps(header | {'x': 1}).encode())}.{body}.{signature}",
        "a broken signature": f"{head}.{body}.{other_end}{signature[1:]}",
        "half a signature": f"{head}.{body}.{signature[: len(signature) // 2]}",
        "no signature": f"{head}.{body}.",
        "no third part": f"{head}.{body}",
        "five parts": f"{head}.{body}.{signature}.{head}.{body}",
        "something behind": f"{good}.x",
        "garbage": "garbage",
        "dots": "..",
        "no base64": "%%%.%%%.%%%",
        "no JSON": f"{b64(b'no')}.{body}.{signature}",
        "a header that is a list": f"{b64(b'[]')}.{body}.{signature}",
        "a header that is a number": f"{b64(b'1')}.{body}.{signature}",
        "a header without end": f"{b64(b'[' * 4500)}.{body}.{signature}",
        "a header with a depth": f"{b64(b'{"a":' + b'[' * 2400 + b']' * 2400 + b'}')}.{body}.{signature}",
        "too long": f"{head}.{body}.{signature * 60}",
        "with a letter of no alphabet": f"{head}.{body}é.{signature}",
        "an encrypted one": f"{b64(json.dumps({'alg': 'dir', 'enc': 'A256GCM'}).encode())}....",
    }
