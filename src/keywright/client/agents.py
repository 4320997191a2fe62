"""Agents: the programs that announced that they run with a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from keywright.client.calls import Call, Listing, S, call, listing, nothing
from keywright.client.resources import Resource, path_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from keywright.client.values import Json, Page

_PATH = "/v1/agents"


class AgentFilters(TypedDict, total=False):
    """Which agents to list, and how many a page; as in the REST API."""

    key_id: str | None
    limit: int | None
    cursor: str | None


class Agents(Resource[S]):
    """Agents of a tenant."""

    @call
    def register(
        self, kind: str, name: str, labels: Sequence[str] = (), *, version: str | None = None
    ) -> Call[Json]:
        """Announce this program, with the client's own key; `created` says whether it is a new agent.

        The request may be sent twice, since a program that announces itself again is the same agent.
        """
        body = {"kind": kind, "name": name, "labels": list(labels), "version": version}
        return Call("POST", _PATH, self._having("created"), body=body, retry=True)

    @call
    def seen(self, agent_id: str) -> Call[None]:
        """Say that an agent still runs."""
        return Call("POST", f"{path_of(_PATH, agent_id)}/seen", nothing, retry=True)

    @call
    def page(self, **filters: Unpack[AgentFilters]) -> Call[Page]:
        """One page of a list."""
        return self._page(_PATH, filters)

    @listing
    def list(self, **filters: Unpack[AgentFilters]) -> Listing:
        """Go through a whole list; further pages are asked for as they are needed."""
        return self._each(_PATH, filters)
