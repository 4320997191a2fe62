"""The list of invitations, and taking one back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.people.grants import choices
from keywright.console.routing import page
from keywright.core.errors import KeywrightError, NotFound
from keywright.services.invitations import (
    InvitationId,
    ListInvitations,
    list_invitations,
    revoke_invitation,
)

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.services.invitations import InvitationView

_REVOKE: Final = """
mutation RevokeInvitation($input: RevokeInvitationInput!) {
  revokeInvitation(input: $input) { revokedId }
}
"""
_PAGES: Final = 20


@page("/t/{tenant}/people/invitations", needs="identities:read")
async def listing(ask: Ask) -> Response:
    """Every invitation that is remembered, the newest first."""
    cursor = ask.query.get("cursor") or None
    found = await ask.run(list_invitations, ListInvitations(cursor=cursor))
    known = await choices(ask)
    path = "people/invitations"
    context: dict[str, Any] = {
        "views": found.items,
        "values": known.held,
        "first": ask.at(path) if cursor else None,
        "next": ask.at(path, cursor=found.next_cursor) if found.more else None,
    }
    return ask.page("people/invitations.html", **context)


@page("/t/{tenant}/people/invitations/{id}/revoke", needs="identities:delete")
async def revoke_dialog(ask: Ask) -> Response:
    """Whose link stops working."""
    return await _dialog(ask, Errors())


@page("/t/{tenant}/people/invitations/{id}/revoke", needs="identities:delete", methods=("POST",))
async def revoke(ask: Ask) -> Response:
    """Take it back."""
    view = await _invitation(ask)
    try:
        await ask.run(revoke_invitation, InvitationId(view.invitation.id))
    except KeywrightError as error:
        return await _dialog(ask, ask.refused(error))
    return ask.done(
        ask.at("people/invitations"), f"The link for {view.invitation.name} is worth nothing from now on."
    )


async def _dialog(ask: Ask, errors: Errors) -> Response:
    view = await _invitation(ask)
    id_ = view.invitation.id
    code = ask.code(
        rest=Rest("DELETE", f"/v1/invitations/{id_}"),
        graph=Graph(_REVOKE, {"input": {"id": id_}}),
        cli=["invitations", "revoke", id_, "--yes"],
    )
    return ask.dialog("people/revoke.html", ask.status, view=view, errors=errors, code=code)


async def _invitation(ask: Ask) -> InvitationView:
    """The one of the path, among those that are remembered."""
    cursor = None
    for _ in range(_PAGES):
        found = await ask.run(list_invitations, ListInvitations(limit=200, cursor=cursor))
        for view in found.items:
            if view.invitation.id == ask.variable("id"):
                return view
        cursor = found.next_cursor
        if cursor is None:
            break
    raise NotFound("No such invitation.")


PAGES = (listing, revoke_dialog, revoke)
