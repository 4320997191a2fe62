"""Asking an identity provider over HTTP, with bounds on time and size, and no redirects."""

from __future__ import annotations

import asyncio
import json
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2

from keywright.core.errors import SignOnUnavailable
from keywright.ops.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 5.0
"""How long the provider has for one answer, from the first byte sent to the last one read."""
MAX_BYTES = 1024 * 1024
"""The longest answer that is read."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

log = get_logger("keywright.sign_on")


class Fetcher:
    """Sends requests to a provider and gives the JSON objects that it answers.

    Each failure is logged with its reason, which never holds anything that was sent or answered.
    """

    def __init__(self, issuer: str, *, seconds: float = SECONDS, max_bytes: int = MAX_BYTES) -> None:
        # On this machine the provider is reached without a proxy, whatever the environment says.
        self._through_proxy = urlsplit(issuer).hostname not in _LOOPBACK
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._opened: httpx2.AsyncClient | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        if self._opened is not None:
            await self._opened.aclose()

    async def get(self, what: str, url: str) -> dict[str, Any]:
        """A document, named `what` in the log. Raises `SignOnUnavailable`."""
        status, answer = await self._answer(what, "GET", url)
        if status != 200:
            raise unavailable(what, f"status {status}")
        return answer

    async def post(
        self, what: str, url: str, form: Mapping[str, str], auth: tuple[str, str] | None
    ) -> tuple[int, dict[str, Any]]:
        """Send a form, and give the status and the answer, also that of a refusal. Raises `SignOnUnavailable`."""
        return await self._answer(what, "POST", url, form, auth)

    async def _answer(
        self,
        what: str,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        try:
            async with asyncio.timeout(self._seconds):
                status, body = await self._sent(what, method, url, form, auth)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            raise unavailable(what, type(error).__name__) from None
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise unavailable(what, f"no JSON, status {status}") from None
        if not isinstance(answer, dict):
            raise unavailable(what, "no JSON object")
        return status, answer

    async def _sent(
        self,
        what: str,
        method: str,
        url: str,
        form: Mapping[str, str] | None,
        auth: tuple[str, str] | None,
    ) -> tuple[int, bytes]:
        body = bytearray()
        async with self._client().stream(method, url, data=form, auth=auth) as response:
            if response.is_redirect:
                raise unavailable(what, "a redirect")
            # What was not asked for is not unpacked: a small answer can be large inside.
            if response.headers.get("content-encoding", "identity") != "identity":
                raise unavailable(what, "a content encoding")
            async for part in response.aiter_raw():
                body += part
                if len(body) > self._max_bytes:
                    raise unavailable(what, "too large")
            return response.status_code, bytes(body)

    def _client(self) -> httpx2.AsyncClient:
        """The connections; opened late, since certificates take long to load."""
        if self._opened is None:
            self._opened = httpx2.AsyncClient(
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                # The requests of many people go this way; none of them is to be known by another's cookies.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                timeout=self._seconds,
                follow_redirects=False,
                trust_env=self._through_proxy,
            )
        return self._opened


def unavailable(what: str, reason: str) -> SignOnUnavailable:
    """Log why the provider is of no use now, and give the error that tells the caller so."""
    log.warning("identity_provider_unavailable", what=what, reason=reason)
    return SignOnUnavailable("The identity provider cannot be reached, or does not answer as it should.")
