"""The four operations on API keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from keywright.core.checks import scope as checked_scope
from keywright.core.errors import HandleTaken, NotFound
from keywright.core.ids import is_id
from keywright.core.listing import MAX_PAGE, KeyQuery
from keywright.dialects.skylark.mapping import (
    LISTED_STATES,
    APIKey,
    changes_of,
    checked_permissions,
    is_handle,
    is_over,
    name_of,
    new_key,
    shown,
)
from keywright.dialects.skylark.permissions import EVERY_ACTION, permissions_of, scope_of
from keywright.services.keys import (
    MAX_AT_ONCE,
    KeyId,
    KeyIds,
    KeysQuestion,
    ListKeys,
    allowed_actions,
    create_key,
    delete_keys,
    get_key,
    list_keys,
    missing,
    update_key,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLResolveInfo

    from keywright.core.keys import Key
    from keywright.dialects.skylark.requests import Request
    from keywright.services.keys import PolicyInput
    from keywright.services.work import UseCase

In = TypeVar("In")
Out = TypeVar("Out")


async def list_api_keys(_root: object, info: GraphQLResolveInfo[Request]) -> list[APIKey]:
    """All keys of the account that have not expired, the oldest first."""
    request = info.context
    query = KeyQuery(states=LISTED_STATES, descending=False, limit=MAX_PAGE)
    views = await request.asking.every(list_keys, lambda cursor: ListKeys(query=query, cursor=cursor))
    now = request.clock.now()
    # A disabled key counts as disabled, also after its expiry.
    keys = [view.key for view in views if not is_over(view.key, now)]
    permissions = await _permissions(request, keys)
    return [shown(key, permissions[key.id]) for key in keys]


async def create_api_key(
    _root: object, info: GraphQLResolveInfo[Request], *, api_key: Mapping[str, Any]
) -> APIKey:
    """Make a key that speaks for the same identity as the key in use, with permissions that that one has too."""
    request = info.context
    new = new_key(api_key)
    _hold(request, new.scope or (), "keys:create", "keys:own:create")
    created = await _claiming(request, new.name, create_key, new)
    key = created.view.key
    return shown(key, (await _permissions(request, [key]))[key.id], created.token)


async def update_api_key(
    _root: object, info: GraphQLResolveInfo[Request], *, name: str, api_key: Mapping[str, Any]
) -> APIKey:
    """Change a key; what is left out stays as it is."""
    request = info.context
    key = await _named(request, name)
    changes = changes_of(key, api_key)
    wanted = api_key.get("permissions")
    if wanted is not None:
        permissions = checked_permissions(wanted)
        # Who changes one thing in a form sends all of it; a key of another door then keeps the scope it has.
        if permissions != set((await _permissions(request, [key]))[key.id]):
            scope = scope_of(permissions)
            _hold(request, scope, "keys:update", "keys:own:update")
            changes = replace(changes, scope=scope)
    new_name = changes.handle if isinstance(changes.handle, str) else name
    view = await _claiming(request, new_name, update_key, changes)
    return shown(view.key, (await _permissions(request, [view.key]))[view.key.id])


async def delete_api_key(_root: object, info: GraphQLResolveInfo[Request], *, name: str) -> str:
    """Delete a key for good, and give its name."""
    request = info.context
    key = await _named(request, name)
    await request.asking.run(delete_keys, KeyIds((key.id,)))
    return name_of(key)


def _hold(request: Request, scope: Sequence[PolicyInput], *actions: str) -> None:
    """Raise `BeyondOwnRights` unless the key in use has all that it would grant; one that may do none is told that.

    What a key may do is confined by its owner's roles too, so more in its scope would come to nothing, until they grow.
    """
    caller, account = request.caller, request.account
    if any(caller.may(account.id, action) for action in actions):
        caller.require_holds(account.id, checked_scope(scope), "scope")


async def _permissions(request: Request, keys: Sequence[Key]) -> dict[str, tuple[str, ...]]:
    """The permissions of keys by their ids: what both their owners' roles and their scopes allow."""
    found: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(keys), MAX_AT_ONCE):
        ids = tuple(key.id for key in keys[start : start + MAX_AT_ONCE])
        allowed = await request.asking.run(allowed_actions, KeysQuestion(ids, EVERY_ACTION))
        found |= {key_id: permissions_of(actions) for key_id, actions in allowed.items()}
    return found


async def _named(request: Request, name: str) -> Key:
    """The key of this name that has not expired; raises `NotFound` for any other."""
    key = await _by_id(request, name) if is_id(name, "key") else None
    if key is None:
        key = await _by_handle(request, name)
    if key is None or is_over(key, request.clock.now()):
        raise missing()
    return key


async def _by_id(request: Request, name: str) -> Key | None:
    """The key that is called by its id, having no handle."""
    try:
        key = (await request.asking.run(get_key, KeyId(name))).key
    except NotFound:
        return None
    return key if key.handle is None else None


async def _by_handle(request: Request, name: str) -> Key | None:
    if not is_handle(name):
        return None
    query = KeyQuery(handle=name, limit=1)
    listed = await request.asking.run(list_keys, ListKeys(query=query))
    return listed.items[0].key if listed.items else None


async def _claiming(request: Request, name: str, use: UseCase[In, Out], data: In) -> Out:
    """Run a use case that gives a key this name; one that has expired gives it up, whether or not it was swept."""
    try:
        return await request.asking.run(use, data)
    except HandleTaken:
        holder = await _by_handle(request, name)
        if holder is not None:
            if not is_over(holder, request.clock.now()):
                raise
            await request.asking.run(delete_keys, KeyIds((holder.id,)))
    return await request.asking.run(use, data)
