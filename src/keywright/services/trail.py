"""The audit trail, to be read: who did what to what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.core import checks
from keywright.core.errors import InvalidValue
from keywright.core.ids import is_any_id
from keywright.core.listing import DEFAULT_PAGE, AuditQuery, Between
from keywright.services import cursors
from keywright.services.cursors import Listed
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.audit import AuditEntry
    from keywright.core.identities import Identity, Tenant
    from keywright.services.work import Work

_ORDER = "audit.at.desc"
MAX_ACTION = 60
_NOBODY = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntries:
    """Which entries to list: those of an actor (an identity, key or session), of a target, with an action.

    An action that ends with `.*` stands for all that begin alike (`key.*`).
    """

    actor: str | None = None
    target: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = DEFAULT_PAGE
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry with the identity that acted, where it was one, and the tenant."""

    entry: AuditEntry
    identity: Identity | None
    tenant: Tenant | None


EntryList = Listed[EntryView]
"""A page of entries."""


@use_case("audit.list", permission="audit:read", reach=Reach.EITHER)
async def list_entries(work: Work, wanted: ListEntries) -> EntryList:
    """A page of the audit trail, the newest first: of a tenant, or (`*`) of what concerns the installation."""
    cursors.sound_limit(wanted.limit)
    action = wanted.action
    if action is not None and not (
        0 < len(action) <= MAX_ACTION and action.isascii() and action.isprintable()
    ):
        raise InvalidValue(
            "An action is a name such as key.create, or all that begin alike: key.*", field="action"
        )
    page = await work.transaction.audit(work.tenant_id).page(
        AuditQuery(
            actor=_known(wanted.actor),
            target_id=_known(wanted.target),
            action=action,
            at=Between(
                None if wanted.since is None else checks.moment(wanted.since, "since"),
                None if wanted.until is None else checks.moment(wanted.until, "until"),
            ),
        ),
        limit=wanted.limit,
        after=cursors.after(_ORDER, wanted.cursor, int),
    )
    actors = {one.actor.identity_id for one in page.items if one.actor.identity_id is not None}
    known = await work.transaction.identities.named(actors)
    return cursors.listed(
        _ORDER,
        page,
        (EntryView(one, known.get(one.actor.identity_id or ""), work.place) for one in page.items),
    )


def _known(given: str | None) -> str | None:
    """An id to look for; a text in no form of ours is nobody's."""
    return given if given is None or is_any_id(given) else _NOBODY
