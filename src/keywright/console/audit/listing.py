"""The audit log, the newest entry first: who did what to what, from where, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from keywright.console.audit.actors import actor_of
from keywright.console.audit.filters import FAMILIES, SPANS, Filters, plain
from keywright.console.audit.telling import told
from keywright.console.choosing import choice_of
from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.services.trail import list_entries

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.choosing import Choice
    from keywright.console.code import Code
    from keywright.services.trail import EntryList, ListEntries

_QUERY: Final = """
query ($filter: AuditFilter) {
  audit(first: 50, filter: $filter) {
    nodes { at actor { kind identity { name } } action target { type id } ip requestId changes }
    pageInfo { hasNextPage endCursor }
  }
}
"""


@page("/t/{tenant}/audit", needs="audit:read")
async def log(ask: Ask) -> Response:
    """A page of the log."""
    filters = Filters.of(ask)
    choice = await choice_of(ask, ask.query, "actor")
    if choice.searching:
        filters = replace(filters, actor="")
    elif not filters.actor and choice.made:
        # One alone fits what was typed.
        return ask.to(ask.at("audit", **filters.pairs(actor=choice.made)))
    elif not choice.id:
        # The id of a key or a session that was typed.
        choice = replace(choice, id=filters.actor)
    errors, question, found = Errors(), None, None
    try:
        question = filters.question(ask)
        cursor = ask.query.get("cursor") or None
        found = await ask.run(list_entries, replace(question, cursor=cursor))
    except KeywrightError as error:
        errors = ask.refused(error, "action", "since", "until")
    return await _shown(ask, filters, choice, errors, question, found)


async def _shown(
    ask: Ask,
    filters: Filters,
    choice: Choice,
    errors: Errors,
    question: ListEntries | None,
    found: EntryList | None,
) -> Response:
    after = None if found is None else found.next_cursor
    later = bool(ask.query.get("cursor"))
    return ask.page(
        "audit/log.html",
        ask.status,
        filters=filters,
        errors=errors,
        entries=() if found is None else [told(ask, one) for one in found.items],
        actor=await actor_of(ask, filters.actor) if filters.actor else None,
        choice=choice,
        spans=SPANS,
        families=FAMILIES,
        without={name: ask.at("audit", **filters.pairs(**{name: ""})) for name in filters.pairs()},
        first=ask.at("audit", **filters.pairs()) if later else None,
        next=None if after is None else ask.at("audit", **filters.pairs(cursor=after)),
        export=ask.at("audit/export", **filters.pairs()),
        code=None if question is None else _code(ask, question),
    )


def _code(ask: Ask, question: ListEntries) -> Code:
    asked = plain(question)
    query = f"?{urlencode(asked)}" if asked else ""
    options = [word for name, value in asked.items() for word in (f"--{name}", value)]
    return ask.code(
        rest=Rest("GET", f"/v1/audit{query}"),
        graph=Graph(_QUERY, {"filter": asked or None}),
        cli=["audit", "list", *options],
    )


PAGES = (log,)
