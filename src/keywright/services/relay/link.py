"""The wire to a server: messages out, answers in, and what it means when none comes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec

from keywright.core.errors import (
    IllegalTransition,
    InvalidValue,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from keywright.services.relay import messages as m

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keywright.core.errors import KeywrightError

PATH: Final = "/v1/relay"
PATIENCE_SECONDS: Final = 2.0
MOST_CONNECTIONS: Final = 100
_OF_THE_LEASE: Final = (m.Register, m.Renew, m.Since, m.Acknowledge, m.Leave)
_AT_THE_END: Final = (m.Leave, m.Uses, m.GiveBackCredits)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SAID: Final[Mapping[int, type[KeywrightError]]] = {
    HTTPStatus.UNAUTHORIZED: Unauthenticated,
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.CONFLICT: IllegalTransition,
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidValue,
}

T = TypeVar("T")


class _Problem(msgspec.Struct):
    """What is read of problem details."""

    detail: str = ""


class Link:
    """Sends messages to one server as the holder of one key.

    `ask` raises `Unauthenticated` and `PermissionDenied` where the key is no good for that, `IllegalTransition` where
    the two do not fit together, `InvalidValue` as the server does, and `Unavailable` for whatever else keeps an answer
    from coming. Where `refused` is set, it is told of all of these but the last two, and they are `Unavailable` then
    like any other reason.
    """

    def __init__(self, url: str, token: str, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.refused: Callable[[KeywrightError], None] | None = None
        self._ending = False

        def connections() -> httpx2.AsyncClient:
            return httpx2.AsyncClient(
                base_url=url,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/json",
                    m.FORM_HEADER: m.FORM,
                },
                timeout=PATIENCE_SECONDS,
                limits=httpx2.Limits(
                    max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS
                ),
                follow_redirects=False,
                # A server on this machine is reached without a proxy, whatever the environment says.
                trust_env=urlsplit(url).hostname not in _LOOPBACK,
                transport=transport,
            )

        # Apart, so that a renewal never waits behind many look-ups for a connection.
        self._of_the_lease, self._others = connections(), connections()

    def end(self) -> None:
        """Say nothing from now on but what is said at the end: what was used, what was not spent, and goodbye."""
        self._ending = True

    async def ask(self, message: m.Message, answer: type[T], *, longer: float = 0.0) -> T:
        """Send a message, and read the answer as what it has to be; `longer` is what the server may take besides."""
        if self._ending and not isinstance(message, _AT_THE_END):
            raise Unavailable("The agent's key is no good any more.")
        body = msgspec.json.encode(message)
        http = self._of_the_lease if isinstance(message, _OF_THE_LEASE) else self._others
        try:
            answered = await http.post(PATH, content=body, timeout=PATIENCE_SECONDS + longer)
        except httpx2.HTTPError as error:
            raise Unavailable("The server cannot be reached.") from error
        if answered.status_code == HTTPStatus.OK:
            try:
                return msgspec.json.decode(answered.content, type=answer)
            except msgspec.DecodeError as error:
                raise Unavailable("What the server answers cannot be read.") from error
        refusal = _SAID.get(answered.status_code)
        if refusal is None:
            raise Unavailable(f"The server answers with status {answered.status_code}.")
        refused = refusal(_detail(answered.content))
        if self.refused is not None and not isinstance(refused, InvalidValue):
            self.refused(refused)
            raise Unavailable("The server does not serve this agent any more.") from refused
        raise refused

    async def close(self) -> None:
        """Let go of the connections."""
        await self._of_the_lease.aclose()
        await self._others.aclose()


def _detail(content: bytes) -> str:
    try:
        return msgspec.json.decode(content, type=_Problem).detail or "The server refuses this."
    except msgspec.DecodeError:
        return "The server refuses this."
