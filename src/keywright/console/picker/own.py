"""Keywright's own actions in plain language: keys may manage Keywright too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class OwnGroup:
    """Actions on one kind of thing: what all of them together come to (`manage`), and each in words."""

    name: str
    manage: str
    actions: tuple[tuple[str, str], ...]


OWN_GROUPS: Final = (
    OwnGroup(
        "Keys",
        "manage keys",
        (
            ("keys:read", "Look at keys"),
            ("keys:create", "Make keys for anybody here"),
            ("keys:update", "Change, disable and enable keys"),
            ("keys:delete", "Delete keys"),
            ("keys:verify", "Ask for decisions about other keys"),
            ("keys:own:read", "Look at its owner's keys"),
            ("keys:own:create", "Make keys for its owner"),
            ("keys:own:update", "Change, disable and enable its owner's keys"),
            ("keys:own:delete", "Delete its owner's keys"),
        ),
    ),
    OwnGroup(
        "People and service accounts",
        "manage people",
        (
            ("identities:read", "Look at people and service accounts"),
            ("identities:create", "Make service accounts and invite people"),
            ("identities:update", "Give and take roles, disable and enable service accounts"),
            ("identities:delete", "Delete service accounts and take people out"),
            ("sessions:create", "Log somebody else in"),
        ),
    ),
    OwnGroup(
        "Roles and catalog",
        "manage roles and the catalog",
        (
            ("roles:read", "Look at roles"),
            ("roles:create", "Define roles"),
            ("roles:update", "Change roles"),
            ("roles:delete", "Delete roles"),
            ("catalog:read", "Look at the catalog"),
            ("catalog:update", "Apply another catalog"),
        ),
    ),
    OwnGroup(
        "Tenants",
        "manage tenants",
        (
            ("tenants:read", "Look at tenants"),
            ("tenants:create", "Make tenants"),
            ("tenants:update", "Rename tenants and change their settings"),
            ("tenants:delete", "Delete tenants with everything in them"),
        ),
    ),
    OwnGroup(
        "Usage, audit log and nodes",
        "read usage or the audit log",
        (
            ("usage:read", "Look at the usage of keys"),
            ("usage:own:read", "Look at the usage of its owner's keys"),
            ("audit:read", "Read the audit log"),
            ("nodes:read", "Look at the nodes"),
            ("nodes:run", "Run an agent"),
            ("agents:read", "Look at the agents that run here"),
            ("agents:own:read", "Look at its owner's agents"),
            ("agents:register", "Announce an agent"),
        ),
    ),
)
"""All of Keywright's own actions, each once."""

NARROWED: Final = frozenset(
    {
        *("keys:read", "keys:update", "keys:delete", "usage:read", "usage:own:read"),
        *("keys:own:read", "keys:own:update", "keys:own:delete"),
    }
)
"""Those that can be held for single things: for `key:<id>`."""
