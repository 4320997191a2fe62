"""Finding people and service accounts by a part of their name, which no index answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from keywright.core.listing import MAX_PAGE, fold

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.services.cursors import Listed

T = TypeVar("T")

PAGES: Final = 10
SHOWN: Final = 100


@dataclass(frozen=True)  # without slots: as `Listed`
class Found(Generic[T]):
    """What was found, and of how many that were looked through. With `more` there are others that were not."""

    items: tuple[T, ...]
    looked_at: int
    more: bool


async def found(
    read: Callable[[str | None, int], Awaitable[Listed[T]]],
    text: str,
    names: Callable[[T], tuple[str | None, ...]],
) -> Found[T]:
    """Those in one of whose names a text stands, of the first two thousand; whose name begins with it come first.

    `read` gives the page of a list that follows a cursor, with as many items as asked for.
    """
    wanted = fold(text)
    alike: list[tuple[bool, str, T]] = []
    looked_at = 0
    cursor = None
    for _ in range(PAGES):
        page = await read(cursor, MAX_PAGE)
        looked_at += len(page.items)
        for one in page.items:
            folded = [fold(name) for name in names(one) if name]
            if any(wanted in name for name in folded):
                alike.append((not any(name.startswith(wanted) for name in folded), folded[0], one))
        cursor = page.next_cursor
        if cursor is None:
            break
    alike.sort(key=lambda one: one[:2])
    return Found(
        tuple(one for _, _, one in alike[:SHOWN]), looked_at, cursor is not None or len(alike) > SHOWN
    )
