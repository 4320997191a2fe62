"""Tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from keywright.client.calls import Call, Listing, S, call, listing
from keywright.client.resources import Resource, path_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from keywright.client.values import Json, Page

_PATH = "/v1/tenants"


class TenantChanges(TypedDict, total=False):
    """What may be changed of a tenant; what is not given stays, within `settings` too."""

    slug: str
    name: str
    active: bool
    settings: Mapping[str, Any]


class Tenants(Resource[S]):
    """Tenants."""

    @call
    def create(
        self, slug: str, name: str | None = None, *, idempotency_key: str | None = None, wait: bool = True
    ) -> Call[Json]:
        """Make a tenant; its name is the slug unless another is given."""
        return self._create(_PATH, {"slug": slug, "name": name}, idempotency_key, wait=wait)

    @call
    def page(self, *, limit: int | None = None, cursor: str | None = None) -> Call[Page]:
        """One page of the list of tenants that the caller may see."""
        return self._page(_PATH, {"limit": limit, "cursor": cursor})

    @listing
    def list(self, *, limit: int | None = None) -> Listing:
        """Go through all tenants that the caller may see; pages are asked for as they are needed."""
        return self._each(_PATH, {"limit": limit})

    @call
    def get(self, slug: str) -> Call[Json]:
        """One tenant."""
        return Call("GET", path_of(_PATH, slug), retry=True)

    @call
    def update(self, slug: str, /, *, wait: bool = True, **changes: Unpack[TenantChanges]) -> Call[Json]:
        """Change a tenant, whichever tenant the client's calls are for; as it is then, with the `receipt`."""
        return self._change(path_of(_PATH, slug), changes, wait=wait, no_tenant=True)

    @call
    def delete(self, slug: str, *, force: bool = False, wait: bool = True) -> Call[Json]:
        """Delete a tenant for good, and with `force` its keys too, whichever tenant the client's calls are for.

        Gives the receipt.
        """
        query = {"force": force}
        return self._revoke("DELETE", path_of(_PATH, slug), query=query, wait=wait, no_tenant=True)
