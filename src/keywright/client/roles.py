"""Roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from keywright.client.resources import Resource, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Unpack

    from keywright.client.values import Json, Page

_PATH = "/v1/roles"


class RoleFields(TypedDict, total=False):
    """What may be said of a role beside its name; as in the REST API."""

    description: str
    variables: Mapping[str, Mapping[str, Any]]
    policies: Sequence[Mapping[str, Any]]


class Roles(Resource):
    """Roles: the built-in ones, and those that the tenant defines."""

    def create(self, name: str, *, idempotency_key: str | None = None, **fields: Unpack[RoleFields]) -> Json:
        """Define a role."""
        return self._create(_PATH, {**fields, "name": name}, idempotency_key)

    def page(self) -> Page:
        """All roles that can be held there; there is no further page."""
        return self._page(_PATH, {})

    def list(self) -> Iterator[Json]:
        """Go through all roles that can be held there."""
        return self._each(_PATH, {})

    def get(self, name: str) -> Json:
        """One role."""
        return self._transport().send("GET", path_of(_PATH, name), retry=True)

    def update(self, name: str, *, wait: bool = True, **changes: Unpack[RoleFields]) -> Json:
        """Change a role, and give it as it is then, with the `receipt`."""
        return self._change(path_of(_PATH, name), changes, wait=wait)

    def delete(self, name: str) -> None:
        """Delete a role that nobody holds."""
        self._transport().send("DELETE", path_of(_PATH, name))
