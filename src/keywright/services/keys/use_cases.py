"""The use cases of API keys."""

from __future__ import annotations

from dataclasses import replace
from types import NoneType
from typing import TYPE_CHECKING

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.errors import InvalidValue, NotFound, OwnKey
from keywright.core.ids import is_id
from keywright.core.keys import Act, State, transition, widened
from keywright.core.listing import KeySort
from keywright.core.tokens import digest, hint, last_seven, mint
from keywright.services import cursors, replays
from keywright.services.keys.rules import changed, changes_between, drafted, sound, within_own_rights
from keywright.services.keys.shapes import CreatedKey, KeyList, KeyView
from keywright.services.work import use_case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.core.keys import Key
    from keywright.services.keys.shapes import KeyChanges, KeyId, KeyIds, ListKeys, NewKey
    from keywright.services.work import Work

MAX_AT_ONCE = 1_000
_SORTED_BY: Mapping[KeySort, type] = {
    KeySort.CREATED_AT: NoneType,
    KeySort.NAME: str,
    KeySort.EXPIRES_AT: int,
    KeySort.LAST_USED_AT: int,
}
"""What a cursor holds beside an id, by the order of the list."""


def _resource(key_id: str) -> str:
    """The resource of a key; an id in no form of ours names a key that is not there, which denies alike."""
    return f"key:{key_id}" if is_id(key_id, "key") else "key:none"


def _of_one(data: KeyId | KeyChanges) -> tuple[str]:
    return (_resource(data.id),)


def _of_each(data: KeyIds) -> tuple[str, ...]:
    return tuple(_resource(key_id) for key_id in data.ids)


def _tenant_of(new: NewKey) -> str | None:
    return new.tenant


@use_case("keys.create", permission="keys:create", changes=True, tenant=_tenant_of)
async def create_key(work: Work, new: NewKey) -> CreatedKey:
    """Make a key in the call's tenant that speaks for its maker."""
    made = await replays.find(work, "keys.create", new)
    if made is not None:
        return await _replayed(work, made)
    key = drafted(work, new)
    await within_own_rights(work, key)
    if new.token_hash is None:
        token = mint(key.prefix)
        stored = digest(token.reveal())
        key = replace(key, hint=hint(token.reveal()), last_seven=last_seven(token.reveal()))
    else:
        token = None
        stored = checks.token_hash(new.token_hash)
    # First, so that a second request at this moment waits here, and not at a handle that is taken by then.
    await replays.remember(work, "keys.create", new, key.id)
    await work.transaction.keys(work.tenant.id).add(key, stored)
    work.record("key.create", "key", key.id, changes_between(None, key))
    return CreatedKey(KeyView(key, key.state(work.now), work.tenant, work.caller.identity), token)


@use_case("keys.get", permission="keys:read", resources=_of_one)
async def get_key(work: Work, wanted: KeyId) -> KeyView:
    """One key of the tenant."""
    return await _view(work, await _existing(work, wanted.id))


@use_case("keys.list", permission="keys:read")
async def list_keys(work: Work, wanted: ListKeys) -> KeyList:
    """A page of the tenant's keys; deleted ones are in no list."""
    query = sound(wanted.query)
    order = f"keys.{query.sort}.{'desc' if query.descending else 'asc'}"
    if wanted.cursor is not None:
        query = replace(query, after=cursors.decode(order, wanted.cursor, _SORTED_BY[query.sort]))
    page = await work.transaction.keys(work.tenant.id).page(query, work.now)
    owners = await work.transaction.identities.named({key.identity_id for key in page.items})
    return KeyList(
        tuple(KeyView(key, key.state(work.now), work.tenant, owners[key.identity_id]) for key in page.items),
        tuple(cursors.encode(order, position) for position in page.positions),
        more=page.more,
    )


@use_case("keys.update", permission="keys:update", changes=True, resources=_of_one)
async def update_key(work: Work, wanted: KeyChanges) -> KeyView:
    """Change a key; changing nothing is allowed and leaves no trace."""
    before = await _existing(work, wanted.id, lock=True)
    _not_own(work, before.id)
    after = changed(work, before, wanted)
    if after == before:
        work.nothing_changed = True
        return await _view(work, before)
    given = widened(before, after)
    if given is not None:
        await within_own_rights(work, after, given)
    await work.transaction.keys(work.tenant.id).change(after)
    action = "key.update"
    if after == replace(before, active=after.active):
        action = "key.enable" if after.active else "key.disable"
    work.record(action, "key", after.id, changes_between(before, after))
    return await _view(work, after)


@use_case("keys.delete", permission="keys:delete", changes=True, resources=_of_each)
async def delete_keys(work: Work, wanted: KeyIds) -> tuple[str, ...]:
    """Delete keys for good, all of them or none; answers their ids in the order asked for."""
    ids = tuple(dict.fromkeys(wanted.ids))
    if not 1 <= len(ids) <= MAX_AT_ONCE:
        raise InvalidValue(f"1 to {MAX_AT_ONCE} keys can be deleted at once.", field="ids")
    keys = work.transaction.keys(work.tenant.id)
    found = await keys.by_ids([key_id for key_id in ids if is_id(key_id, "key")], lock=True)
    for index, key_id in enumerate(ids):
        if key_id not in found:
            raise missing(None if len(ids) == 1 else f"ids.{index}")
        _not_own(work, key_id)
        transition(found[key_id].state(work.now), Act.DELETE)
    await keys.delete(ids, work.now)
    for key_id in ids:
        work.record(
            "key.delete", "key", key_id, {"state": Change(found[key_id].state(work.now), State.DELETED)}
        )
    return ids


def missing(field: str | None = None) -> NotFound:
    """The one answer for a key that is not there or may not be seen."""
    return NotFound("No such key.", field=field)


async def _existing(work: Work, key_id: str, *, lock: bool = False) -> Key:
    key = (
        await work.transaction.keys(work.tenant.id).by_id(key_id, lock=lock) if is_id(key_id, "key") else None
    )
    if key is None:
        raise missing()
    return key


async def _view(work: Work, key: Key) -> KeyView:
    owner = await work.transaction.identities.by_id(key.identity_id)
    return KeyView(key, key.state(work.now), work.tenant, owner)


def _not_own(work: Work, key_id: str) -> None:
    if work.caller.credential_id == key_id:
        raise OwnKey("A key may not change or delete itself. Use another credential.")


async def _replayed(work: Work, key_id: str) -> CreatedKey:
    key = await work.transaction.keys(work.tenant.id).by_id(key_id)
    work.nothing_changed = True
    if key is None:
        raise replays.gone()
    return CreatedKey(await _view(work, key), None, replayed=True)
