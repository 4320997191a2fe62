"""Sessions: a person's login, which ends by logout, idle time or age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

PASSWORD, TOTP, RECOVERY_CODE, PASSKEY = "password", "totp", "recovery_code", "passkey"
SIGN_ON, SIGN_ON_MFA = "sign_on", "sign_on_mfa"
"""What a person can show: the last says that the identity provider asked for more than one factor."""

FRESH_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One login of one person. Its token is a bearer token like a key's, and is stored as a digest too.

    `idle_at` moves on with use; `ends_at` does not. `proved_at` is when the person last showed who they are,
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

    def live(self, now: datetime) -> bool:
        """Whether its token is still accepted."""
        return self.ended_at is None and now < self.idle_at and now < self.ends_at
