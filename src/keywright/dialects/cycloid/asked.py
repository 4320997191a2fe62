"""One request as the calls of this door see it, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keywright.core.errors import NotFound
from keywright.core.identities import is_slug
from keywright.dialects.cycloid.errors import invalid
from keywright.services.tenants import TenantSlug, get_tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keywright.core.identities import Tenant
    from keywright.dialects.cycloid.bodies import Paging
    from keywright.dialects.cycloid.mapping import Plain
    from keywright.services.callers import Caller
    from keywright.services.cursors import Listed
    from keywright.services.service import Services
    from keywright.services.work import UseCase
    from keywright.web.asking import Asking
    from keywright.web.visit import Visit

MAX_PAGES = 250
"""Pages of ours that a list here may be made from, of 200 each: its answer tells the number of all that match."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and how many entities match in all."""

    items: Sequence[Plain]
    paging: Paging
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request: its query in the order sent, what stands in its path, and its body, which is empty for many.

    `asking` runs use cases for the caller; calls that need no credential are given none, and use `services`.
    """

    services: Services
    visit: Visit
    asking: Asking | None = None
    path: Mapping[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: Plain = field(default_factory=dict, repr=False)
    token: str | None = field(default=None, repr=False)
    only: str | None = None
    """The one organization that is answered here, None for all."""

    @property
    def known(self) -> Asking:
        """What runs use cases for the caller; calls that demand a credential have it."""
        assert self.asking is not None  # noqa: S101 - the door has authenticated the caller
        return self.asking

    @property
    def caller(self) -> Caller:
        """Who calls."""
        return self.known.call.caller

    @property
    def organization(self) -> str:
        """The organization in the path. Raises `NotFound` for one that is not answered here."""
        return self.open_organization(self.path["organization_canonical"])

    def open_organization(self, canonical: str) -> str:
        """The organization of this canonical. Raises `NotFound` for what is none, and for one not answered here.

        So `*`, by which our own doors name the installation, is nothing here.
        """
        if not is_slug(canonical) or self.only not in {None, canonical}:
            raise NotFound("No such tenant.")
        return canonical

    async def run(self, use: UseCase[Any, Any], data: Any) -> Any:  # noqa: ANN401 - each use case has its own
        """Run a use case in the organization of the path."""
        return await self.known.run(use, data, tenant=self.organization)

    async def tenant(self) -> Tenant:
        """The tenant of the path, where the caller may know it; from memory for a key of that tenant."""
        return await tenant_named(self, self.organization)

    async def walk(
        self,
        use: UseCase[Any, Listed[Any]],
        page: Callable[[str | None], Any],
        *,
        tenant: str | None = None,
        wanted: Callable[[Any], bool] = lambda _: True,
    ) -> list[Any]:
        """All items of a list of ours that are wanted. Raises `Declined` for one that is too long to be counted.

        They are looked at page by page, so that others are served in between.
        """
        found: list[Any] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            listed = await self.known.run(use, page(cursor), tenant=tenant)
            found += filter(wanted, listed.items)
            cursor = listed.next_cursor
            if cursor is None:
                return found
        raise invalid("There is too much to be listed here. Narrow it by a filter, or list it at /v1.")


async def tenant_named(asked: Asked, canonical: str) -> Tenant:
    """The tenant of this slug, where the caller may know it. Raises `NotFound`."""
    bound = asked.caller.bound
    if bound is None:
        found: Tenant = await asked.known.run(get_tenant, TenantSlug(asked.open_organization(canonical)))
        return found
    if bound.slug != asked.open_organization(canonical):
        raise NotFound("No such tenant.")
    return bound
