"""Prefect's words for ours and back: ids, moments, roles, permissions. Pure functions."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from keywright.core.identities import IdentityKind, role_set
from keywright.core.roles import ADMIN, MEMBER, READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.core.identities import Grant, Identity, Membership, Tenant
    from keywright.core.keys import Key
    from keywright.core.permissions import Policies
    from keywright.services.agents import AgentView
    from keywright.services.roles import RoleView
    from keywright.services.trail import EntryView

NOTHING: Final = "none"
"""What a text that is no UUID is read as: nothing has this as its id."""
USER, SERVICE = "USER", "SERVICE"
RUNNER: Final = "RUNNER"
RUN_AGENTS: Final = "agents:register"
"""The action without which no agent runs."""
RUNNER_SCOPE: Final = (((RUN_AGENTS,), None),)
"""The scope of a key that is made as a token for agents."""
_UUID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.ASCII)
_BUILT_IN: Final = uuid.UUID("018f0000-0000-7000-8000-000000000001")
ROLES: Final[Mapping[str, str]] = {ADMIN: "TENANT_ADMIN", MEMBER: "USER", READ_ONLY: "READ_ONLY_USER"}
"""What Prefect calls the built-in roles of a tenant; others have one name on both sides."""
PERMISSIONS: Final[Mapping[str, str]] = {
    "create:api-key": "keys:own:create",
    "read:api-key": "keys:own:read",
    "delete:api-key": "keys:own:delete",
    "create:service-account-api-key": "keys:create",
    "read:service-account-api-key": "keys:read",
    "delete:service-account-api-key": "keys:delete",
    "create:service-account": "identities:create",
    "read:service-account": "identities:read",
    "delete:service-account": "identities:delete",
    "update:membership-role": "identities:update",
    "read:role": "roles:read",
    "read:tenant": "tenants:read",
    "update:tenant": "tenants:update",
    "create:agent": RUN_AGENTS,
    "read:agent": "agents:own:read",
    "read:audit-log": "audit:read",
}
"""Prefect's permissions that have to do with credentials, and the action that each comes down to here."""


def canonical(text: str) -> str:
    """A UUID in lower case with its hyphens; `NOTHING` for any other text."""
    lowered = text.strip().lower()
    return str(uuid.UUID(lowered)) if _UUID.fullmatch(lowered) else NOTHING


def uuid_of(our_id: str) -> str:
    """The UUID inside an id of ours, such as `key_0197…`."""
    return str(uuid.UUID(our_id.partition("_")[2]))


def id_of(kind: str, given: str) -> str:
    """The id of ours with a UUID inside; of what is no UUID, one that nothing has."""
    return f"{kind}_{canonical(given).replace('-', '')}"


def parsed_moment(text: str) -> datetime:
    """A moment from ISO 8601, in UTC, which it is taken for without an offset. Raises `ValueError`."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the calendar") from None


def moment(when: datetime | None) -> str | None:
    """A moment as clients print it: ISO 8601 with the offset `+00:00`."""
    return None if when is None else when.astimezone(UTC).isoformat()


def role_name(role: str) -> str:
    """What Prefect calls a role."""
    return ROLES.get(role, role)


def built_in_id(role: str) -> str:
    """The UUID that stands for a built-in role, always the same."""
    return str(uuid.uuid5(_BUILT_IN, role))


def permissions(policies: Policies) -> list[str]:
    """Prefect's permissions, as far as policies allow what each comes down to."""
    return [name for name, action in PERMISSIONS.items() if policies.allows(action)]


def account_type(kind: IdentityKind) -> str:
    """Whether an identity is a person, or in Prefect's eyes a service account."""
    return USER if kind is IdentityKind.USER else SERVICE


def plain_tenant(tenant: Tenant) -> dict[str, Any]:
    """A tenant."""
    return {
        "id": uuid_of(tenant.id),
        "slug": tenant.slug,
        "name": tenant.name,
        "created": moment(tenant.created_at),
    }


def plain_key(key: Key) -> dict[str, Any]:
    """A key, never with its value; who made it and whose it is are looked up where they are asked for."""
    return {
        "id": uuid_of(key.id),
        "name": key.name,
        "user_id": uuid_of(key.identity_id),
        "default_tenant_id": None if key.tenant_id is None else uuid_of(key.tenant_id),
        "expires_at": moment(key.expires_at),
        "created": moment(key.created_at),
        "updated": moment(key.created_at),
        "created_by_user_id": None if key.created_by is None else uuid_of(key.created_by),
    }


def plain_token(key: Key, owner: Identity | None) -> dict[str, Any]:
    """A key as an API token: those of service accounts are what agents run with."""
    shared = plain_key(key)
    person = owner is not None and owner.kind is IdentityKind.USER and key.scope is None
    return shared | {
        "scope": USER if person else RUNNER,
        "tenant_id": shared["default_tenant_id"],
        "last_used": moment(key.last_used_at),
    }


def plain_user(
    identity: Identity, memberships: tuple[Membership, ...], login: str | None, email: str | None
) -> dict[str, Any]:
    """An identity as a user; a service account's name is its first name too."""
    return {
        "id": uuid_of(identity.id),
        "username": login or identity.name,
        "email": email,
        "first_name": identity.name,
        "last_name": "",
        "account_type": account_type(identity.kind),
        "settings": {},
        "memberships": [plain_membership(one.id, one.identity_id, one.grant) for one in memberships],
    }


def plain_membership(membership_id: str, identity_id: str, grant: Grant) -> dict[str, Any]:
    """A membership with its role; what else is known of that is looked up where it is asked for."""
    return {
        "id": uuid_of(membership_id),
        "tenant_id": None if grant.tenant_id is None else uuid_of(grant.tenant_id),
        "user_id": uuid_of(identity_id),
        "role": grant.role,
        "permissions": permissions(role_set((grant,)).policies),
    }


def plain_role(view: RoleView, policies: Policies) -> dict[str, Any]:
    """A role of a tenant, with what it allows at most."""
    defined = view.defined
    return {
        "id": built_in_id(view.role.name) if defined is None else uuid_of(defined.id),
        "name": role_name(view.role.name),
        "permissions": permissions(policies),
        "tenant_id": None if defined is None else uuid_of(defined.tenant_id),
        "created": None if defined is None else moment(defined.created_at),
        "updated": None if defined is None else moment(defined.updated_at),
    }


def plain_agent(view: AgentView) -> dict[str, Any]:
    """An agent, and the id of the key that it runs with."""
    agent = view.agent
    return {
        "id": uuid_of(agent.id),
        "tenant_id": uuid_of(agent.tenant_id),
        "type": agent.kind,
        "name": agent.name,
        "labels": list(agent.labels),
        "core_version": agent.version,
        "created": moment(agent.registered_at),
        "last_queried": moment(agent.last_seen_at),
        "api_key_id": None if agent.key_id is None else uuid_of(agent.key_id),
        "user_id": uuid_of(agent.identity_id),
    }


def plain_entry(view: EntryView) -> dict[str, Any]:
    """An entry of the audit trail; its message is what we call the act."""
    entry = view.entry
    found = canonical(entry.target_id.partition("_")[2])
    return {
        "object_id": None if found == NOTHING else found,
        "object_table": {"key": "auth_api_key", "identity": "user"}.get(entry.target_type, entry.target_type),
        "timestamp": moment(entry.at),
        "message": entry.action,
    }
