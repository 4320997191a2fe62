"""API keys: reading and naming them, and the three calls that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from keywright.core.errors import InvalidValue, MissingField, NotFound, PermissionDenied
from keywright.core.identities import IdentityKind
from keywright.core.listing import KeyQuery
from keywright.dialects.cloudtower.directory import everything
from keywright.dialects.cloudtower.ids import to_ours, to_theirs
from keywright.dialects.cloudtower.mapping import key_row
from keywright.services.keys import (
    KeyChanges,
    KeyId,
    KeyIds,
    KeyToken,
    ListKeys,
    NewKey,
    create_key,
    delete_keys,
    find_key,
    get_key,
    list_keys,
    missing,
    update_key,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.dialects.cloudtower.lists import Asked
    from keywright.dialects.cloudtower.mapping import Row
    from keywright.dialects.cloudtower.request import Request
    from keywright.services.keys import KeyView


async def rows(request: Request, asked: Asked) -> list[Row]:
    """The keys that the caller may see, with what a list looks at."""
    views = await everything(
        request.asking,
        list_keys,
        lambda size, cursor: ListKeys(query=KeyQuery(descending=False, limit=size), cursor=cursor),
        most=asked.enough,
    )
    for secret in asked.filter.secrets:
        found = await _by_secret(request, secret)
        if found is not None:
            asked.filter.owners[secret] = to_theirs(found.key.id)
    found_rows = [key_row(view) for view in views]
    for row in found_rows:
        if asked.touches("ApiKey", "username", "user"):
            await fill_in_user(request, row)
        if asked.touches("ApiKey", "roles"):
            await fill_in_roles(request, row)
    if asked.touches("UserRoleNext", "users"):
        await request.directory.fill_in_users()
    return found_rows


async def fill_in(request: Request, listed: list[Row]) -> None:
    """Fill in whose the keys are."""
    for row in listed:
        await fill_in_user(request, row)
        await fill_in_roles(request, row)


async def fill_in_user(request: Request, row: Row) -> None:
    """Fill in whose the key is; None where the caller may not know, or it is nobody who can log in."""
    if "user" in row:
        return
    owner = row["view"].owner
    try:
        people = await request.directory.people()
    except PermissionDenied:
        people = {}
    user = None if owner is None else people.get(owner.id)
    row["user"] = user
    if user is not None:
        row["username"] = user["username"]
    else:
        program = owner is not None and owner.kind is not IdentityKind.USER
        row["username"] = owner.name if program else None


async def fill_in_roles(request: Request, row: Row) -> None:
    """Fill in the roles that the key has, which are those of whose it is; None where the caller may not know."""
    if "roles" in row:
        return
    owner = row["view"].owner
    try:
        row["roles"] = None if owner is None else await request.directory.roles_of(owner)
    except PermissionDenied:
        row["roles"] = None


async def one(request: Request, where: Mapping[str, Any]) -> Row | None:
    """The key that is named by its id, its secret or both; None for what is not there or may not be seen."""
    try:
        return key_row(await named(request, where))
    except NotFound:
        return None


async def create(request: Request, data: Mapping[str, Any]) -> Row:
    """Make a key of the caller's own, without a scope: it may do what the caller may, now and later."""
    wanted = NewKey(name=data["name"], description=data.get("description") or "")
    created = await request.asking.run(create_key, wanted)
    return key_row(created.view) | {"token": created.token}


async def update(request: Request, data: Mapping[str, Any], where: Mapping[str, Any]) -> Row:
    """Change the name or the description of a key. Raises `NotFound`."""
    if data.get("name", "") is None:
        raise InvalidValue("A key has a name.", field="data.name")
    view = await named(request, where)
    description = data.get("description", UNSET)
    changes = KeyChanges(
        id=view.key.id,
        name=data.get("name", UNSET),
        description="" if description is None else description,
    )
    return key_row(await request.asking.run(update_key, changes))


async def delete(request: Request, where: Mapping[str, Any]) -> Row:
    """Delete a key for good; no node accepts it any more when this returns. Raises `NotFound`."""
    view = await named(request, where)
    await request.asking.run(delete_keys, KeyIds((view.key.id,)))
    return key_row(view)


async def named(request: Request, where: Mapping[str, Any]) -> KeyView:
    """The key that is named by its id, its secret or both. Raises `NotFound` and `MissingField`."""
    key_id, secret = where.get("id"), where.get("key")
    if key_id is None and secret is None:
        raise MissingField("Name a key by its id or by the key itself.", field="where")
    if secret is None:
        return await request.asking.run(get_key, KeyId(to_ours("key", str(key_id))))
    found = await _by_secret(request, secret)
    if found is None or key_id not in (None, to_theirs(found.key.id)):
        raise missing()
    return found


async def _by_secret(request: Request, secret: str) -> KeyView | None:
    try:
        return await request.asking.run(find_key, KeyToken(secret))
    except NotFound:
        return None
