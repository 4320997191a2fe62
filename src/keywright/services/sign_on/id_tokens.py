"""ID tokens: which are accepted, after OpenID Connect Core 1.0, section 3.1.3.7."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from joserfc.jwt import JWTClaimsRegistry

from keywright.core.sign_on import MAX_SUBJECT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from joserfc._rfc7515.model import CompactSignature, JWSAlgModel

    PublicKey = RSAKey | ECKey | OKPKey

LEEWAY: Final = 60
"""Seconds by which the provider's clock may be apart from ours."""
MAX_KEYS: Final = 100
_KEY_TYPES: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""The algorithms that are accepted, and what kind of key each needs: none that knows a shared secret."""
_SIZE: Final = 342  # characters of base64url in a modulus of 2048 bits
# The hash of `at_hash` is that of the signature: for Ed25519 that is SHA-512.
_HASHES: Final = {"EdDSA": hashlib.sha512}
_MALFORMED: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


class TokenRefused(Exception):
    """An ID token that is not accepted; the text says why, in words for a log."""


class KeyUnknown(TokenRefused):
    """No key of the provider that is known here has signed the token; it may have a new one."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys with which a provider signs."""

    keys: tuple[PublicKey, ...]

    @classmethod
    def read(cls, listed: Sequence[object]) -> KeySet:
        """The keys of a JSON Web Key Set that can be used here; the others are passed over, as RFC 7517 asks."""
        found = (_key(one) for one in listed[:MAX_KEYS])
        return cls(tuple(one for one in found if one is not None))

    def candidates(self, algorithm: str, key_id: str | None) -> list[PublicKey]:
        """The keys that may have signed with this algorithm under this id, or without one."""
        return [
            one
            for one in self.keys
            if one.key_type == _KEY_TYPES[algorithm]
            and one.get("alg", algorithm) == algorithm
            and (key_id is None or one.kid == key_id)
        ]


def _key(plain: object) -> PublicKey | None:
    if not isinstance(plain, dict) or plain.get("use", "sig") != "sig":
        return None
    if plain.get("kty") == "RSA" and len(str(plain.get("n"))) < _SIZE:
        return None
    if plain.get("kty") == "OKP" and plain.get("crv") != "Ed25519":
        return None
    try:
        key = import_key(plain)
    except _MALFORMED:
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None


class _Registry(jws.JWSRegistry):
    """The algorithms of `_KEY_TYPES` alone; header parameters that are not known here are passed over."""

    max_header_length = 8_192

    def get_alg(self, name: str) -> JWSAlgModel:
        """The algorithm of this name. The library would warn of EdDSA's name, by which providers know it."""
        if name not in _KEY_TYPES:
            raise TokenRefused("its algorithm is not accepted")
        return self.algorithms[name]


_REGISTRY: Final = _Registry(strict_check_header=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an ID token must say; `now` is in seconds since the epoch."""

    issuer: str
    client_id: str
    nonce: str
    now: int


def accepted(token: str, access_token: object, keys: KeySet, expected: Expected) -> dict[str, Any]:
    """The claims of an ID token that proves who somebody is. Raises `TokenRefused`, with `KeyUnknown` first.

    `access_token` is what came with it, which the token's `at_hash` vouches for where there is one.
    """
    try:
        signed = jws.extract_compact(token.encode(), registry=_REGISTRY)
        algorithm, key_id = signed.headers()["alg"], signed.headers().get("kid")
        _REGISTRY.check_header(signed.headers())
    except _MALFORMED:
        raise TokenRefused("it is malformed") from None
    _REGISTRY.get_alg(algorithm)
    if not any(_signed_by(signed, one) for one in keys.candidates(algorithm, key_id)):
        raise KeyUnknown("its signature is of no key of the provider")
    try:
        claims = json.loads(signed.payload or b"")
    except (ValueError, RecursionError):
        raise TokenRefused("it is malformed") from None
    if not isinstance(claims, dict):
        raise TokenRefused("it is malformed")
    _check(claims, expected)
    _check_access_token(claims, access_token, algorithm)
    return claims


def _signed_by(signed: CompactSignature, key: PublicKey) -> bool:
    try:
        return jws.validate_compact(signed, key, registry=_REGISTRY)
    except _MALFORMED:
        return False  # a key of the right type that the algorithm cannot use, such as of another curve


def _check(claims: Mapping[str, Any], expected: Expected) -> None:
    registry = JWTClaimsRegistry(
        now=expected.now,
        leeway=LEEWAY,
        iss={"essential": True},
        sub={"essential": True},
        aud={"essential": True, "value": expected.client_id},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        registry.validate(dict(claims))
    except JoseError as error:
        # The library names the claim in its text, and never the claim's value.
        raise TokenRefused(error.description) from None
    if claims["iss"] != expected.issuer:
        raise TokenRefused("it is of another issuer")
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    party = claims.get("azp", expected.client_id if len(audiences) == 1 else None)
    if party != expected.client_id:
        raise TokenRefused("it was made for another client")
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not _same(nonce, expected.nonce):
        raise TokenRefused("it belongs to another sign-on")
    if not claims["sub"].isprintable() or len(claims["sub"]) > MAX_SUBJECT:
        raise TokenRefused("its subject is too long, or not text")


def _check_access_token(claims: Mapping[str, Any], access_token: object, algorithm: str) -> None:
    stated = claims.get("at_hash")
    if stated is None:
        return
    if not isinstance(stated, str) or not isinstance(access_token, str):
        raise TokenRefused("its access token is missing")
    whole = _HASHES.get(algorithm, hashlib.sha256)(access_token.encode("utf-8", "surrogatepass")).digest()
    half = base64.urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=").decode()
    if not _same(stated, half):
        raise TokenRefused("its access token is another one")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode())
