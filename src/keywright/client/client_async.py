"""The client whose answers are awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.client.both import Calls, verification, verifications, wire_of
from keywright.client.calls import Awaiting
from keywright.client.sender_async import AsyncSender
from keywright.client.wire import TRIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Self, Unpack

    from keywright.client.both import Question
    from keywright.client.values import Token
    from keywright.client.verdict import Verdict


class AsyncClient(Calls[Awaiting]):
    """One server, as seen by one caller; good for many calls at once, in one event loop.

    `url` is the address of a server or an agent, also as `unix:` and the path of a socket; `tenant` is the slug of the
    tenant that calls are for, where the credential does not say it, and `timeout` the seconds that one answer may take.
    What may be sent twice is tried up to `tries` times while the server cannot be reached. Nothing is sent before the
    first call. Raises ValueError for an address, a token or a tenant that can be none.
    """

    def __init__(
        self,
        url: str,
        token: Token | str | None = None,
        tenant: str | None = None,
        timeout: float = 10.0,
        *,
        tries: int = TRIES,
        user_agent: str | None = None,
    ) -> None:
        wire = wire_of(url, token, tenant, timeout, tries, user_agent)
        self._sending = AsyncSender(wire)
        super().__init__(wire, self._sending)

    def within(self, tenant: str) -> AsyncClient:
        """A client for the same server, with the same credential, whose calls are for this tenant."""
        wire = self._wire
        return AsyncClient(
            self.url, wire.token, tenant, wire.timeout, tries=wire.tries, user_agent=wire.user_agent
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._sending.close()

    async def verify(self, token: Token | str | None = None, **question: Unpack[Question]) -> Verdict:
        """Ask whether a token is valid, and may do what the question names.

        Give either the token or its `token_hash`. A verdict is never an error, and its code is STALE when the server
        cannot know.
        """
        return await self._sending.send(verification(self, token, question))

    async def verify_batch(self, items: Iterable[Mapping[str, Any]]) -> list[Verdict]:
        """Ask up to 1,000 questions at once; each has the parts of `verify`, and the verdicts keep their order."""
        return await self._sending.send(verifications(self, items))
