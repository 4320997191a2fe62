"""Keywright's own actions and resource types: what every vocabulary knows beside what its catalog says."""

from __future__ import annotations

OWN_ACTIONS = frozenset(
    {
        "agents:own:read",
        "agents:read",
        "agents:register",
        "audit:read",
        "catalog:read",
        "catalog:update",
        "identities:create",
        "identities:delete",
        "identities:read",
        "identities:update",
        "keys:create",
        "keys:delete",
        "keys:own:create",
        "keys:own:delete",
        "keys:own:read",
        "keys:own:update",
        "keys:read",
        "keys:update",
        "keys:verify",
        "nodes:read",
        "nodes:run",
        "roles:create",
        "roles:delete",
        "roles:read",
        "roles:update",
        "sessions:create",
        "tenants:create",
        "tenants:delete",
        "tenants:read",
        "tenants:update",
        "usage:own:read",
        "usage:read",
    }
)
"""The actions by which Keywright guards itself."""

OWN_RESOURCE_TYPES = frozenset({"audit", "catalog", "identity", "key", "role", "tenant"})
"""The first segments of Keywright's own resources."""
