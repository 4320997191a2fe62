"""An identity provider, as Keywright knows it: its documents, its keys, and codes changed for claims."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode, urlsplit

from keywright.core.errors import SignOnFailed, SignOnUnavailable
from keywright.ops.logging import get_logger
from keywright.services.sign_on.fetching import Fetcher, unavailable
from keywright.services.sign_on.id_tokens import Expected, KeySet, KeyUnknown, TokenRefused, accepted
from keywright.settings.sign_on import is_safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.core.ports import Clock
    from keywright.core.sign_on import FlowSecrets

KEPT_SECONDS: Final = 3_600
"""How long the provider's documents are used before they are read anew."""
REFETCH_SECONDS: Final = 30
"""Time between two readings of the keys because of a token that none of them has signed."""
PAUSE_SECONDS: Final = 5
"""After a failure, how long the provider is left alone."""

log = get_logger("keywright.sign_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """What Keywright is to the provider; `client_secret` is None for a public client."""

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    scopes: str = "openid profile email"


@dataclass(frozen=True, slots=True)
class _Documents:
    """What the provider says of itself, and its keys; `read_at` is in seconds since the epoch."""

    authorization_endpoint: str
    token_endpoint: str
    auth_methods: frozenset[str]
    keys: KeySet
    read_at: int


class Provider:
    """One provider. Its documents are read when they are first needed, and kept for an hour."""

    def __init__(self, settings: ClientSettings, clock: Clock, fetcher: Fetcher | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._fetcher = fetcher or Fetcher(settings.issuer)
        self._reading = asyncio.Lock()
        self._documents: _Documents | None = None
        self._failed_at: int | None = None
        self._refetched_at: int | None = None

    @property
    def issuer(self) -> str:
        """Who vouches for the people."""
        return self._settings.issuer

    async def close(self) -> None:
        """Let go of the connections."""
        await self._fetcher.close()

    async def probe(self) -> None:
        """Raises `SignOnUnavailable` unless the provider's documents can be read and used."""
        await self._current()

    async def authorization_url(self, redirect_uri: str, secrets: FlowSecrets) -> str:
        """Where somebody logs in, and comes back from to `redirect_uri`. Raises `SignOnUnavailable`."""
        endpoint = (await self._current()).authorization_endpoint
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._settings.client_id,
                "redirect_uri": redirect_uri,
                "scope": self._settings.scopes,
                "state": secrets.state,
                "nonce": secrets.nonce,
                "code_challenge": secrets.challenge,
                "code_challenge_method": "S256",
            },
            quote_via=quote,
        )
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"

    async def claims(self, code: str, redirect_uri: str, secrets: FlowSecrets) -> Mapping[str, Any]:
        """Change a code for the claims of an ID token that proves who somebody is.

        Raises `SignOnFailed` and `SignOnUnavailable`.
        """
        documents = await self._current()
        answer = await self._exchange(documents, code, redirect_uri, secrets)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _refused("the answer holds no ID token")
        expected = Expected(
            issuer=self._settings.issuer,
            client_id=self._settings.client_id,
            nonce=secrets.nonce,
            now=self._now(),
        )
        try:
            try:
                return accepted(token, answer.get("access_token"), documents.keys, expected)
            except KeyUnknown:
                keys = await self._newer_keys(documents)
                return accepted(token, answer.get("access_token"), keys, expected)
        except TokenRefused as refused:
            raise _refused(str(refused)) from None

    async def _exchange(
        self, documents: _Documents, code: str, redirect_uri: str, secrets: FlowSecrets
    ) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": secrets.verifier,
        }
        client_id, secret = self._settings.client_id, self._settings.client_secret
        auth = None
        if secret is None:
            form["client_id"] = client_id
        elif "client_secret_basic" in documents.auth_methods:
            # RFC 6749, section 2.3.1: both are written as in a form before they are put together.
            auth = (quote(client_id, safe=""), quote(secret, safe=""))
        elif "client_secret_post" in documents.auth_methods:
            form |= {"client_id": client_id, "client_secret": secret}
        else:
            raise unavailable("token", "no way to authenticate that is known here")
        status, answer = await self._fetcher.post("token", documents.token_endpoint, form, auth)
        if status == 200:
            return answer
        if answer.get("error") == "invalid_grant":
            raise _refused("the provider does not accept the code")
        raise unavailable("token", f"status {status}")

    async def _current(self) -> _Documents:
        """The documents, read anew where they are old."""
        async with self._reading:
            kept = self._documents
            if kept is None or self._now() - kept.read_at >= KEPT_SECONDS:
                kept = self._documents = await self._read_carefully()
            return kept

    async def _newer_keys(self, seen: _Documents) -> KeySet:
        """Keys that may be newer than those that were seen. They are read at most every 30 seconds."""
        async with self._reading:
            kept = self._documents
            if kept is not seen and kept is not None:
                return kept.keys
            if self._refetched_at is not None and self._now() - self._refetched_at < REFETCH_SECONDS:
                return seen.keys
            self._refetched_at = self._now()
            kept = self._documents = await self._read_carefully()
            return kept.keys

    async def _read_carefully(self) -> _Documents:
        """Read the documents, unless that failed a moment ago."""
        if self._failed_at is not None and self._now() - self._failed_at < PAUSE_SECONDS:
            raise unavailable("discovery", "it failed a moment ago")
        try:
            documents = await self._read()
        except SignOnUnavailable:
            self._failed_at = self._now()
            raise
        self._failed_at = None
        return documents

    async def _read(self) -> _Documents:
        issuer = self._settings.issuer
        found = await self._fetcher.get(
            "discovery", f"{issuer.removesuffix('/')}/.well-known/openid-configuration"
        )
        if found.get("issuer") != issuer:
            raise unavailable("discovery", "it names another issuer")
        authorization, token, jwks = (
            self._endpoint(found, name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        )
        methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if not isinstance(methods, list):
            raise unavailable("discovery", "its ways to authenticate are no list")
        listed = (await self._fetcher.get("keys", jwks)).get("keys")
        if not isinstance(listed, list):
            raise unavailable("keys", "there is no list of keys")
        known = frozenset(one for one in methods if isinstance(one, str))
        return _Documents(authorization, token, known, KeySet.read(listed), self._now())

    def _endpoint(self, found: Mapping[str, Any], name: str) -> str:
        url = found.get(name)
        if not isinstance(url, str) or not may_ask(url, self._settings.issuer):
            raise unavailable("discovery", f"its {name} is missing or unsafe")
        return url

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def may_ask(url: str, issuer: str) -> bool:
    """Whether an address that a provider names is as safe as the provider's own."""
    return is_safe(url) and urlsplit(url).scheme in ("https", urlsplit(issuer).scheme)


def _refused(reason: str) -> SignOnFailed:
    log.warning("sign_on_refused", reason=reason)
    return SignOnFailed("The identity provider's answer does not prove who you are. Begin anew.")
