"""API keys: create, read, list, change and delete."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.errors import IdempotencyKeyReused, InvalidValue, NotFound, OwnKey
from keywright.core.ids import is_id, new_id
from keywright.core.instants import rfc3339
from keywright.core.keys import Act, Key, State, transition
from keywright.core.listing import MAX_PAGE, KeyQuery
from keywright.core.permissions import Policy
from keywright.core.tokens import DEFAULT_PREFIX, Token, digest, hint, last_seven, mint
from keywright.services import cursors, replays
from keywright.services.work import use_case

if TYPE_CHECKING:
    from keywright.core.identities import Identity, Tenant
    from keywright.services.work import Work

PolicyInput = tuple[tuple[str, ...], tuple[str, ...] | None]
"""One policy as it comes from a door: actions, and resources or None for all."""

MAX_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What a caller says of the key that it wants; the values are checked here, not at the door."""

    name: str
    description: str = ""
    handle: str | None = None
    scope: tuple[PolicyInput, ...] | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None
    allowed_cidrs: tuple[str, ...] | None = None
    metadata: dict[str, object] | None = None
    prefix: str | None = None
    token_hash: str | None = None
    tenant: str | None = None
    """The tenant's slug, where the credential and the call do not say it."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key with what a reader wants beside it."""

    key: Key
    state: State
    tenant: Tenant | None
    owner: Identity | None


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A created key; the token is shown this once, and is None when the caller brought its hash.

    `replayed` says that the same creation was made before under this idempotency key: it is that key, and
    its token cannot be shown again.
    """

    view: KeyView
    token: Token | None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class KeyList:
    """A page of keys; `cursors[i]` is the place after item i, and `more` says whether anything follows."""

    items: tuple[KeyView, ...]
    cursors: tuple[str, ...]
    more: bool

    @property
    def next_cursor(self) -> str | None:
        """The cursor of the next page, or None at the end."""
        return self.cursors[-1] if self.more else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKeys:
    """A question for a list: `KeyQuery` with a cursor in place of its position."""

    query: KeyQuery
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class KeyId:
    """The id of one key."""

    id: str


@dataclass(frozen=True, slots=True)
class KeyIds:
    """The ids of some keys, to be deleted together or not at all."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChanges:
    """What is to change of a key; a field that is left `UNSET` stays as it is."""

    id: str
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    handle: str | UnsetType | None = UNSET
    scope: tuple[PolicyInput, ...] | UnsetType | None = UNSET
    not_before: datetime | UnsetType | None = UNSET
    expires_at: datetime | UnsetType | None = UNSET
    allowed_cidrs: tuple[str, ...] | UnsetType | None = UNSET
    metadata: dict[str, object] | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


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
    key = _drafted(work, new)
    work.caller.require_covers(key.scope, "scope")
    if new.token_hash is None:
        token = mint(key.prefix)
        stored = digest(token.reveal())
        key = replace(key, hint=hint(token.reveal()), last_seven=last_seven(token.reveal()))
    else:
        token = None
        stored = checks.token_hash(new.token_hash)
    await work.transaction.keys(work.tenant.id).add(key, stored)
    await replays.remember(work, "keys.create", new, key.id)
    work.record("key.create", "key", key.id, changes_between(None, key))
    return CreatedKey(KeyView(key, key.state(work.now), work.tenant, work.caller.identity), token)


@use_case("keys.get", permission="keys:read", resources=_of_one)
async def get_key(work: Work, wanted: KeyId) -> KeyView:
    """One key of the tenant."""
    return await _view(work, await _existing(work, wanted.id))


@use_case("keys.list", permission="keys:read")
async def list_keys(work: Work, wanted: ListKeys) -> KeyList:
    """A page of the tenant's keys; deleted ones are in no list."""
    query = wanted.query
    if not 1 <= query.limit <= MAX_PAGE:
        raise InvalidValue(f"A page has 1 to {MAX_PAGE} items.", field="limit")
    if query.name_prefix is not None:
        checks.name_prefix(query.name_prefix)
    if query.handle is not None:
        checks.handle(query.handle)
    order = f"keys.{query.sort}.{'desc' if query.descending else 'asc'}"
    if wanted.cursor is not None:
        query = replace(query, after=cursors.decode(order, wanted.cursor))
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
    after = _changed(work, before, wanted)
    if after == before:
        work.nothing_changed = True
        return await _view(work, before)
    if wanted.scope is not UNSET:
        work.caller.require_covers(after.scope, "scope")
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
        raise IdempotencyKeyReused("The key that was made under this idempotency key has been deleted since.")
    return CreatedKey(await _view(work, key), None, replayed=True)


def _drafted(work: Work, new: NewKey) -> Key:
    """The key that is asked for, with every value checked."""
    not_before = None if new.not_before is None else checks.moment(new.not_before, "not_before")
    expires_at = None if new.expires_at is None else checks.moment(new.expires_at, "expires_at")
    checks.future(expires_at, work.now)
    checks.window(not_before, expires_at)
    return Key(
        id=new_id("key"),
        tenant_id=work.tenant.id,
        identity_id=work.caller.identity.id,
        name=checks.name(new.name),
        handle=None if new.handle is None else checks.handle(new.handle),
        description=checks.description(new.description),
        prefix=DEFAULT_PREFIX if new.prefix is None else checks.prefix(new.prefix),
        hint=None,
        last_seven=None,
        created_at=work.now,
        created_by=work.caller.identity.id,
        not_before=not_before,
        expires_at=expires_at,
        active=True,
        scope=None if new.scope is None else checks.scope(new.scope),
        allowed_cidrs=None if new.allowed_cidrs is None else checks.cidrs(new.allowed_cidrs),
        metadata=checks.metadata(new.metadata or {}),
        last_used_at=None,
        last_used_ip=None,
    )


def _changed(work: Work, key: Key, wanted: KeyChanges) -> Key:
    """The key with the wanted changes, each value checked as at creation."""
    if wanted.name is not UNSET:
        key = replace(key, name=checks.name(wanted.name))
    if wanted.description is not UNSET:
        key = replace(key, description=checks.description(wanted.description))
    if wanted.handle is not UNSET:
        key = replace(key, handle=None if wanted.handle is None else checks.handle(wanted.handle))
    if wanted.scope is not UNSET:
        key = replace(key, scope=None if wanted.scope is None else checks.scope(wanted.scope))
    if wanted.allowed_cidrs is not UNSET:
        key = replace(
            key, allowed_cidrs=None if wanted.allowed_cidrs is None else checks.cidrs(wanted.allowed_cidrs)
        )
    if wanted.metadata is not UNSET:
        key = replace(key, metadata=checks.metadata(wanted.metadata or {}))
    key = _moved(work, key, wanted)
    if wanted.active is not UNSET and wanted.active != key.active:
        state = transition(key.state(work.now), Act.ENABLE if wanted.active else Act.DISABLE)
        key = replace(key, active=state is State.ACTIVE)
    return key


def _moved(work: Work, key: Key, wanted: KeyChanges) -> Key:
    """The key with its span of validity changed. An expiry already reached may stay, but not be set."""
    if wanted.not_before is not UNSET:
        start = None if wanted.not_before is None else checks.moment(wanted.not_before, "not_before")
        key = replace(key, not_before=start)
    if wanted.expires_at is not UNSET:
        end = None if wanted.expires_at is None else checks.moment(wanted.expires_at, "expires_at")
        if end != key.expires_at:
            checks.future(end, work.now)
        key = replace(key, expires_at=end)
    checks.window(key.not_before, key.expires_at)
    return key


_AUDITED = (
    "name",
    "handle",
    "description",
    "prefix",
    "identity_id",
    "not_before",
    "expires_at",
    "active",
    "scope",
    "allowed_cidrs",
    "metadata",
)


def changes_between(before: Key | None, after: Key) -> dict[str, Change]:
    """What differs between two versions of a key, in plain values; against None, all that is not empty."""
    found = {}
    for name in _AUDITED:
        old = None if before is None else _plain(getattr(before, name))
        new = _plain(getattr(after, name))
        if old != new:
            found[name] = Change(old, new)
    return found


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, tuple):
        return [one.to_plain() if isinstance(one, Policy) else str(one) for one in value]
    return value
