"""Names: how people and service accounts are found by the beginning of one, or of a word in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, union

from keywright.core.identities import IdentityKind
from keywright.core.listing import beginnings, fold
from keywright.core.people import fold_login
from keywright.storage.schema import identity, identity_name, person

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement, CompoundSelect, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.identities import Identity

_LAST_CHARACTER = chr(0x10FFFF)
_SURROGATES, _AFTER_SURROGATES = 0xD800, 0xE000


def beginning(column: Column[Any], start: str) -> list[ColumnElement[bool]]:
    """That a column's text begins with another, as a span that an index can answer: up to the next text as long."""
    found = [column >= start]
    stem = start.rstrip(_LAST_CHARACTER)
    if stem:
        following = ord(stem[-1]) + 1
        found.append(column < stem[:-1] + chr(_AFTER_SURROGATES if following == _SURROGATES else following))
    return found


async def add_name(connection: AsyncConnection, named: Identity) -> None:
    """Have an identity found by its name. One that was made for a key alone is in no list, and so in no search."""
    if named.kind is IdentityKind.KEY:
        return
    rows = [
        {"identity_id": named.id, "tenant_id": named.tenant_id, "folded": one}
        for one in beginnings(named.name)
    ]
    await connection.execute(insert(identity_name), rows)


async def remove_name(connection: AsyncConnection, identity_id: str) -> None:
    """Have an identity found by its name no more."""
    await connection.execute(delete(identity_name).where(identity_name.c.identity_id == identity_id))


def people_called(text: str) -> CompoundSelect[Any]:
    """The ids of the people in whose name a word, or whose login name or e-mail address, begins so; or with this id."""
    ways = [_called(None, text), select(person.c.identity_id).where(person.c.identity_id == text)]
    login = fold_login(text)
    if login:
        ways += [
            select(person.c.identity_id).where(*beginning(column, login))
            for column in (person.c.login, person.c.email)
        ]
    return union(*ways)


def accounts_called(tenant_id: str, text: str) -> CompoundSelect[Any]:
    """The ids of the service accounts of a tenant in whose name a word begins so; or with this id."""
    return union(
        _called(tenant_id, text),
        select(identity.c.id).where(identity.c.id == text, identity.c.tenant_id == tenant_id),
    )


def _called(tenant_id: str | None, text: str) -> Select[Any]:
    column = identity_name.c.tenant_id
    mine = column.is_(None) if tenant_id is None else column == tenant_id
    return select(identity_name.c.identity_id).where(mine, *beginning(identity_name.c.folded, fold(text)))
