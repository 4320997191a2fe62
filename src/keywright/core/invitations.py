"""Invitations: links that work once, by which somebody comes in, or sets a new password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.identities import HeldRole

DEFAULT_DAYS = 7
MAX_DAYS = 30
KEPT_FOR = timedelta(days=90)
"""How long an invitation stays visible after its end."""


class InvitationState(StrEnum):
    """Where an invitation stands; the values stand on every wire."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A link to a tenant, or (`tenant_id` None) to the installation. Its token is stored as a digest alone.

    With `identity_id` it is for a person who is there already, and sets a new password, or (`ends_factors`)
    takes the second factors away with the old one. `login` and `email` are folded; None leaves them to the
    one who accepts, or unknown.
    """

    id: str
    tenant_id: str | None
    identity_id: str | None
    login: str | None
    email: str | None
    name: str
    memberships: tuple[HeldRole, ...]
    ends_factors: bool
    created_at: datetime
    created_by: str | None
    expires_at: datetime
    accepted_at: datetime | None = None
    accepted_by: str | None = None
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> InvitationState:
        """Where it stands at a moment."""
        if self.accepted_at is not None:
            return InvitationState.ACCEPTED
        if self.revoked_at is not None:
            return InvitationState.REVOKED
        return InvitationState.OPEN if now < self.expires_at else InvitationState.EXPIRED
