"""The audit log as a file: every entry that is asked for, one JSON object a line, as the REST door gives them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

from keywright.console.audit.filters import Filters
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.core.instants import rfc3339
from keywright.core.listing import MAX_PAGE
from keywright.services.trail import list_entries
from keywright.web.assets import GUARDS
from keywright.web.calls import call_with
from keywright.web.errors import encode, problem_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.services.trail import EntryList, EntryView, ListEntries


@page("/t/{tenant}/audit/export", needs="audit:read")
async def export(ask: Ask) -> Response:
    """The file, which is sent page by page as they are read."""
    question = replace(Filters.of(ask).question(ask), limit=MAX_PAGE)
    first = await ask.run(list_entries, question)
    named = "installation" if ask.place is None or ask.place.tenant is None else ask.place.named
    headers = {
        "Content-Disposition": f'attachment; filename="{named}.audit.jsonl"',
        "Cache-Control": "no-store",
        **GUARDS,
    }
    return StreamingResponse(_lines(ask, first, question), 200, headers, "application/x-ndjson")


async def _lines(ask: Ask, page: EntryList, question: ListEntries) -> AsyncIterator[bytes]:
    """Each page as lines. Who asks is authenticated again for each, since their rights may end meanwhile."""
    try:
        yield _written(page)
        while page.next_cursor is not None:
            question = replace(question, cursor=page.next_cursor)
            caller = (await call_with(ask.secret, ask.visit, ask.services)).caller
            page = await ask.services.run(list_entries, replace(ask.call, caller=caller), question)
            yield _written(page)
    except KeywrightError as error:
        found, _ = problem_of(error, ask.visit.request_id)
        yield encode(found) + b"\n"
        raise


def _written(page: EntryList) -> bytes:
    return b"".join(
        json.dumps(_plain(view), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        for view in page.items
    )


def _plain(view: EntryView) -> dict[str, Any]:
    it, identity = view.entry, view.identity
    return {
        "id": it.id,
        "at": rfc3339(it.at),
        "tenant": None if view.tenant is None else view.tenant.slug,
        "actor": {
            "kind": it.actor.kind.value,
            "identity": None
            if identity is None
            else {"id": identity.id, "kind": identity.kind.value, "name": identity.name},
            "key_id": it.actor.key_id,
            "session_id": it.actor.session_id,
        },
        "action": it.action,
        "target": {"type": it.target_type, "id": it.target_id},
        "ip": it.ip,
        "request_id": it.request_id,
        "changes": {
            name: {"before": change.before, "after": change.after} for name, change in it.changes.items()
        },
    }


PAGES = (export,)
