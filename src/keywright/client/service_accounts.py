"""Service accounts: identities for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from keywright.client.calls import Call, Listing, S, call, listing
from keywright.client.resources import Resource, path_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from keywright.client.values import Json, Page

_PATH = "/v1/service-accounts"


class ServiceAccountFields(TypedDict, total=False):
    """What may be said of a new service account beside its name; as in the REST API."""

    description: str
    memberships: Sequence[Mapping[str, Any]]
    limits: Sequence[Mapping[str, Any]]


class ServiceAccountFilters(TypedDict, total=False):
    """Which service accounts to list, as in the REST API."""

    search: str | None
    limit: int | None
    cursor: str | None


class ServiceAccountChanges(TypedDict, total=False):
    """What may be changed of a service account; what is not given stays."""

    name: str
    description: str
    active: bool
    limits: Sequence[Mapping[str, Any]]


class ServiceAccounts(Resource[S]):
    """Service accounts of a tenant."""

    @call
    def create(
        self, name: str, *, idempotency_key: str | None = None, **fields: Unpack[ServiceAccountFields]
    ) -> Call[Json]:
        """Make a service account with roles: each `{"role": …, "variables": {…}}`."""
        return self._create(_PATH, {**fields, "name": name}, idempotency_key)

    @call
    def page(self, **filters: Unpack[ServiceAccountFilters]) -> Call[Page]:
        """One page of a list."""
        return self._page(_PATH, filters)

    @listing
    def list(self, **filters: Unpack[ServiceAccountFilters]) -> Listing:
        """Go through all service accounts; pages are asked for as they are needed."""
        return self._each(_PATH, filters)

    @call
    def get(self, account_id: str) -> Call[Json]:
        """One service account."""
        return Call("GET", path_of(_PATH, account_id), retry=True)

    @call
    def update(
        self, account_id: str, *, wait: bool = True, **changes: Unpack[ServiceAccountChanges]
    ) -> Call[Json]:
        """Change a service account, and give it as it is then, with the `receipt`."""
        return self._change(path_of(_PATH, account_id), changes, wait=wait)

    @call
    def delete(self, account_id: str, *, wait: bool = True) -> Call[Json]:
        """Delete a service account for good, and its keys with it; gives the receipt."""
        return self._revoke("DELETE", path_of(_PATH, account_id), wait=wait)
