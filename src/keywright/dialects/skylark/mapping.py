"""Skylark's words for API keys and ours, both ways; without any input or output."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypedDict

from msgspec import UNSET, UnsetType

from keywright.core.checks import handle
from keywright.core.errors import BadInput, InvalidValue
from keywright.core.ids import is_id
from keywright.core.instants import rfc3339
from keywright.core.keys import State
from keywright.dialects.skylark.permissions import scope_of
from keywright.services.keys import KeyChanges, NewKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keywright.core.keys import Key
    from keywright.core.tokens import Token

LISTED_STATES: Final = frozenset(State) - {State.EXPIRED, State.DELETED}

_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,100}")
# That of AppSync, in which seconds may be left out and an offset may have some.
_DATE_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d(?::\d\d)?)", re.ASCII
)


class APIKey(TypedDict):
    """A key as Skylark shows it; `api_key` is its token, where it is only just made."""

    active: bool
    api_key: str | None
    created: str
    expires: str | None
    name: str
    permissions: list[str]


def checked_name(text: str) -> str:
    """A name that a key may be given. Raises `InvalidValue` or `SecretInText`, which name the field as ours is called.

    It is the key's handle. Names in the form of our ids are kept for keys that have no handle.
    """
    if not _NAME.fullmatch(text):
        raise InvalidValue("A name has 1 to 100 letters, numbers and underscores.", field="handle")
    if is_id(text, "key"):
        raise InvalidValue("A name in this form is kept for keys without a name.", field="handle")
    return handle(text)


def is_handle(text: str) -> bool:
    """Whether a key can be found by this handle: other doors give some that Skylark would not."""
    try:
        handle(text)
    except BadInput:
        return False
    return True


def name_of(key: Key) -> str:
    """What a key is called: by its handle, and one of another door that has none by its id."""
    return key.id if key.handle is None else key.handle


def is_over(key: Key, now: datetime) -> bool:
    """Whether a key has reached its expiry, and so is as good as deleted, whether or not it was swept."""
    return key.expires_at is not None and now >= key.expires_at


def date_time(text: str) -> datetime:
    """A moment from the text of an `AWSDateTime`. Raises `InvalidValue`."""
    try:
        return datetime.fromisoformat(text.upper() if _DATE_TIME.fullmatch(text.upper()) else "")
    except ValueError:
        raise InvalidValue(
            "A date-time has a date, a time and an offset, such as 2027-01-01T00:00Z.", field="expires_at"
        ) from None


def new_key(given: Mapping[str, Any]) -> NewKey:
    """What is to be made, from an `APIKeyInput`. Raises `InvalidValue` and `SecretInText`."""
    name = checked_name(given["name"])
    expires = given.get("expires")
    return NewKey(
        name=name,
        handle=name,
        scope=scope_of(checked_permissions(given["permissions"])),
        expires_at=None if expires is None else date_time(expires),
        active=given.get("active") is not False,
    )


def changes_of(key: Key, given: Mapping[str, Any]) -> KeyChanges:
    """What is to change of a key, from an `APIKeyInputUpdate`; the permissions aside. Raises as `new_key` does."""
    active = given.get("active")
    name = given.get("name")
    renamed: str | UnsetType = UNSET if name is None or name == key.handle else checked_name(name)
    return KeyChanges(
        id=key.id,
        handle=renamed,
        # A key of this door is called alike on all doors; of another's the name for people stays as it is.
        name=renamed if key.name == key.handle else UNSET,
        expires_at=_expiry(given),
        active=UNSET if active is None else active,
    )


def _expiry(given: Mapping[str, Any]) -> datetime | UnsetType | None:
    if "expires" not in given:
        return UNSET
    return None if given["expires"] is None else date_time(given["expires"])


def checked_permissions(given: Iterable[str | None]) -> frozenset[str]:
    """Permissions as they were asked for. Raises `InvalidValue` where one of them is null."""
    found = frozenset(given)
    if None in found:
        raise InvalidValue("A permission is not null.", field="scope")
    return frozenset(one for one in found if one is not None)


def shown(key: Key, permissions: Iterable[str], token: Token | None = None) -> APIKey:
    """A key as Skylark shows it."""
    return {
        "active": key.active,
        "api_key": None if token is None else token.reveal(),
        "created": rfc3339(key.created_at),
        "expires": None if key.expires_at is None else rfc3339(key.expires_at),
        "name": name_of(key),
        "permissions": list(permissions),
    }
