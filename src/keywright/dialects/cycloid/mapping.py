"""Between Cycloid's words and ours, both ways, as pure functions on values."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from keywright.core.identities import IdentityKind
from keywright.core.ids import is_any_id
from keywright.core.instants import EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from keywright.core.identities import Identity, Tenant
    from keywright.core.keys import Key
    from keywright.core.permissions import Policy
    from keywright.services.keys import PolicyInput
    from keywright.services.roles import RoleView
    from keywright.services.users import UserView

Plain: TypeAlias = dict[str, Any]
"""An object of Cycloid's models, as plain JSON values."""

CANONICAL: Final = r"^[a-z0-9]+[a-z0-9\-_]+[a-z0-9]+$"
SHORTEST, LONGEST = 3, 100
EVERYTHING: Final = "**"
LOCALE: Final = "en"

_is_canonical = re.compile(r"[a-z0-9][a-z0-9_-]{1,98}[a-z0-9]").fullmatch
_other = re.compile(r"[^a-z0-9]+")
_NUMBER = 0x7FFF_FFFF
_NAMELESS = "api-key"


def is_canonical(text: str) -> bool:
    """Whether a text may be a canonical: 3 to 100 characters of `CANONICAL`."""
    return _is_canonical(text) is not None


def canonical_from(name: str) -> str:
    """The canonical that is made from a name: lower case, with `-` for every run of other characters."""
    made = _other.sub("-", name.lower()).strip("-")[:LONGEST].strip("-")
    if len(made) >= SHORTEST and is_canonical(made):
        return made
    return f"{made}-{_NAMELESS}" if made else _NAMELESS


def numbered(canonical: str, number: int) -> str:
    """The canonical with a number at its end, for when it is taken."""
    end = f"-{number}"
    return canonical[: LONGEST - len(end)].rstrip("-_") + end


def canonical_of(key: Key) -> str:
    """By what a key is named: its handle where that is a canonical, else its id, which has the form of one.

    A handle in the form of an id is none, since it could be the id of another key.
    """
    handle = key.handle
    return handle if handle is not None and is_canonical(handle) and not is_any_id(handle) else key.id


def number_of(our_id: str) -> int:
    """The number for an id: 1 to 2^31 - 1, always the same one. Two ids can have the same; nothing is found by it."""
    return int(our_id[-8:], 16) & _NUMBER or 1


def number_from(text: str) -> int:
    """The number for something that has a name and no id."""
    return int(sha256(text.encode()).hexdigest()[:8], 16) & _NUMBER or 1


def seconds(moment: datetime) -> int:
    """An instant as whole seconds since the Unix epoch."""
    return int((moment - EPOCH).total_seconds())


def policies_of(rules: Iterable[Plain]) -> tuple[PolicyInput, ...]:
    """The scope that rules say, in their order: each is a policy of one action, and no resources mean all."""
    return tuple(((rule["action"],), tuple(rule["resources"]) or None) for rule in rules)


def rules_of(policies: Sequence[tuple[Sequence[str], Sequence[str] | None]]) -> list[Plain]:
    """The rules that policies say, in their order and numbered by it: one for each action."""
    pairs = [(action, list(resources or ())) for actions, resources in policies for action in actions]
    return [
        {"id": index, "action": action, "effect": "allow", "resources": resources}
        for index, (action, resources) in enumerate(pairs)
    ]


def scope_rules(scope: tuple[Policy, ...] | None) -> list[Plain]:
    """The rules of a scope; a key without one may do all that its owner may."""
    if scope is None:
        return rules_of([((EVERYTHING,), None)])
    return rules_of([texts_of(one) for one in scope])


def texts_of(policy: Policy) -> tuple[list[str], list[str] | None]:
    """A policy as the texts of its actions and resources."""
    plain = policy.to_plain()
    return plain["actions"], plain.get("resources")


def api_key(key: Key, owner: Plain | None, token: str | None = None) -> Plain:
    """Cycloid's APIKey; the token stands only in the answer that made it."""
    found: Plain = {
        "id": number_of(key.id),
        "canonical": canonical_of(key),
        "name": key.name,
        "description": key.description,
        "last_seven": key.last_seven or "",
        "rules": scope_rules(key.scope),
    }
    if key.last_used_at is not None:
        found["last_used"] = seconds(key.last_used_at)
    if owner is not None:
        found["owner"] = owner
    if token is not None:
        found["token"] = token
    return found


def is_person(identity: Identity | None) -> bool:
    """Whether somebody is one of Cycloid's users; what a program is has no place there."""
    return identity is not None and identity.kind is IdentityKind.USER


def user(view: UserView) -> Plain:
    """Cycloid's User."""
    person = view.person
    return {
        "id": number_of(person.identity.id),
        "username": person.login,
        "email": email_of(view),
        "full_name": person.identity.name,
        "locale": LOCALE,
        "mfa_enabled": view.two_factor,
        "created_at": seconds(person.identity.created_at),
    }


def email_of(view: UserView) -> str:
    """The address of a person, which Cycloid's models demand: for one without, an address that no mail can reach."""
    return view.person.email or f"{view.person.login}@no-email.invalid"


def account(view: UserView, last_login: datetime) -> Plain:
    """Cycloid's UserAccount: what a user sees of itself. What its User has beside that stands in it too."""
    made = seconds(view.person.identity.created_at)
    address = {"email": email_of(view), "purpose": "primary", "verified": view.person.email is not None}
    return user(view) | {
        "emails": [{**address, "created_at": made}],
        "last_login": seconds(last_login),
        "last_login_at": seconds(last_login),
        "updated_at": made,
    }


def permissions(policies: Iterable[Policy]) -> dict[str, Plain]:
    """What policies allow, as UserSession has it: a rule for each action, with all resources that it is allowed on."""
    gathered: dict[str, list[str] | None] = {}
    for policy in policies:
        actions, resources = texts_of(policy)
        for action in actions:
            so_far = gathered.setdefault(action, [])
            gathered[action] = (
                None if so_far is None or resources is None else list(dict.fromkeys([*so_far, *resources]))
            )
    return {
        rule["action"]: rule
        for rule in rules_of([((action,), resources) for action, resources in gathered.items()])
    }


_FLAGS: Final = (
    "can_children_create_appearance",
    "can_children_manage_oidc_mapping",
    "can_children_use_dedicated_authentication",
    "can_create_appearance",
    "can_manage_oidc_mapping",
    "can_use_dedicated_authentication",
    "has_children",
    "is_using_dedicated_authentication",
)


def organization(tenant: Tenant) -> Plain:
    """Cycloid's Organization; a tenant has no children and no pipelines, so that much of it is empty."""
    made = seconds(tenant.created_at)
    return {
        "id": number_of(tenant.id),
        "canonical": tenant.slug,
        "name": tenant.name,
        "blocked": [] if tenant.active else ["disabled"],
        "ci_port": "",
        "ci_team_name": tenant.slug,
        "ci_url": "",
        "is_root": True,
        "mfa_enabled": tenant.settings.two_factor_required,
        "created_at": made,
        "updated_at": made,
    } | dict.fromkeys(_FLAGS, False)


def role(view: RoleView) -> Plain:
    """Cycloid's Role; `default` are those that are built in. A variable stands in the rules as `${name}`."""
    found = {
        "id": number_from(view.role.name) if view.defined is None else number_of(view.defined.id),
        "canonical": view.role.name,
        "name": view.role.name,
        "description": view.role.description,
        "default": view.defined is None,
        "rules": rules_of([(one.actions, one.resources) for one in view.role.policies]),
    }
    if view.defined is not None:
        found["created_at"] = seconds(view.defined.created_at)
        found["updated_at"] = seconds(view.defined.updated_at)
    return found


def policy(code: str, description: str, entities: list[str], since: datetime) -> Plain:
    """Cycloid's Policy: an action that rules may name."""
    made = seconds(since)
    return {
        "id": number_from(code),
        "code": code,
        "description": description,
        "entities": entities,
        "created_at": made,
        "updated_at": made,
    }


_PARENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "environment": ("project",),
    "pipeline": ("project",),
    "component": ("project", "environment"),
}
"""What stands around an entity in the path of a resource and not in its actions."""


def resource_of(action: str, organization_canonical: str, canonicals: Sequence[str]) -> str | None:
    """The resource that an action is asked about: the kinds in the action, each with its canonical.

    `organization:team:read` about `ops` is about `organization:acme:team:ops`; without canonicals it is about no
    resource in particular. Raises `ValueError` for canonicals that the action has no kinds for.
    """
    if not canonicals:
        return None
    kinds = action.split(":")[:-1]
    named = [organization_canonical, *canonicals] if kinds[:1] == ["organization"] else list(canonicals)
    if len(named) > len(kinds) and kinds:
        kinds = [*kinds[:-1], *_PARENTS.get(kinds[-1], ()), kinds[-1]]
    if len(named) != len(kinds):
        raise ValueError("as many canonicals as the action has kinds of entity")
    return ":".join(part for pair in zip(kinds, named, strict=True) for part in pair)
