"""API keys: what one is, the states it can be in and which change leads from one state to another."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from keywright.core.errors import IllegalTransition, NotFound
from keywright.core.limits import more_credits, more_often

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from ipaddress import IPv4Network, IPv6Network

    from keywright.core.limits import Credits, Limit
    from keywright.core.permissions import Policy

    Ranges: TypeAlias = tuple[IPv4Network | IPv6Network, ...]


class State(StrEnum):
    """The states of a key. Only `active` lets it be used; `deleted` is final."""

    ACTIVE = "active"
    DISABLED = "disabled"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    DELETED = "deleted"


class Act(StrEnum):
    """What can be done to a key's state."""

    ENABLE = "enable"
    DISABLE = "disable"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedKey:
    """What counts of a key when it is used: a credential of one identity, in one tenant or (`tenant_id` None) global.

    Nothing in it can be turned back into the token. `scope` None means that the key may do all that
    its identity may; `allowed_cidrs` None means from any address; `limits` None means those that its tenant
    has for such keys; `credits` None means that it may be used any number of times. `metadata` is the canonical
    JSON text of an object.
    """

    id: str
    tenant_id: str | None
    identity_id: str
    name: str
    not_before: datetime | None
    expires_at: datetime | None
    active: bool
    scope: tuple[Policy, ...] | None
    allowed_cidrs: tuple[IPv4Network | IPv6Network, ...] | None
    metadata: str
    limits: tuple[Limit, ...] | None = None
    credits: Credits | None = None
    deleted_at: datetime | None = None

    def state(self, now: datetime) -> State:
        """The state at a moment. A switch thrown by a person stands before what follows from the clock."""
        if self.deleted_at is not None:
            return State.DELETED
        if not self.active:
            return State.DISABLED
        if self.expires_at is not None and now >= self.expires_at:
            return State.EXPIRED
        if self.not_before is not None and now < self.not_before:
            return State.NOT_YET_VALID
        return State.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Key(UsedKey):
    """A key with all that is known of it. `hint` and `last_seven` are None when Keywright never saw the token."""

    handle: str | None
    description: str
    prefix: str
    hint: str | None
    last_seven: str | None
    created_at: datetime
    created_by: str | None
    last_used_at: datetime | None
    last_used_ip: str | None


def differs_in_use(before: Key, after: Key) -> bool:
    """Whether anything differs that counts when the key is used; its description, for one, does not."""
    return any(getattr(before, one.name) != getattr(after, one.name) for one in fields(UsedKey))


def widened(before: Key, after: Key, default_limits: tuple[Limit, ...] = ()) -> str | None:
    """The first field by whose change a key lets its holder do more, longer or more often; None if none does.

    A changed scope counts always: whether it is wider than the old one is not what matters to who grants it.
    `default_limits` are those of the tenant for keys without limits of their own.
    """
    if after.scope != before.scope:
        return "scope"
    if after.active and not before.active:
        return "active"
    if _later(before.expires_at, after.expires_at):
        return "expires_at"
    if before.not_before is not None and (after.not_before is None or after.not_before < before.not_before):
        return "not_before"
    if _reaches_further(before.allowed_cidrs, after.allowed_cidrs):
        return "allowed_cidrs"
    return used_more(before, after, default_limits)


def used_more(before: Key, after: Key, default_limits: tuple[Limit, ...]) -> str | None:
    """Which of `limits` and `credits` lets a key be used more often than before; None if neither does."""
    old, new = (default_limits if key.limits is None else key.limits for key in (before, after))
    if more_often(old, new):
        return "limits"
    return "credits" if more_credits(before.credits, after.credits) else None


def _later(before: datetime | None, after: datetime | None) -> bool:
    return before is not None and (after is None or after > before)


def _reaches_further(before: Ranges | None, after: Ranges | None) -> bool:
    if before is None:
        return False
    return after is None or not all(any(_within(one, other) for other in before) for one in after)


def _within(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    return one.version == other.version and one.network_address in other and one.prefixlen >= other.prefixlen


_REACHES: Mapping[Act, State] = {
    Act.ENABLE: State.ACTIVE,
    Act.DISABLE: State.DISABLED,
    Act.DELETE: State.DELETED,
}


def transition(state: State, act: Act) -> State:
    """The state that an act leads to, leaving the clock aside.

    Repeating an act changes nothing and is allowed. Raises `NotFound` for whatever is deleted, and
    `IllegalTransition` for enabling an expired key: it would still be refused, so it needs a later expiry.
    """
    if state is State.DELETED:
        raise NotFound("No such key.")
    if act is Act.ENABLE and state is State.EXPIRED:
        raise IllegalTransition("The key has expired. Give it a later expiry instead of enabling it.")
    return _REACHES[act]
