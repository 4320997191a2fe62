"""Whom a key speaks for, and what it takes from a template of the catalog."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from keywright.core import checks
from keywright.core.errors import InvalidValue, PermissionDenied
from keywright.core.identities import Identity, IdentityKind
from keywright.core.ids import new_id
from keywright.services.catalog.vocabulary import template_of
from keywright.services.keys.rules import within_own_uses
from keywright.services.limits import CreditsInput, LimitInput, RefillInput
from keywright.services.memberships import give, known_identity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.identities import Membership
    from keywright.core.keys import Key, Ranges
    from keywright.core.limits import Credits, Limit
    from keywright.core.permissions import Policy
    from keywright.services.keys.shapes import NewKey, PolicyInput
    from keywright.services.work import Work

_OTHERS = "This needs the permission keys:create: a key for somebody else than oneself."


async def owner_of(work: Work, new: NewKey) -> Identity:
    """The identity that a new key is to speak for: its maker, the one named, or one that is yet to be stored."""
    if new.memberships is not None:
        if new.identity_id is not None:
            raise InvalidValue("Name an identity or memberships, not both.", field="memberships")
        if work.own_only:
            raise PermissionDenied(_OTHERS, field="memberships")
        return Identity(
            id=new_id("idn"),
            kind=IdentityKind.KEY,
            name=checks.name(new.name),
            active=True,
            tenant_id=work.tenant_id,
            created_at=work.now,
        )
    if new.identity_id is None or new.identity_id == work.caller.identity.id:
        return work.caller.identity
    if work.own_only:
        raise PermissionDenied(_OTHERS, field="identity_id")
    return await owner_named(work, new.identity_id)


async def owner_named(work: Work, identity_id: str) -> Identity:
    """The identity with this id that can own a key there: over the installation anybody that no tenant owns."""
    return await known_identity(work, identity_id, everybody=work.place is None)


async def settle(work: Work, new: NewKey, owner: Identity) -> tuple[Membership, ...]:
    """Store an identity that is made for the key alone, with its roles; nothing is done for any other."""
    if new.memberships is None:
        return ()
    await work.transaction.identities.add(owner)
    return await give(work, owner, new.memberships)


async def from_template(work: Work, new: NewKey) -> NewKey:
    """What is asked for, with each field that was left out as the template says, if one was named."""
    if new.template is None:
        return new
    if work.place is None:
        raise InvalidValue("Only a tenant has key templates.", field="template")
    template = await template_of(work, new.template)
    return replace(
        new,
        description=new.description or template.description,
        scope=_scope(template.scope) if new.scope is None else new.scope,
        expires_at=new.expires_at
        or (None if template.expires_in is None else work.now + timedelta(seconds=template.expires_in)),
        allowed_cidrs=_texts(template.allowed_cidrs) if new.allowed_cidrs is None else new.allowed_cidrs,
        metadata=_object(template.metadata) if new.metadata is None else new.metadata,
        limits=_limits(template.limits) if new.limits is None else new.limits,
        credits=_credits(template.credits) if new.credits is None else new.credits,
        prefix=template.prefix if new.prefix is None else new.prefix,
    )


async def within_given_uses(work: Work, asked: NewKey, key: Key) -> None:
    """Raise `PermissionDenied` where a new key of somebody who may make its own alone has more uses than are usual."""
    if work.own_only and asked.limits is not None:
        usual = (await from_template(work, replace(asked, limits=None))).limits
        limits = None if usual is None else checks.limits(usual)
        within_own_uses(work, replace(key, limits=limits), key)


def _scope(scope: Sequence[Policy] | None) -> tuple[PolicyInput, ...] | None:
    if scope is None:
        return None
    return tuple(
        (
            tuple(one.text for one in policy.actions),
            None if policy.resources is None else tuple(one.text for one in policy.resources),
        )
        for policy in scope
    )


def _texts(ranges: Ranges | None) -> tuple[str, ...] | None:
    return None if ranges is None else tuple(map(str, ranges))


def _limits(limits: Sequence[Limit] | None) -> tuple[LimitInput, ...] | None:
    if limits is None:
        return None
    return tuple(LimitInput(one.name, one.limit, one.window_seconds) for one in limits)


def _credits(credits_: Credits | None) -> CreditsInput | None:
    if credits_ is None:
        return None
    refill = credits_.refill
    return CreditsInput(
        credits_.remaining, None if refill is None else RefillInput(refill.amount, refill.every)
    )


def _object(text: str | None) -> dict[str, object] | None:
    return None if text is None else json.loads(text)
