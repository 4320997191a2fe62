"""Sessions: a person's login, which ends by logout, idle time or age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One login of one person. Its token is a bearer token like a key's, and is stored as a digest too.

    `idle_at` moves on with use; `ends_at` does not.
    """

    id: str
    identity_id: str
    created_at: datetime
    seen_at: datetime
    idle_at: datetime
    ends_at: datetime
    created_ip: str | None
    ended_at: datetime | None = None

    def live(self, now: datetime) -> bool:
        """Whether its token is still accepted."""
        return self.ended_at is None and now < self.idle_at and now < self.ends_at
