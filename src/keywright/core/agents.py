"""Agents: programs that stay running with a key and say so, so that people see what a revocation will stop."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

MAX_KIND = 100
MAX_VERSION = 100
"""Characters of an agent's kind, and of its version."""
MAX_LABELS = 50
"""Labels of one agent."""
MAX_LABEL = 100
"""Characters of one label."""
MAX_AGENTS = 1_000
"""Agents of one key, or announced by the sessions of one person; of more, the one seen longest ago goes."""
SEEN_EVERY = timedelta(minutes=1)
"""How long after an agent was seen it is written down again that it was."""
KEPT_FOR = timedelta(days=30)
"""How long an agent is remembered after it was seen last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A program that announced itself in a tenant with a key, or (`key_id` None) with somebody's session.

    `identity_id` is for whom the credential spoke when the agent was seen last. `labels` are there once each, in the
    order in which they were given.
    """

    id: str
    tenant_id: str
    key_id: str | None
    identity_id: str
    kind: str
    name: str
    labels: tuple[str, ...]
    version: str | None
    registered_at: datetime
    last_seen_at: datetime
    last_seen_ip: str | None

    @property
    def fingerprint(self) -> bytes:
        """What is the same of an agent that announces itself again after a restart; 32 bytes.

        Its holder, which is the key or, without one, the identity, its kind, its name, and its labels in any order.
        """
        parts = [self.key_id or self.identity_id, self.kind, self.name, sorted(self.labels)]
        return hashlib.sha256(json.dumps(parts).encode()).digest()

    def is_held_by(self, key_id: str | None, identity_id: str) -> bool:
        """Whether a credential, a key or (`key_id` None) a session of an identity, is the one that announced it."""
        return self.key_id == key_id and (key_id is not None or self.identity_id == identity_id)
