"""Between Contember's words and ours, both ways; pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from keywright.core.checks import MAX_TEXT
from keywright.core.instants import LATEST
from keywright.core.roles import (
    ADMIN,
    DEPLOYER,
    GLOBAL_ROLES,
    MEMBER,
    PROJECT_ADMIN,
    READ_ONLY,
    SUPER_ADMIN,
)
from keywright.core.sessions import Lifetime
from keywright.core.tokens import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from keywright.core.identities import Grant
    from keywright.core.keys import Key
    from keywright.core.roles import Role

NAMELESS: Final = "API key without a description"
"""The name of a key that was made with the description ``""``, which Contember keeps as null."""
DEFAULT_MINUTES: Final = 30
ADMINISTRATORS: Final = frozenset({SUPER_ADMIN, PROJECT_ADMIN})
"""Who holds one of these over the installation counts as an administrator of every project."""
PERSON: Final = "person"
_RENAMED: Final[Mapping[str, str]] = {"entrypoint_deployer": DEPLOYER}
_UNSTORED: Final = frozenset({PERSON, "self", "project_member"})
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_LONG = re.compile(r"\w{36,}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")


def uuid_of(our_id: str) -> str:
    """An id of ours as the UUID that it holds, in lower case."""
    digits = our_id.rpartition("_")[2]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def id_of(kind: str, uuid: str) -> str | None:
    """Our id of a kind from a UUID, None for what is none."""
    if _UUID.fullmatch(uuid) is None:
        return None
    return f"{kind}_{uuid.replace('-', '').lower()}"


def date_time(moment: datetime | None) -> str | None:
    """A moment with milliseconds and a `Z`; None for none, and for the moment that never comes."""
    if moment is None or moment >= LATEST:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def said(text: str) -> str:
    """What was sent, as it may be said again: without what is, or is as long as, a token."""
    return _LONG.sub("…", redact(text))


# Descriptions


def key_texts(description: str) -> tuple[str, str]:
    """The name and the description of a key, such that `description_of` gives back what was wanted.

    A name is one line that says something; what is longer stands in the description, and begins the name.
    """
    if not description:
        return NAMELESS, ""
    name = _CONTROL.sub(" ", description).strip()[:MAX_TEXT].strip() or NAMELESS
    return name, "" if name == description else description


def description_of(name: str, description: str) -> str | None:
    """What Contember calls the description of a key or of an identity."""
    return description or (None if name == NAMELESS else name)


# Global roles


def global_role(word: str) -> str | None:
    """Our role for a word of Contember's, None for one that is none or that is not stored."""
    if word in _RENAMED.values():
        return None
    ours = _RENAMED.get(word, word)
    return ours if ours in GLOBAL_ROLES else None


def is_global_role(word: str) -> bool:
    """Whether Contember knows a global role of this name, or we do."""
    return word in _UNSTORED or global_role(word) is not None


def role_words(roles: Iterable[str], *, person: bool = False) -> list[str]:
    """Global roles of ours in Contember's words, each once and sorted; `person` says that it is a person's."""
    back = {ours: word for word, ours in _RENAMED.items()}
    return sorted({back.get(role, role) for role in roles} | ({PERSON} if person else set()))


def named_roles(grants: Iterable[Grant], *, person: bool = False) -> list[str]:
    """The roles that are held over the installation, as `role_words` has them."""
    return role_words((one.role for one in grants if one.tenant_id is None), person=person)


# Memberships


def membership(role: str, variables: Iterable[tuple[str, Iterable[str]]] = ()) -> dict[str, Any]:
    """A membership as Contember shows one."""
    return {
        "role": role,
        "variables": [{"name": name, "values": list(values)} for name, values in variables],
    }


def memberships(grants: Iterable[Grant]) -> list[dict[str, Any]]:
    """Grants as Contember's memberships."""
    return [membership(one.role, one.variables) for one in grants]


def role_definition(role: Role) -> dict[str, Any]:
    """A role as Contember defines one. Values that are free are those of an entity named as the variable."""
    return {
        "name": role.name,
        "variables": [{"name": one.name, "entityName": one.entity or one.name} for one in role.variables],
    }


def is_offered(role: Role, *, built_in: bool) -> bool:
    """Whether a project lists a role: those of its own, and of ours the administrator."""
    return not built_in or role.name not in (MEMBER, READ_ONLY)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Memberships as they were sent, of each variable the values that were named last."""

    role: str
    variables: Mapping[str, tuple[str, ...]]

    @property
    def hollow(self) -> bool:
        """Whether a variable has no values: such a membership is valid, and none is made of it."""
        return not all(self.variables.values())


def wanted_memberships(sent: Iterable[Mapping[str, Any]]) -> tuple[Wanted, ...]:
    """The memberships of a mutation, in their order."""
    return tuple(
        Wanted(one["role"], {entry["name"]: tuple(entry["values"]) for entry in one["variables"]})
        for one in sent
    )


def merged(wanted: Iterable[Wanted]) -> tuple[Wanted, ...]:
    """What is made of them: one membership a role, the one that was named last, and none of hollow ones."""
    last = {one.role: one for one in wanted}
    return tuple(one for one in last.values() if not one.hollow)


# Logins


def lifetime(minutes: int | None) -> Lifetime:
    """How long a session lives after each use; 0 is the usual time, as it is without a wish."""
    return Lifetime(timedelta(minutes=minutes or DEFAULT_MINUTES), None)


def labelled(uri: str, label: str | None) -> str:
    """An address for authenticator apps, with a label of the caller's in place of the login name."""
    if not label:
        return uri
    parts = urlsplit(uri)
    issuer = parts.path.lstrip("/").partition(":")[0]
    return f"{parts.scheme}://{parts.netloc}/{issuer}:{quote(label)}?{parts.query}"


# Keys


def api_key(key: Key) -> dict[str, Any]:
    """A key as lists show it, without its identity."""
    return {
        "id": uuid_of(key.id),
        "description": description_of(key.name, key.description),
        "type": "PERMANENT",
        "enabled": key.active,
        "createdAt": date_time(key.created_at),
        "lastUsedAt": date_time(key.last_used_at),
        "expiresAt": date_time(key.expires_at),
    }


def is_administrator(grants: Iterable[Grant]) -> bool:
    """Whether one of the grants makes an administrator of every project."""
    return any(one.tenant_id is None and one.role in ADMINISTRATORS for one in grants)


ADMIN_MEMBERSHIP: Final = membership(ADMIN)
