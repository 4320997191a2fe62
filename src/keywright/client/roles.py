"""Roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from keywright.client.calls import Call, Listing, S, call, listing, nothing
from keywright.client.resources import Resource, path_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from keywright.client.values import Json, Page

_PATH = "/v1/roles"


class RoleFields(TypedDict, total=False):
    """What may be said of a role beside its name; as in the REST API."""

    description: str
    variables: Mapping[str, Mapping[str, Any]]
    policies: Sequence[Mapping[str, Any]]


class Roles(Resource[S]):
    """Roles: the built-in ones, and those that the tenant defines."""

    @call
    def create(
        self, name: str, *, idempotency_key: str | None = None, **fields: Unpack[RoleFields]
    ) -> Call[Json]:
        """Define a role."""
        return self._create(_PATH, {**fields, "name": name}, idempotency_key)

    @call
    def page(self) -> Call[Page]:
        """All roles that can be held there; there is no further page."""
        return self._page(_PATH, {})

    @listing
    def list(self) -> Listing:
        """Go through all roles that can be held there."""
        return self._each(_PATH, {})

    @call
    def get(self, name: str) -> Call[Json]:
        """One role."""
        return Call("GET", path_of(_PATH, name), retry=True)

    @call
    def update(self, name: str, *, wait: bool = True, **changes: Unpack[RoleFields]) -> Call[Json]:
        """Change a role, and give it as it is then, with the `receipt`."""
        return self._change(path_of(_PATH, name), changes, wait=wait)

    @call
    def delete(self, name: str) -> Call[None]:
        """Delete a role that nobody holds."""
        return Call("DELETE", path_of(_PATH, name), nothing)
