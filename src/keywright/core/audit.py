"""The audit trail's entry: who did what to what, from where, and what changed. Never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class ActorKind(StrEnum):
    """By which kind of credential somebody acted."""

    KEY = "key"
    SESSION = "session"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acted: an identity through a key or a session, or Keywright itself (the sweep, the first start)."""

    kind: ActorKind
    identity_id: str | None = None
    key_id: str | None = None
    session_id: str | None = None


SYSTEM = Actor(kind=ActorKind.SYSTEM)


@dataclass(frozen=True, slots=True)
class Change:
    """One field's value before and after, as plain JSON values."""

    before: object
    after: object


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act. `changes` maps field names to their change; `target_type` and `action` are stable words."""

    id: str
    at: datetime
    tenant_id: str | None
    actor: Actor
    action: str
    target_type: str
    target_id: str
    ip: str | None
    request_id: str | None
    changes: Mapping[str, Change]
