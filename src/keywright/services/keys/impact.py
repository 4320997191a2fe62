"""What stops when keys stop: who has used them lately, and which agents carry them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from keywright.core.errors import InvalidValue
from keywright.core.ids import is_id
from keywright.core.instants import EPOCH
from keywright.core.listing import Between
from keywright.services.keys.shapes import KeyView
from keywright.services.keys.use_cases import MAX_AT_ONCE, is_open, of_each
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keywright.core.agents import Agent
    from keywright.core.keys import Key
    from keywright.core.usage import KeyCount
    from keywright.services.keys.shapes import KeyIds
    from keywright.services.work import Work

MAX_AGENTS_NAMED: Final = 3
"""Agents of one key that are named; the others are counted."""
_SPAN: Final = timedelta(days=7)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class KeyImpact:
    """A key, and who would notice if it were refused.

    `calls` are the decisions about it in the last seven days, `allowed` those that were `VALID`; None for who may not
    read its usage. Of its `agents` those seen last are named, and all are counted in `agent_count`; None for who may
    not read them, and for a global key, whose agents are in every tenant.
    """

    view: KeyView
    calls: int | None
    allowed: int | None
    agents: tuple[Agent, ...] | None
    agent_count: int | None


@use_case(
    "keys.impact",
    permission="keys:read",
    own="keys:own:read",
    reach=Reach.EITHER,
    resources=of_each,
)
async def keys_impact(work: Work, wanted: KeyIds) -> tuple[KeyImpact, ...]:
    """Who would notice if some keys were refused, in the order asked for; those that are not there are left out."""
    ids = tuple(dict.fromkeys(wanted.ids))
    if len(ids) > MAX_AT_ONCE:
        raise InvalidValue(f"At most {MAX_AT_ONCE} keys are asked about at once.", field="ids")
    stored = await work.transaction.keys(work.tenant_id).by_ids([one for one in ids if is_id(one, "key")])
    found = [stored[one] for one in ids if one in stored and is_open(work, stored[one])]
    owners = await work.transaction.identities.named({key.identity_id for key in found})
    counts = await _counts(work, [key for key in found if _may(work, key, "usage")])
    agents = await _agents(work, [key for key in found if _may(work, key, "agents")])
    impacts = []
    for key in found:
        count, carried = counts.get(key.id), agents.get(key.id)
        impacts.append(
            KeyImpact(
                KeyView(key, key.state(work.now), work.place, owners[key.identity_id]),
                None if count is None else count.count,
                None if count is None else count.valid,
                None if carried is None else carried[0],
                None if carried is None else carried[1],
            )
        )
    return tuple(impacts)


def _may(work: Work, key: Key, noun: str) -> bool:
    """Whether the caller may read something of a key: of every key, or of its own."""
    caller = work.caller
    own = key.identity_id == caller.identity.id and caller.may(work.tenant_id, f"{noun}:own:read")
    return own or caller.may(work.tenant_id, f"{noun}:read", f"key:{key.id}" if noun == "usage" else None)


async def _counts(work: Work, keys: Sequence[Key]) -> Mapping[str, KeyCount]:
    """The decisions about each key in the last seven days and the hour that has begun."""
    end = work.now + _HOUR - (work.now - EPOCH) % _HOUR
    span = Between(end - _SPAN, end)
    return await work.transaction.usage(work.tenant_id).of_keys([key.id for key in keys], span)


async def _agents(work: Work, keys: Sequence[Key]) -> Mapping[str, tuple[tuple[Agent, ...], int]]:
    if work.place is None:
        return {}
    return await work.transaction.agents(work.place.id).carrying(
        [key.id for key in keys], named=MAX_AGENTS_NAMED
    )
