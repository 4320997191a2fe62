"""Invitations, once they are made; `Users.invite` makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.client.calls import Call, Listing, S, call, listing, nothing
from keywright.client.resources import Resource, path_of

if TYPE_CHECKING:
    from keywright.client.values import Json, Page, Token

_PATH = "/v1/invitations"


class Invitations(Resource[S]):
    """Invitations to a tenant or, for a client whose tenant is `*`, to the installation."""

    @call
    def page(self, *, limit: int | None = None, cursor: str | None = None) -> Call[Page]:
        """One page of a list."""
        return self._page(_PATH, {"limit": limit, "cursor": cursor})

    @listing
    def list(self, *, limit: int | None = None) -> Listing:
        """Go through all of them; pages are asked for as they are needed."""
        return self._each(_PATH, {"limit": limit})

    @call
    def revoke(self, invitation_id: str) -> Call[None]:
        """Take an invitation back."""
        return Call("DELETE", path_of(_PATH, invitation_id), nothing)

    @call
    def accept(
        self, token: Token, password: str, *, login: str | None = None, name: str | None = None
    ) -> Call[Json]:
        """Accept an invitation as somebody new, or set the new password that it is for. Needs no credential."""
        body: Json = {"token": token.reveal(), "password": password, "login": login, "name": name}
        return Call("POST", f"{_PATH}/accept", body=body, anonymous=True)

    @call
    def join(self, token: Token) -> Call[Json]:
        """Accept an invitation as the person who is logged in."""
        return Call("POST", f"{_PATH}/accept", body={"token": token.reveal()})
