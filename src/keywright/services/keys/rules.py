"""What a key may be, may become and may hand out."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import UNSET

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.errors import ExpiryRequired, InvalidValue, LifetimeTooLong, PermissionDenied
from keywright.core.identities import TenantSettings
from keywright.core.ids import is_id, new_id
from keywright.core.instants import rfc3339
from keywright.core.keys import Act, Key, State, transition, used_more
from keywright.core.limits import Credits, Limit
from keywright.core.listing import MAX_PAGE, Between, KeyQuery
from keywright.core.permissions import Policy
from keywright.core.tokens import DEFAULT_PREFIX
from keywright.services.limits import given_credits

if TYPE_CHECKING:
    from keywright.core.identities import Identity
    from keywright.services.keys.shapes import KeyChanges, NewKey
    from keywright.services.work import Work


def sound(query: KeyQuery) -> KeyQuery:
    """The question for a list, with every value checked."""
    if not 1 <= query.limit <= MAX_PAGE:
        raise InvalidValue(f"A page has 1 to {MAX_PAGE} items.", field="limit")
    if query.name_prefix is not None:
        checks.name_prefix(query.name_prefix)
    if query.handle is not None:
        checks.handle(query.handle)
    owner = query.identity_id
    return replace(
        query,
        search=None if query.search is None else checks.search(query.search),
        identity_id=owner if owner is None or is_id(owner, "idn") else "none",
        created=_span(query.created, "created"),
        expires=_span(query.expires, "expires"),
        last_used=_span(query.last_used, "last_used"),
    )


def _span(span: Between, name: str) -> Between:
    return Between(
        None if span.since is None else checks.moment(span.since, f"{name}_since"),
        None if span.until is None else checks.moment(span.until, f"{name}_until"),
    )


def drafted(work: Work, new: NewKey, owner: Identity) -> Key:
    """The key that is asked for, with every value checked."""
    settings = _settings(work)
    not_before = None if new.not_before is None else checks.moment(new.not_before, "not_before")
    expires_at = None if new.expires_at is None else checks.moment(new.expires_at, "expires_at")
    checks.future(expires_at, work.now)
    checks.window(not_before, expires_at)
    _within_lifetime(settings, expires_at, work.now)
    return Key(
        id=new_id("key"),
        tenant_id=work.tenant_id,
        identity_id=owner.id,
        name=checks.name(new.name),
        handle=None if new.handle is None else checks.handle(new.handle),
        description=checks.description(new.description),
        prefix=(settings.key_prefix or DEFAULT_PREFIX) if new.prefix is None else checks.prefix(new.prefix),
        hint=None,
        last_seven=None,
        created_at=work.now,
        created_by=work.caller.identity.id,
        not_before=not_before,
        expires_at=expires_at,
        active=new.active,
        scope=None if new.scope is None else checks.scope(new.scope),
        allowed_cidrs=None if new.allowed_cidrs is None else checks.cidrs(new.allowed_cidrs),
        metadata=checks.metadata(new.metadata or {}),
        limits=None if new.limits is None else checks.limits(new.limits),
        credits=given_credits(new.credits, work.now),
        last_used_at=None,
        last_used_ip=None,
    )


def changed(work: Work, key: Key, wanted: KeyChanges) -> Key:
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
    if wanted.limits is not UNSET:
        key = replace(key, limits=None if wanted.limits is None else checks.limits(wanted.limits))
    if wanted.credits is not UNSET:
        key = replace(key, credits=given_credits(wanted.credits, work.now))
    key = _moved(work, key, wanted)
    if wanted.active is not UNSET:
        # To enable is judged by what the clock alone says: a disabled key does not show that it has expired.
        judged = replace(key, active=True) if wanted.active else key
        state = transition(judged.state(work.now), Act.ENABLE if wanted.active else Act.DISABLE)
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
            _within_lifetime(_settings(work), end, work.now)
        key = replace(key, expires_at=end)
    checks.window(key.not_before, key.expires_at)
    return key


def _settings(work: Work) -> TenantSettings:
    return TenantSettings() if work.place is None else work.place.settings


def _within_lifetime(settings: TenantSettings, expires_at: datetime | None, now: datetime) -> None:
    """A key ends as soon as its tenant wants it to. Raises `ExpiryRequired` and `LifetimeTooLong`."""
    if expires_at is None:
        if settings.keys_must_expire:
            raise ExpiryRequired("Keys of this tenant need an expiry.", field="expires_at")
        return
    longest = settings.max_key_lifetime_seconds
    if longest is not None and expires_at - now > timedelta(seconds=longest):
        raise LifetimeTooLong(
            f"Keys of this tenant live at most {longest} seconds from now.", field="expires_at"
        )


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
    "limits",
    "credits",
)


def changes_between(before: Key | None, after: Key) -> dict[str, Change]:
    """What differs between two versions of a key, in plain values; against None, all that is not empty."""
    found = {}
    for name in _AUDITED:
        old = None if before is None else plain(getattr(before, name))
        new = plain(getattr(after, name))
        if old != new:
            found[name] = Change(old, new)
    return found


def plain(value: object) -> object:
    """A field of a key as the audit trail has it."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, tuple):
        return [_item(one) for one in value]
    if isinstance(value, Credits):
        return asdict(value) | {"refill_at": plain(value.refill_at)}
    return value


def _item(value: object) -> object:
    if isinstance(value, Policy):
        return value.to_plain()
    return asdict(value) if isinstance(value, Limit) else str(value)


def within_own_uses(work: Work, before: Key, after: Key) -> None:
    """Raise `PermissionDenied` where somebody who may manage its own keys alone would let one be used more often.

    Limits and credits are set for such a one, and not by it, while it may narrow them.
    """
    field = used_more(before, after, default_limits(work)) if work.own_only else None
    if field is not None:
        raise PermissionDenied(
            "This needs the permission keys:update: more uses of a key than were given to its owner.",
            field=field,
        )


def default_limits(work: Work) -> tuple[Limit, ...]:
    """The limits of keys of the call's tenant that have none of their own."""
    return _settings(work).default_limits


async def within_own_rights(work: Work, key: Key, field: str = "scope") -> None:
    """Raise `BeyondOwnRights` when the key would be allowed what the caller is not."""
    caller = work.caller
    grants = caller.grants
    if key.identity_id != caller.identity.id:
        grants = await work.transaction.all_memberships.grants(key.identity_id)
    caller.require_covers(work.tenant_id, grants, key.scope, field)
