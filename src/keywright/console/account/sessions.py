"""Ending sessions: one, or all but this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console import words
from keywright.console.account.overview import shown_by
from keywright.console.code import Graph, Rest
from keywright.console.cookies import SESSION, drop_cookie
from keywright.console.routing import Open, page
from keywright.core.errors import NotFound
from keywright.core.listing import MAX_PAGE
from keywright.services.sessions import (
    ListSessions,
    SessionId,
    end_one_session,
    end_other_sessions,
    list_sessions,
)

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.services.sessions import SessionView

_END_ONE = """
mutation ($input: EndOneSessionInput!) {
  endOneSession(input: $input) { endedId }
}
"""
_END_OTHERS = """
mutation {
  endOtherSessions { ended }
}
"""


@page("/account/sessions/{session}/end", needs=Open.LOGGED_IN)
async def ask_to_end(ask: Ask) -> Response:
    """What ending one will do."""
    view = await _own(ask, ask.variable("session"))
    code = ask.code(
        rest=Rest("DELETE", f"/v1/sessions/{view.session.id}"),
        graph=Graph(_END_ONE, {"input": {"id": view.session.id}}),
        cli=["sessions", "end", view.session.id],
    )
    return ask.dialog("account/end_session.html", view=view, code=code, by=shown_by)


@page("/account/sessions/{session}/end", needs=Open.LOGGED_IN, methods=("POST",))
async def end(ask: Ask) -> Response:
    """End one; after one's own one is logged out."""
    view = await _own(ask, ask.variable("session"))
    await ask.run(end_one_session, SessionId(view.session.id))
    if view.current:
        response = ask.to("/login")
        drop_cookie(response, ask.visit, SESSION)
        return response
    return ask.done("/account", "The session has ended. Whoever used it is asked to log in.")


@page("/account/sessions/end-others", needs=Open.LOGGED_IN)
async def ask_to_end_others(ask: Ask) -> Response:
    """What ending all others will do."""
    listed = await ask.run(list_sessions, ListSessions(limit=MAX_PAGE))
    code = ask.code(
        rest=Rest("POST", "/v1/sessions/end-others"),
        graph=Graph(_END_OTHERS, {}),
        cli=["sessions", "end-others"],
    )
    return ask.dialog(
        "account/end_others.html",
        others=[one for one in listed.items if not one.current],
        more=listed.next_cursor is not None,
        code=code,
        by=shown_by,
    )


@page("/account/sessions/end-others", needs=Open.LOGGED_IN, methods=("POST",))
async def end_others(ask: Ask) -> Response:
    """End all others."""
    ended = await ask.run(end_other_sessions, None)
    said = f"{words.counted(ended, 'other session')} ended." if ended else "There was no other session."
    return ask.done("/account", said)


async def _own(ask: Ask, session_id: str) -> SessionView:
    """One of the reader's sessions that is not over. Raises `NotFound`."""
    cursor = None
    while True:
        listed = await ask.run(list_sessions, ListSessions(limit=MAX_PAGE, cursor=cursor))
        for one in listed.items:
            if one.session.id == session_id:
                return one
        cursor = listed.next_cursor
        if cursor is None:
            raise NotFound("You have no such session, or it has ended.")


PAGES = (ask_to_end_others, end_others, ask_to_end, end)
