"""A verifier's other parts, for tests that are about none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.core.errors import Unavailable
from keywright.storage.counters import MemoryCounters
from keywright.verify import CreditSpender
from tests.support.house import ManualClock

if TYPE_CHECKING:
    from keywright.core.limits import CreditBlock, UnspentCredits


class NoCredits:
    """A database of credits that cannot be reached; no key of such a test has any."""

    async def take(self, key_id: str, need: int, wish: int, now_us: int) -> CreditBlock:
        """See `CreditStore`."""
        raise Unavailable("Away.")

    async def left(self, key_id: str, now_us: int) -> CreditBlock:
        """See `CreditStore`."""
        raise Unavailable("Away.")

    async def give_back(self, unspent: tuple[UnspentCredits, ...]) -> None:
        """See `CreditStore`."""
        raise Unavailable("Away.")


def uncounted() -> dict[str, Any]:
    """Counters that are this verifier's own, and credits that nobody has."""
    return {"counters": MemoryCounters(), "credits": CreditSpender(NoCredits(), ManualClock())}
