"""The audit trail: entries are added and read, and nothing here changes or removes one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, false, insert, literal, select, tuple_, type_coerce

from keywright.core.audit import Actor, ActorKind, AuditEntry, Change
from keywright.core.instants import to_us
from keywright.core.listing import AuditQuery, Page, Position
from keywright.storage.schema import audit_entry

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

_ALL = AuditQuery()
_ACTOR = {
    "idn": audit_entry.c.actor_identity_id,
    "key": audit_entry.c.actor_key_id,
    "ses": audit_entry.c.actor_session_id,
}
_AT = type_coerce(audit_entry.c.at, BigInteger())


class AuditTrail:
    """The trail of one tenant (None: of the installation)."""

    __slots__ = ("_connection", "_tenant_id")

    def __init__(self, connection: AsyncConnection, tenant_id: str | None) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def add(self, entry: AuditEntry) -> None:
        """Add an entry to this trail. Raises `ValueError` for an entry of another one."""
        if entry.tenant_id != self._tenant_id:
            raise ValueError("The entry belongs to another tenant's trail.")
        changes = {name: [change.before, change.after] for name, change in entry.changes.items()}
        await self._connection.execute(
            insert(audit_entry).values(
                id=entry.id,
                tenant_id=self._tenant_id,
                at=entry.at,
                actor_kind=entry.actor.kind.value,
                actor_identity_id=entry.actor.identity_id,
                actor_key_id=entry.actor.key_id,
                actor_session_id=entry.actor.session_id,
                action=entry.action,
                target_type=entry.target_type,
                target_id=entry.target_id,
                ip=entry.ip,
                request_id=entry.request_id,
                changes=json.dumps(changes, ensure_ascii=False),
            )
        )

    async def page(
        self, asked: AuditQuery = _ALL, *, limit: int, after: Position | None = None
    ) -> Page[AuditEntry]:
        """Entries, the newest first, of those that are asked for."""
        mine = (
            audit_entry.c.tenant_id.is_(None)
            if self._tenant_id is None
            else audit_entry.c.tenant_id == self._tenant_id
        )
        order = (audit_entry.c.tenant_id, _AT, audit_entry.c.id)  # with the tenant, as for lists of keys
        query = (
            select(audit_entry)
            .where(mine, *_conditions(asked))
            .order_by(*(one.desc() for one in order))
            .limit(limit + 1)
        )
        if after is not None:
            query = query.where(
                tuple_(_AT, audit_entry.c.id) < tuple_(literal(after.value, _AT.type), after.id)
            )
        rows = (await self._connection.execute(query)).mappings().all()
        items = tuple(_entry(row) for row in rows[:limit])
        return Page(items, tuple(Position(to_us(item.at), item.id) for item in items), len(rows) > limit)


def _conditions(asked: AuditQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.actor is not None:
        found.append(_ACTOR[asked.actor[:3]] == asked.actor if asked.actor[:3] in _ACTOR else false())
    if asked.target_id is not None:
        found.append(audit_entry.c.target_id == asked.target_id)
    if asked.action is not None and asked.action.endswith(".*"):
        # A span that an index can answer: from the first text that begins so up to the next one as long.
        found.append(audit_entry.c.action.between(asked.action[:-1], f"{asked.action[:-1]}\x7f"))
    elif asked.action is not None:
        found.append(audit_entry.c.action == asked.action)
    if asked.at.since is not None:
        found.append(audit_entry.c.at >= asked.at.since)
    if asked.at.until is not None:
        found.append(audit_entry.c.at < asked.at.until)
    return found


def _entry(row: Any) -> AuditEntry:  # noqa: ANN401 - SQLAlchemy's mapping of a row
    changes = json.loads(row["changes"])
    return AuditEntry(
        id=row["id"],
        at=row["at"],
        tenant_id=row["tenant_id"],
        actor=Actor(
            kind=ActorKind(row["actor_kind"]),
            identity_id=row["actor_identity_id"],
            key_id=row["actor_key_id"],
            session_id=row["actor_session_id"],
        ),
        action=row["action"],
        target_type=row["target_type"],
        target_id=row["target_id"],
        ip=row["ip"],
        request_id=row["request_id"],
        changes={name: Change(before, after) for name, (before, after) in changes.items()},
    )
