"""The field of the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import lists
from keywright.services import trail
from keywright.services.trail import ListEntries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.services.trail import EntryList, EntryView


def asked(args: Args) -> ListEntries:
    """A question for a list of entries; null anywhere counts as left out."""
    wanted = args.get("filter") or {}
    return ListEntries(
        actor=wanted.get("actor"),
        target=wanted.get("target"),
        action=wanted.get("action"),
        since=wanted.get("since"),
        until=wanted.get("until"),
        limit=mapping.page_size(args),
        cursor=args.get("after"),
    )


def entry(view: EntryView) -> Shape:
    """An entry."""
    it = view.entry
    return {
        "id": it.id,
        "at": it.at,
        "tenant": None if view.tenant is None else mapping.tenant(view.tenant),
        "actor": {
            "kind": it.actor.kind,
            "identity": None if view.identity is None else mapping.identity(view.identity),
            "keyId": it.actor.key_id,
            "sessionId": it.actor.session_id,
        },
        "action": it.action,
        "target": {"type": it.target_type, "id": it.target_id},
        "ip": it.ip,
        "requestId": it.request_id,
        "changes": {
            name: {"before": change.before, "after": change.after} for name, change in it.changes.items()
        },
    }


def entry_page(page: EntryList, wanted: ListEntries) -> Shape:
    """A page of entries."""
    nodes = [entry(one) for one in page.items]
    return mapping.connection(nodes, page.cursors, more=page.more, after=wanted.cursor)


QUERIES: Final[Mapping[str, RootField]] = {"audit": lists(trail.list_entries, asked, entry_page)}
