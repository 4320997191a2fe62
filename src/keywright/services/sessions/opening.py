"""A new session, whoever it is that opens it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.core.ids import new_id
from keywright.core.sessions import Session
from keywright.core.tokens import SESSION_PREFIX, Token, digest, mint

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.identities import Identity
    from keywright.core.sessions import Lifetime
    from keywright.storage import Transaction


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A fresh session; the token is shown this once."""

    session: Session
    identity: Identity
    token: Token


async def opened(
    transaction: Transaction,
    identity: Identity,
    proofs: tuple[str, ...],
    lifetime: Lifetime,
    now: datetime,
    *,
    ip: str | None,
    proved_at: datetime,
) -> LoggedIn:
    """Store a session of somebody; its audit entry is for the caller to write."""
    token = mint(SESSION_PREFIX)
    idle_at, ends_at = lifetime.ends(now)
    session = Session(
        id=new_id("ses"),
        identity_id=identity.id,
        created_at=now,
        seen_at=now,
        idle_at=idle_at,
        ends_at=ends_at,
        created_ip=ip,
        proved_at=proved_at,
        proofs=proofs,
    )
    await transaction.sessions.add(session, digest(token.reveal()))
    return LoggedIn(session, identity, token)
