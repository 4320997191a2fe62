"""The audit trail of one key in plain words: who did what, from where, and what was different afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from keywright.console import words
from keywright.core.audit import ActorKind
from keywright.services.trail import ListEntries, list_entries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from keywright.console.keys.subject import Subject
    from keywright.core.audit import Change
    from keywright.services.trail import EntryView

ENTRIES: Final = 10
_DID: Final[Mapping[str, str]] = {
    "key.create": "made it",
    "key.update": "changed it",
    "key.disable": "disabled it",
    "key.enable": "enabled it",
    "key.transfer": "gave it another owner",
    "key.delete": "deleted it",
}
_FIELDS: Final[Mapping[str, str]] = {
    "name": "name",
    "handle": "handle",
    "description": "description",
    "prefix": "prefix",
    "identity_id": "owner",
    "not_before": "begins",
    "expires_at": "ends",
    "active": "enabled",
    "scope": "scope",
    "allowed_cidrs": "addresses",
    "metadata": "metadata",
    "limits": "limits",
    "credits": "credits",
    "memberships": "roles",
    "state": "state",
}
_MOMENTS: Final = frozenset({"not_before", "expires_at"})


@dataclass(frozen=True, slots=True)
class Field:
    """A field before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `by` says with what it was done."""

    at: datetime
    who: str
    by: str
    did: str
    action: str
    ip: str | None
    request_id: str | None
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Trail:
    """The newest acts, and whether there are older ones."""

    entries: tuple[Entry, ...]
    more: bool


async def trail_of(subject: Subject) -> Trail | None:
    """What was done to a key, None for who may not read it."""
    ask = subject.ask
    if not ask.may("audit:read"):
        return None
    found = await ask.run(list_entries, ListEntries(target=subject.key.id, limit=ENTRIES))
    return Trail(tuple(_entry(one, ask.zone) for one in found.items), found.more)


def _entry(view: EntryView, zone: ZoneInfo | None) -> Entry:
    entry = view.entry
    by = {ActorKind.KEY: "with a key", ActorKind.SESSION: "", ActorKind.SYSTEM: ""}[entry.actor.kind]
    who = "Keywright" if entry.actor.kind is ActorKind.SYSTEM else "Somebody who is gone"
    if view.identity is not None:
        who = view.identity.name
    return Entry(
        at=entry.at,
        who=who,
        by=by,
        did=_DID.get(entry.action, entry.action),
        action=entry.action,
        ip=entry.ip,
        request_id=entry.request_id,
        fields=tuple(_field(name, change, zone) for name, change in entry.changes.items()),
    )


def _field(name: str, change: Change, zone: ZoneInfo | None) -> Field:
    return Field(
        _FIELDS.get(name, name.replace("_", " ")),
        _value(name, change.before, zone),
        _value(name, change.after, zone),
    )


def _value(name: str, value: object, zone: ZoneInfo | None) -> str:
    """A value as a reader takes it in at a glance; JSON where there is no better way."""
    if value is None or value in ("", "{}"):
        return "all that its owner may" if name == "scope" and value is None else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in _MOMENTS and isinstance(value, str):
        return words.exact(datetime.fromisoformat(value), zone)
    if name == "scope" and isinstance(value, list):
        return "; ".join(_policy(one) for one in value) or "nothing"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _policy(policy: Mapping[str, list[str]]) -> str:
    where = policy.get("resources")
    return f"{', '.join(policy['actions'])} on {'everything' if where is None else ', '.join(where)}"
