"""The use cases of API keys."""

from __future__ import annotations

from dataclasses import replace
from types import NoneType
from typing import TYPE_CHECKING

from msgspec import UNSET

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.errors import InvalidValue, NotFound, OwnKey
from keywright.core.ids import is_id
from keywright.core.keys import Act, State, differs_in_use, transition, widened
from keywright.core.listing import KeySort
from keywright.core.tokens import Form, digest, form_of, hint, last_seven, mint
from keywright.services import cursors, replays
from keywright.services.catalog.vocabulary import vocabulary_of
from keywright.services.keys.owners import from_template, owner_of, settle, within_given_uses
from keywright.services.keys.rules import (
    changed,
    changes_between,
    default_limits,
    drafted,
    plain,
    sound,
    within_own_rights,
    within_own_uses,
)
from keywright.services.keys.shapes import CreatedKey, KeyList, KeyPlace, KeyView
from keywright.services.memberships import plain_grant
from keywright.services.places import EVERYWHERE
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keywright.core.keys import Key
    from keywright.services.callers import Caller
    from keywright.services.keys.shapes import (
        KeyChanges,
        KeyId,
        KeyIds,
        KeyQuestion,
        KeysQuestion,
        KeyToken,
        KeyTransfer,
        ListKeys,
        NewKey,
    )
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


def of_one(data: KeyId | KeyChanges | KeyTransfer | KeyQuestion) -> tuple[str]:
    """The resource that a call on one key concerns."""
    return (_resource(data.id),)


def of_each(data: KeyIds | KeysQuestion) -> tuple[str, ...]:
    """The resources that a call on several keys concerns."""
    return tuple(_resource(key_id) for key_id in data.ids)


def _tenant_of(new: NewKey) -> str | None:
    return new.tenant


@use_case(
    "keys.create",
    permission="keys:create",
    own="keys:own:create",
    reach=Reach.EITHER,
    changes=True,
    tenant=_tenant_of,
    fresh=True,
)
async def create_key(work: Work, asked: NewKey) -> CreatedKey:
    """Make a key that speaks for its maker, for another identity, or for one made for it alone.

    It can do no more than its maker. Raises `BeyondOwnRights`.
    """
    made = await replays.find(work, "keys.create", asked)
    if made is not None:
        return await _replayed(work, made)
    new = await from_template(work, asked)
    owner = await owner_of(work, new)
    key = drafted(work, new, owner)
    await within_given_uses(work, asked, key)
    if key.scope is not None:
        (await vocabulary_of(work)).check_policies(key.scope, "scope")
    if new.token_hash is None:
        token = mint(key.prefix)
        stored = digest(token.reveal())
        key = replace(key, hint=hint(token.reveal()), last_seven=last_seven(token.reveal()))
    else:
        token = None
        stored = checks.token_hash(new.token_hash)
    # First, so that a second request at this moment waits here, and not at a handle that is taken by then.
    await replays.remember(work, "keys.create", asked, key.id)
    given = await settle(work, new, owner)
    await within_own_rights(work, key)
    await work.transaction.keys(work.tenant_id).add(key, stored)
    changes = changes_between(None, key)
    if given:
        changes["memberships"] = Change(None, [plain_grant(one.grant) for one in given])
    work.record("key.create", "key", key.id, changes)
    return CreatedKey(KeyView(key, key.state(work.now), work.place, owner), token)


@use_case(
    "keys.get",
    permission="keys:read",
    own="keys:own:read",
    reach=Reach.EITHER,
    resources=of_one,
)
async def get_key(work: Work, wanted: KeyId) -> KeyView:
    """One key of the tenant."""
    return await view_of(work, await existing_key(work, wanted.id))


@use_case("keys.find", permission="keys:read", own="keys:own:read", reach=Reach.EITHER)
async def find_key(work: Work, wanted: KeyToken) -> KeyView:
    """The key of the tenant that has this token; it may be disabled or expired."""
    key = None
    if form_of(wanted.token) is not Form.MALFORMED:
        key = await work.transaction.keys(work.tenant_id).by_digest(digest(wanted.token))
    if key is None or not is_open(work, key):
        raise missing()
    return await view_of(work, key)


@use_case("keys.locate", permission=None, reach=Reach.SELF)
async def locate_key(work: Work, wanted: KeyId) -> KeyPlace:
    """Where the key with this id is, of all that the caller may read wherever they are.

    For doors whose calls name a key and no tenant. Raises `NotFound` for any other.
    """
    caller, key = work.caller, None
    if is_id(wanted.id, "key"):
        key = await work.transaction.all_keys.by_id(wanted.id)
    if key is None or not _may_read(caller, key):
        raise missing()
    if key.tenant_id is None:
        return KeyPlace(None, EVERYWHERE)
    tenant = await work.transaction.tenants.by_id(key.tenant_id)
    assert tenant is not None  # noqa: S101 - the keys of a tenant are deleted with it
    return KeyPlace(tenant, tenant.slug)


def _may_read(caller: Caller, key: Key) -> bool:
    resource = _resource(key.id)
    own = key.identity_id == caller.identity.id and caller.may(key.tenant_id, "keys:own:read", resource)
    return own or caller.may(key.tenant_id, "keys:read", resource)


@use_case(
    "keys.list",
    permission="keys:read",
    own="keys:own:read",
    reach=Reach.EITHER,
)
async def list_keys(work: Work, wanted: ListKeys) -> KeyList:
    """A page of the keys; deleted ones are in no list."""
    query = sound(wanted.query)
    if work.own_only:
        own = work.caller.identity.id
        query = replace(query, identity_id=own if query.identity_id in (None, own) else "none")
    order = f"keys.{query.sort}.{'desc' if query.descending else 'asc'}"
    if wanted.cursor is not None:
        query = replace(query, after=cursors.decode(order, wanted.cursor, _SORTED_BY[query.sort]))
    page = await work.transaction.keys(work.tenant_id).page(query, work.now)
    owners = await work.transaction.identities.named({key.identity_id for key in page.items})
    return cursors.listed(
        order,
        page,
        (KeyView(key, key.state(work.now), work.place, owners[key.identity_id]) for key in page.items),
    )


@use_case(
    "keys.update",
    permission="keys:update",
    own="keys:own:update",
    reach=Reach.EITHER,
    changes=True,
    touches=True,
    resources=of_one,
)
async def update_key(work: Work, wanted: KeyChanges) -> KeyView:
    """Change a key; changing nothing is allowed and leaves no trace. Credits that are set count anew from now on."""
    before = await existing_key(work, wanted.id, lock=True)
    not_own(work, before.id)
    after = changed(work, before, wanted)
    if after.scope is not None and after.scope != before.scope:
        (await vocabulary_of(work)).check_policies(after.scope, "scope")
    # The same credits again are a change: nodes hold some that they took before.
    recounted = wanted.credits is not UNSET and not before.credits is after.credits is None
    if after == before and not recounted:
        work.nothing_changed = True
        return await view_of(work, before)
    within_own_uses(work, before, after)
    given = widened(before, after, default_limits(work))
    if given is not None:
        await within_own_rights(work, after, given)
    await work.transaction.keys(work.tenant_id).change(after, recounted=recounted)
    if recounted or differs_in_use(before, after):
        work.touch(after.id)
    action = "key.update"
    if not recounted and after == replace(before, active=after.active):
        action = "key.enable" if after.active else "key.disable"
    changes = changes_between(before, after)
    if recounted:
        changes["credits"] = Change(plain(before.credits), plain(after.credits))
    work.record(action, "key", after.id, changes)
    return await view_of(work, after)


@use_case(
    "keys.delete",
    permission="keys:delete",
    own="keys:own:delete",
    reach=Reach.EITHER,
    changes=True,
    touches=True,
    resources=of_each,
)
async def delete_keys(work: Work, wanted: KeyIds) -> tuple[str, ...]:
    """Delete keys for good, all of them or none; answers their ids in the order asked for."""
    ids = tuple(dict.fromkeys(wanted.ids))
    if not 1 <= len(ids) <= MAX_AT_ONCE:
        raise InvalidValue(f"1 to {MAX_AT_ONCE} keys can be deleted at once.", field="ids")
    found = await existing_keys(work, ids, lock=True)
    for key_id in ids:
        not_own(work, key_id)
        transition(found[key_id].state(work.now), Act.DELETE)
    await work.transaction.keys(work.tenant_id).delete(ids, work.now)
    work.touch(*ids)
    for key_id in ids:
        work.record(
            "key.delete", "key", key_id, {"state": Change(found[key_id].state(work.now), State.DELETED)}
        )
    return ids


def missing(field: str | None = None) -> NotFound:
    """The one answer for a key that is not there or may not be seen."""
    return NotFound("No such key.", field=field)


async def existing_key(work: Work, key_id: str, *, lock: bool = False) -> Key:
    """The key with this id that the caller may do this with; raises `NotFound` for any other."""
    key = (
        await work.transaction.keys(work.tenant_id).by_id(key_id, lock=lock) if is_id(key_id, "key") else None
    )
    if key is None or not is_open(work, key):
        raise missing()
    return key


async def existing_keys(work: Work, ids: Sequence[str], *, lock: bool = False) -> Mapping[str, Key]:
    """The keys with these ids, each of which the caller may do this with; raises `NotFound` for any other."""
    keys = work.transaction.keys(work.tenant_id)
    found = await keys.by_ids([key_id for key_id in ids if is_id(key_id, "key")], lock=lock)
    for index, key_id in enumerate(ids):
        if key_id not in found or not is_open(work, found[key_id]):
            raise missing(None if len(ids) == 1 else f"ids.{index}")
    return found


def is_open(work: Work, key: Key) -> bool:
    """Whether the caller may do this with a key: with any, or with those alone that speak for itself."""
    return not work.own_only or key.identity_id == work.caller.identity.id


async def view_of(work: Work, key: Key) -> KeyView:
    """A key with what a reader wants beside it."""
    owner = await work.transaction.identities.by_id(key.identity_id)
    return KeyView(key, key.state(work.now), work.place, owner)


def not_own(work: Work, key_id: str) -> None:
    """Raise `OwnKey` for the key that the call is made with."""
    if work.caller.credential_id == key_id:
        raise OwnKey("A key may not change or delete itself. Use another credential.")


async def _replayed(work: Work, key_id: str) -> CreatedKey:
    key = await work.transaction.keys(work.tenant_id).by_id(key_id)
    work.nothing_changed = True
    if key is None:
        raise replays.gone()
    return CreatedKey(await view_of(work, key), None, replayed=True)
