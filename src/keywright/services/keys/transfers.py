"""Change of owner, what a key may do, and why it may or may not."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.decision import Asked, Decision, decide
from keywright.core.errors import InvalidValue, MissingField
from keywright.core.identities import grants_in, is_slug, role_set
from keywright.core.instants import to_us
from keywright.core.permissions import compile_policies
from keywright.core.permissions.covering import Covering
from keywright.core.permissions.meeting import meet
from keywright.core.ports import KeyFacts
from keywright.services.keys.owners import owner_named
from keywright.services.keys.rules import within_own_rights
from keywright.services.keys.shapes import TransferredKey
from keywright.services.keys.use_cases import (
    MAX_AT_ONCE,
    existing_key,
    existing_keys,
    not_own,
    of_each,
    of_one,
    view_of,
)
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.identities import Grant, Tenant
    from keywright.core.keys import Key
    from keywright.core.permissions import Policies, Policy
    from keywright.services.keys.shapes import KeyQuestion, KeysQuestion, KeyTransfer
    from keywright.services.work import Work

MAX_SHOWN = 200
"""Policies that a change of owner shows at most, on either side."""


@use_case(
    "keys.transfer",
    permission="keys:update",
    reach=Reach.EITHER,
    changes=True,
    touches=True,
    resources=of_one,
    fresh=True,
)
async def transfer_key(work: Work, wanted: KeyTransfer) -> TransferredKey:
    """Make a key speak for another identity; what it may do follows that one's roles from then on.

    Answers what the key may do more and less than before; without `confirm` nothing is changed. Raises
    `BeyondOwnRights` when the key would be allowed what the caller is not.
    """
    before = await existing_key(work, wanted.id, lock=True)
    not_own(work, before.id)
    owner = await owner_named(work, wanted.identity_id)
    after = replace(before, identity_id=owner.id)
    await within_own_rights(work, after, "identity_id")
    had, has = await _effective(work, before), await _effective(work, after)
    gained, lost = _beyond(had, has), _beyond(has, had)
    if not wanted.confirm or after == before:
        work.nothing_changed = True
        return TransferredKey(await view_of(work, after), wanted.confirm, gained, lost)
    await work.transaction.keys(work.tenant_id).give(after.id, owner.id, work.now)
    work.touch(after.id)
    work.record(
        "key.transfer", "key", after.id, {"identity_id": Change(before.identity_id, after.identity_id)}
    )
    return TransferredKey(await view_of(work, after), True, gained, lost)  # noqa: FBT003 - confirmed


@use_case(
    "keys.explain",
    permission="keys:read",
    own="keys:own:read",
    reach=Reach.EITHER,
    resources=of_one,
)
async def explain_key(work: Work, question: KeyQuestion) -> Decision:
    """Why a key may or may not do something now, without its token; to ask is not to use it."""
    key = await existing_key(work, question.id)
    if question.resource is not None and question.action is None:
        raise MissingField("A resource is asked about together with an action.", field="action")
    asked = Asked(
        tenant=question.where,
        action=None if question.action is None else checks.action(question.action),
        resource=None if question.resource is None else checks.action(question.resource, "resource"),
        ip=None if question.ip is None else checks.address(question.ip),
        explain=True,
    )
    identity = (await work.transaction.identities.named({key.identity_id}))[key.identity_id]
    facts = KeyFacts(key, identity, work.place, await _grants(work, key))
    return decide(facts, asked, to_us(work.now), await _where(work, question.where))


@use_case(
    "keys.allowed",
    permission="keys:read",
    own="keys:own:read",
    reach=Reach.EITHER,
    resources=of_each,
)
async def allowed_actions(work: Work, asked: KeysQuestion) -> dict[str, frozenset[str]]:
    """Which of some actions each of some keys may do on every resource there, by its id; its state does not count.

    What a key may do follows from its owner's roles and its scope.
    """
    ids = tuple(dict.fromkeys(asked.ids))
    if max(len(ids), len(asked.actions)) > MAX_AT_ONCE:
        raise InvalidValue(f"At most {MAX_AT_ONCE} keys and actions are asked about at once.", field="ids")
    actions = [checks.action(one, f"actions.{index}") for index, one in enumerate(asked.actions)]
    found = await existing_keys(work, ids)
    held: dict[str, Policies] = {}
    for key in found.values():
        if key.identity_id not in held:
            grants = await _grants(work, key)
            held[key.identity_id] = role_set(grants_in(grants, key.tenant_id)).policies
    return {key.id: _allowed(held[key.identity_id], key.scope, actions) for key in found.values()}


def _allowed(held: Policies, scope: tuple[Policy, ...] | None, actions: Sequence[str]) -> frozenset[str]:
    both = (held,) if scope is None else (held, compile_policies(scope))
    return frozenset(action for action in actions if all(one.allows(action) for one in both))


async def _where(work: Work, slug: str | None) -> Tenant | None:
    """The tenant in which a global key is asked about, None where there is none of this slug."""
    if slug is None or work.place is not None or not is_slug(slug):
        return None
    return await work.transaction.tenants.by_slug(slug)


async def _grants(work: Work, key: Key) -> tuple[Grant, ...]:
    """The roles that count for a key, as a look-up would find them."""
    held = await work.transaction.all_memberships.grants(key.identity_id)
    return held if key.tenant_id is None else grants_in(held, key.tenant_id)


async def _effective(work: Work, key: Key) -> tuple[Policy, ...]:
    """What a key may do in its tenant, or with the installation, as policies."""
    held = role_set(grants_in(await _grants(work, key), key.tenant_id)).policies.policies
    return held if key.scope is None else meet(held, key.scope)


def _beyond(some: tuple[Policy, ...], others: tuple[Policy, ...]) -> tuple[Policy, ...]:
    """Those of the others that some do not cover."""
    covering = Covering(some)
    return tuple(islice((one for one in others if not covering.covers(one)), MAX_SHOWN))
