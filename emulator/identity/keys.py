"""The signing keys of the development issuer; they live as long as the program, and can be rotated."""

from joserfc.jwk import KeySet, RSAKey

_BITS = 2048


class SigningKeys:
    """The key that signs now; a rotated one is gone at once, as after a leak."""

    def __init__(self) -> None:
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self.current = RSAKey.generate_key(_BITS, {"use": "sig", "alg": "RS256"}, auto_kid=True)

    def public(self) -> KeySet:
        """Return what verifies."""
        return KeySet([RSAKey.import_key(self.current.as_dict(private=False))])

    def jwks(self) -> dict[str, object]:
        """Return what is published (RFC 7517)."""
        return {"keys": [self.current.as_dict(private=False)]}
