"""The audit trail asked for by who, what and when: each condition alone and all of them together, page by page."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from keywright.core.audit import SYSTEM, Actor, ActorKind, AuditEntry
from keywright.core.ids import new_id
from keywright.core.listing import AuditQuery, Between
from tests.contract.storage.making import NOW, SECOND

if TYPE_CHECKING:
    from keywright.storage import Database
    from tests.contract.storage.making import Home

pytestmark = pytest.mark.anyio

ACTORS = (
    Actor(kind=ActorKind.KEY, identity_id="idn_1", key_id="key_1"),
    Actor(kind=ActorKind.SESSION, identity_id="idn_1", session_id="ses_1"),
    Actor(kind=ActorKind.SESSION, identity_id="idn_2", session_id="ses_2"),
    SYSTEM,
)
ACTIONS = ("key.create", "key.delete", "keys.import", "key", "KEY.create")
ASKED_ACTORS = (None, "idn_1", "idn_2", "key_1", "ses_1", "ses_2", "idn_3", "IDN_1", "what", "")
ASKED_ACTIONS = (None, "key.create", "key.*", "keys.*", "key", "*", ".*", "absent.*")
SPANS = (Between(), Between(since=NOW), Between(until=NOW), Between(NOW - SECOND, NOW + SECOND))


def matches(asked: AuditQuery, entry: AuditEntry) -> bool:
    """By the definition of each condition."""
    actor = entry.actor
    return all(
        [
            asked.actor is None or asked.actor in (actor.identity_id, actor.key_id, actor.session_id),
            asked.target_id is None or asked.target_id == entry.target_id,
            asked.action is None
            or entry.action == asked.action
            or (asked.action.endswith(".*") and entry.action.startswith(asked.action[:-1])),
            asked.at.since is None or entry.at >= asked.at.since,
            asked.at.until is None or entry.at < asked.at.until,
        ]
    )


async def test_a_trail_is_narrowed_by_every_condition(database: Database, home: Home) -> None:
    entries = [
        AuditEntry(
            id=new_id("aud"),
            at=NOW + number % 3 * SECOND - SECOND,
            tenant_id=home.tenant_id,
            actor=actor,
            action=action,
            target_type="key",
            target_id=f"key_{number % 2}",
            ip=None,
            request_id=None,
            changes={},
        )
        for number, (actor, action) in enumerate(itertools.product(ACTORS, ACTIONS))
    ]
    async with database.write() as transaction:
        for one in entries:
            await transaction.audit(home.tenant_id).add(one)
    newest = sorted(entries, key=lambda one: (one.at, one.id), reverse=True)
    found_any = set()
    async with database.read() as transaction:
        trail = transaction.audit(home.tenant_id)
        for actor, action, span, target in itertools.product(
            ASKED_ACTORS, ASKED_ACTIONS, SPANS, (None, "key_1")
        ):
            asked = AuditQuery(actor=actor, action=action, at=span, target_id=target)
            expected = [one for one in newest if matches(asked, one)]
            page = await trail.page(asked, limit=3)
            found = list(page.items)
            while page.more:
                page = await trail.page(asked, limit=3, after=page.positions[-1])
                found += page.items
            assert found == expected, asked
            found_any |= {(actor, action)} if found else set()
    assert len(found_any) > len(ASKED_ACTIONS)
