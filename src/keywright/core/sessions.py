"""Sessions: a person's login, which ends by logout, idle time or age."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from keywright.core.instants import LATEST

if TYPE_CHECKING:
    from datetime import datetime

PASSWORD, TOTP, RECOVERY_CODE, PASSKEY = "password", "totp", "recovery_code", "passkey"
SIGN_ON, SIGN_ON_MFA = "sign_on", "sign_on_mfa"
"""What a person can show: the last says that the identity provider asked for more than one factor."""

DELEGATED = "delegated"
"""The person showed nothing: somebody else, who may do as much, made the session."""

FRESH_FOR = timedelta(minutes=10)

SEEN_EVERY = timedelta(minutes=1)
"""How often the use of a session is written down."""
NEVER = LATEST
"""The instant at which a session ends that has no end of that kind."""
LONGEST_LIFE = timedelta(days=50 * 365)
"""A session that is to last longer has no end."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lives: `idle` without being used, and `longest` in any case; None is without end."""

    idle: timedelta | None
    longest: timedelta | None

    def ends(self, now: datetime) -> tuple[datetime, datetime]:
        """When a session that begins now ends unless it is used, and when in any case."""
        ends_at = _after(now, self.longest)
        return min(_after(now, self.idle), ends_at), ends_at


def _after(now: datetime, span: timedelta | None) -> datetime:
    return NEVER if span is None or span > LONGEST_LIFE else now + span


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One login of one person. Its token is a bearer token like a key's, and is stored as a digest too.

    `idle_at` moves on with use, by as much as the session was given at its start, and never past `ends_at`, which
    stays. `proved_at` is when the person last showed who they are,
    and `proofs` how: by which of the words above.
    """

    id: str
    identity_id: str
    created_at: datetime
    seen_at: datetime
    idle_at: datetime
    ends_at: datetime
    created_ip: str | None
    proved_at: datetime
    proofs: tuple[str, ...] = (PASSWORD,)
    ended_at: datetime | None = None

    @property
    def two_factor(self) -> bool:
        """Whether the person showed more than one thing alone, or one that is two in itself.

        That is a passkey, and a login at an identity provider that asked for more than one factor.
        """
        return len(self.proofs) > 1 or not {PASSKEY, SIGN_ON_MFA}.isdisjoint(self.proofs)

    def fresh(self, now: datetime) -> bool:
        """Whether the person showed who they are recently enough for what asks for it."""
        return now - self.proved_at <= FRESH_FOR

    def seen(self, now: datetime) -> Session:
        """The session after a use; the same one where that need not be written down."""
        if self.idle_at >= self.ends_at:
            return self if now - self.seen_at < SEEN_EVERY else replace(self, seen_at=now)
        window = self.idle_at - self.seen_at
        # A short idle time is not to run out while the session is in use.
        if now - self.seen_at < min(SEEN_EVERY, window / 10):
            return self
        return replace(self, seen_at=now, idle_at=min(now + window, self.ends_at))

    def live(self, now: datetime) -> bool:
        """Whether its token is still accepted."""
        return self.ended_at is None and now < self.idle_at and now < self.ends_at
