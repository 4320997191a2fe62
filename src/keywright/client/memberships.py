"""Memberships: who holds which role."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from keywright.client.calls import Call, Listing, S, call, listing
from keywright.client.resources import Resource, path_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from keywright.client.values import Json, Page

_PATH = "/v1/memberships"


class MembershipFilters(TypedDict, total=False):
    """Which memberships to list, and how many a page; as in the REST API."""

    identity_id: str | None
    role: str | None
    limit: int | None
    cursor: str | None


class Memberships(Resource[S]):
    """Memberships, of a tenant or, for a client whose tenant is `*`, over the whole installation."""

    @call
    def create(
        self,
        identity_id: str,
        role: str,
        variables: Mapping[str, Sequence[str]] | None = None,
        *,
        idempotency_key: str | None = None,
        wait: bool = True,
    ) -> Call[Json]:
        """Give an identity a role, with values for the role's variables."""
        body = {"identity_id": identity_id, "role": role, "variables": dict(variables or {})}
        return self._create(_PATH, body, idempotency_key, wait=wait)

    @call
    def page(self, **filters: Unpack[MembershipFilters]) -> Call[Page]:
        """One page of a list."""
        return self._page(_PATH, filters)

    @listing
    def list(self, **filters: Unpack[MembershipFilters]) -> Listing:
        """Go through a whole list; further pages are asked for as they are needed."""
        return self._each(_PATH, filters)

    @call
    def get(self, membership_id: str) -> Call[Json]:
        """One membership."""
        return Call("GET", path_of(_PATH, membership_id), retry=True)

    @call
    def update(
        self, membership_id: str, variables: Mapping[str, Sequence[str]], *, wait: bool = True
    ) -> Call[Json]:
        """Give the role's variables other values, all of them; the membership as it is then, with the `receipt`."""
        return self._change(path_of(_PATH, membership_id), {"variables": dict(variables)}, wait=wait)

    @call
    def delete(self, membership_id: str, *, wait: bool = True) -> Call[Json]:
        """Take a role away, and give the receipt."""
        return self._revoke("DELETE", path_of(_PATH, membership_id), wait=wait)
