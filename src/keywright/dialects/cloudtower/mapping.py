"""What our roles, people and keys are in that system's words; pure functions, to them and back."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from keywright.core.identities import IdentityKind
from keywright.core.permissions import Policy, compile_policies
from keywright.core.roles import ADMIN, GLOBAL_ROLES, MONITOR, PROJECT_ADMIN, READ_ONLY, SUPER_ADMIN
from keywright.dialects.cloudtower.ids import of_name, to_theirs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keywright.core.identities import Identity
    from keywright.core.roles import Role
    from keywright.services.keys import KeyView
    from keywright.services.users import UserView

Row: TypeAlias = dict[str, Any]
"""One thing as it is listed, by the names of its fields; relations hold other rows."""

PRESETS: Final[Mapping[str, str]] = {
    SUPER_ADMIN: "ROOT",
    ADMIN: "ADMIN",
    PROJECT_ADMIN: "USER_ADMIN",
    MONITOR: "AUDITOR",
    READ_ONLY: "READ_ONLY",
}
"""Their preset of each built-in role that has one. No other role has a preset, and no preset stands for two roles."""

EVERYWHERE: Final = tuple(role for role in GLOBAL_ROLES.values() if role.name in PRESETS)
"""The roles over the whole installation that count in its one tenant, and are roles there."""

ALL_PRESETS: Final = (
    "ADMIN",
    "AUDITOR",
    "READ_ONLY",
    "ROOT",
    "USER_ADMIN",
    "VM_USER",
    "WORKLOAD_CLUSTER_REGISTRY_USER",
    "WORKLOAD_CLUSTER_USER",
)
PLATFORMS: Final = ("MANAGEMENT", "SELF_SERVICE")
SOURCES: Final = ("AUTHN", "LDAP", "LOCAL", "SSO")
LEGACY_ROLES: Final = ("ROOT", "ADMIN", "READ_ONLY")
"""What a user had before there were roles, the strongest first; presets are called alike."""

EVERY_ACTION: Final = "*"
ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "MANAGE_API_KEY": ("keys:create", "keys:update", "keys:delete"),
    "MANAGE_AUDIT_LOG": ("audit:read",),
    "MANAGE_USER_AND_ROLE": ("identities:update", "roles:create", "roles:update", "roles:delete"),
}
"""Their actions that mean something here, and what a role must allow to be said to have them."""

_EVERYTHING: Final = Policy.parse(["**"])


def preset_of(role: str) -> str | None:
    """Their preset of a role; None for a custom role, and for built-in ones that they have nothing like."""
    return PRESETS.get(role)


def role_of(preset: str) -> str | None:
    """The role that a preset stands for; None for those of machines and clusters, which are not here."""
    return next((role for role, known in PRESETS.items() if known == preset), None)


def role_id(name: str) -> str:
    """The id on the wire of a role, which we know by its name."""
    return of_name("role", name)


@lru_cache(maxsize=512)
def actions_of(role: Role) -> tuple[str, ...]:
    """Their actions that a role has, whatever values its variables are given."""
    policies = compile_policies(role.widest())
    if policies.covers(_EVERYTHING):
        return (EVERY_ACTION,)
    return tuple(action for action, needed in ACTIONS.items() if all(map(policies.allows, needed)))


def role_row(name: str, definition: Role | None) -> Row:
    """A role; who holds it is filled in where that is asked for."""
    return {
        "id": role_id(name),
        "name": name,
        "actions": [] if definition is None else list(actions_of(definition)),
        "platform": "MANAGEMENT",
        "preset": preset_of(name),
    }


def user_row(view: UserView, roles: Sequence[Row]) -> Row:
    """A person who can log in."""
    person = view.person
    return _user(person.identity, person.login, person.email, roles) | {"internal": False}


def program_row(identity: Identity, roles: Sequence[Row]) -> Row:
    """Whoever a key speaks for that cannot log in, as its own key is told who it is: a user of the system's own."""
    internal = identity.kind is not IdentityKind.USER
    return _user(identity, identity.name, None, roles) | {"internal": internal}


def _user(identity: Identity, login: str, email: str | None, roles: Sequence[Row]) -> Row:
    return {
        "id": to_theirs(identity.id),
        "name": identity.name,
        "username": login,
        "display_username": login,
        "email_address": email,
        "mobile_phone": None,
        "auth_config_id": None,
        "ldap_dn": None,
        "password_expired": None,
        "password_updated_at": None,
        "password_recover_qa": None,
        "source": "LOCAL",
        "role": legacy_role(one["preset"] for one in roles),
        "roles": list(roles),
    }


def legacy_role(presets: Iterable[str | None]) -> str | None:
    """The strongest preset of those that a user could have before there were roles."""
    held = set(presets)
    return next((role for role in LEGACY_ROLES if role in held), None)


def key_row(view: KeyView) -> Row:
    """An API key without its secret; whose it is stands in `view`, and is filled in where that is asked for."""
    return {
        "id": to_theirs(view.key.id),
        "key": None,
        "name": view.key.name,
        "description": view.key.description,
        "editable": True,
        "external_cloudtowers": [],
        "view": view,
    }


_KEY_FIELDS: Final = ("id", "key", "name", "description", "username", "editable", "external_cloudtowers")
_ROLE_FIELDS: Final = ("id", "name", "actions", "platform", "preset")


def key_out(row: Row) -> Row:
    """A key as REST lists it."""
    user = row["user"]
    nested = None if user is None else _nested(user)
    roles = row["roles"]
    shown = None if roles is None else [{**_nested(role), "preset": role["preset"]} for role in roles]
    return {name: row[name] for name in _KEY_FIELDS} | {"user": nested, "roles": shown}


def user_out(row: Row) -> Row:
    """A user as REST lists them."""
    return row | {"roles": [_nested(role) for role in row["roles"]]}


def role_out(row: Row) -> Row:
    """A role as REST lists it."""
    users = row["users"]
    shown = None if users is None else [_nested(user) for user in users]
    return {name: row[name] for name in _ROLE_FIELDS} | {"users": shown}


def _nested(row: Row) -> Row:
    return {"id": row["id"], "name": row["name"]}
