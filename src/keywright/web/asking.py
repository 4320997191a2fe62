"""One request of a door that may take several use cases to answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from keywright.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.services.cursors import Listed
    from keywright.services.service import Changed, Services
    from keywright.services.work import Call, UseCase

In = TypeVar("In")
Out = TypeVar("Out")
Item = TypeVar("Item")

MAX_USE_CASES: Final = 1_000
"""What one request may make Keywright do. A query that nests lists in lists ends here, and not in the database."""


@dataclass(slots=True)
class Asking:
    """Runs use cases for one request, on behalf of its caller, as many as one request may.

    `tenant` is the slug of the tenant that a use case concerns, or `*` for the installation; None leaves it to the
    call. Each method raises the errors of `core.errors`, and `InvalidValue` for a request that asks for too much.
    """

    services: Services
    call: Call
    left: int = MAX_USE_CASES

    async def run(self, use: UseCase[In, Out], data: In, *, tenant: str | None = None) -> Out:
        """Run a use case, wait until what it changed is true on every node, and give its result."""
        return (await self.change(use, data, tenant=tenant)).result

    async def change(self, use: UseCase[In, Out], data: In, *, tenant: str | None = None) -> Changed[Out]:
        """Run a use case, and give its result with the receipt of what it changed."""
        if self.left <= 0:
            raise InvalidValue("This request asks for too much at once. Ask for less.")
        self.left -= 1
        call = self.call if tenant is None else replace(self.call, tenant=tenant)
        return await self.services.change(use, call, data)

    async def every(
        self,
        use: UseCase[In, Listed[Item]],
        page: Callable[[str | None], In],
        *,
        tenant: str | None = None,
    ) -> list[Item]:
        """All items of a list, page by page; `page` makes the use case's input for a cursor."""
        found: list[Item] = []
        cursor: str | None = None
        while True:
            listed = await self.run(use, page(cursor), tenant=tenant)
            found += listed.items
            cursor = listed.next_cursor
            if cursor is None:
                return found
