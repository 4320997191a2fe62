"""Invitations, once they are made; `Users.invite` makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.client.resources import Resource, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keywright.client.values import Json, Page, Token

_PATH = "/v1/invitations"


class Invitations(Resource):
    """Invitations to a tenant or, for a client whose tenant is `*`, to the installation."""

    def page(self, *, limit: int | None = None, cursor: str | None = None) -> Page:
        """One page of a list."""
        return self._page(_PATH, {"limit": limit, "cursor": cursor})

    def list(self, *, limit: int | None = None) -> Iterator[Json]:
        """Go through all of them; pages are asked for as they are needed."""
        return self._each(_PATH, {"limit": limit})

    def revoke(self, invitation_id: str) -> None:
        """Take an invitation back."""
        self._transport().send("DELETE", path_of(_PATH, invitation_id))

    def accept(
        self, token: Token, password: str, *, login: str | None = None, name: str | None = None
    ) -> Json:
        """Accept an invitation as somebody new, or set the new password that it is for. Needs no credential."""
        body: Json = {"token": token.reveal(), "password": password, "login": login, "name": name}
        return self._transport().send("POST", f"{_PATH}/accept", body=body, anonymous=True)

    def join(self, token: Token) -> Json:
        """Accept an invitation as the person who is logged in."""
        return self._transport().send("POST", f"{_PATH}/accept", body={"token": token.reveal()})
