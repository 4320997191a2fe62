"""People: those with a role in a tenant, and over the installation all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from keywright.client.resources import Resource, logged_in, part, path_of
from keywright.client.values import Token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Unpack

    from keywright.client.values import Json, LoggedIn, Page

_PATH = "/v1/users"


class UserChanges(TypedDict, total=False):
    """What may be changed of a person; what is not given stays, and no address (None) clears it."""

    name: str
    email: str | None
    active: bool
    limits: Sequence[Mapping[str, Any]]


class UserFilters(TypedDict, total=False):
    """Which people to list, as in the REST API."""

    login: str | None
    limit: int | None
    cursor: str | None


class SessionLength(TypedDict, total=False):
    """How long a session lives; what is not given is as the server's settings say, and None is without end."""

    idle_seconds: int | None
    longest_seconds: int | None


class InvitationFields(TypedDict, total=False):
    """What may be said of an invitation beside the person's name; as in the REST API."""

    login: str | None
    email: str | None
    memberships: Sequence[Mapping[str, Any]]
    expires_in_days: int


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation, or a link for a new password. Token and link can be had this once.

    Both are None where the same request made it before (`replayed`). `mail_problem` says why the link was not
    sent by mail, where it was not.
    """

    invitation: Json
    token: Token | None
    link: str | None = field(repr=False)
    mailed: bool
    mail_problem: str | None
    replayed: bool


class Users(Resource):
    """People, of a tenant or, for a client whose tenant is `*`, all of them."""

    def create(
        self,
        login: str,
        name: str,
        *,
        email: str | None = None,
        password: str | None = None,
        limits: Sequence[Mapping[str, Any]] = (),
        idempotency_key: str | None = None,
    ) -> Json:
        """Make a person, who holds no role yet; `limits` hold for all uses of their keys together."""
        body: Json = {"login": login, "name": name, "email": email, "password": password}
        body["limits"] = list(limits)
        return self._create(_PATH, body, idempotency_key)

    def invite(
        self, name: str, *, idempotency_key: str | None = None, **fields: Unpack[InvitationFields]
    ) -> Invited:
        """Invite somebody to roles, each `{"role": …, "variables": {…}}`, by a link that works once."""
        return self._invited(self._create("/v1/invitations", {**fields, "name": name}, idempotency_key))

    def page(self, **filters: Unpack[UserFilters]) -> Page:
        """One page of a list."""
        return self._page(_PATH, filters)

    def list(self, **filters: Unpack[UserFilters]) -> Iterator[Json]:
        """Go through all of them; pages are asked for as they are needed."""
        return self._each(_PATH, filters)

    def get(self, user_id: str) -> Json:
        """One person."""
        return self._transport().send("GET", path_of(_PATH, user_id), retry=True)

    def update(self, user_id: str, *, wait: bool = True, **changes: Unpack[UserChanges]) -> Json:
        """Change a person, and give them as they are then, with the `receipt`."""
        return self._change(path_of(_PATH, user_id), changes, wait=wait)

    def delete(self, user_id: str, *, wait: bool = True) -> Json:
        """Delete a person for good, everywhere, and give the receipt."""
        return self._revoke("DELETE", path_of(_PATH, user_id), wait=wait)

    def remove(self, user_id: str, *, wait: bool = True) -> Json:
        """Take a person out of the tenant, with roles and keys, and give the receipt."""
        return self._revoke("POST", f"{path_of(_PATH, user_id)}/remove", wait=wait)

    def reset(
        self,
        user_id: str,
        *,
        factors: bool = False,
        expires_in_days: int = 7,
        idempotency_key: str | None = None,
    ) -> Invited:
        """Make a link by which a person sets a new password; with `factors` the second factors go with the old."""
        body = {"factors": factors, "expires_in_days": expires_in_days}
        return self._invited(self._create(f"{path_of(_PATH, user_id)}/reset", body, idempotency_key))

    def log_in(self, user_id: str, **length: Unpack[SessionLength]) -> LoggedIn:
        """Make a session for a person, who shows nothing for it."""
        path = f"{path_of(_PATH, user_id)}/sessions"
        return logged_in(self._transport().send("POST", path, body={**length}), self._url)

    def _invited(self, answer: Json) -> Invited:
        token = answer.get("token")
        return Invited(
            invitation=part(answer, "invitation", self._url),
            token=None if token is None else Token(token),
            link=answer.get("link"),
            mailed=part(answer, "mailed", self._url),
            mail_problem=answer.get("mail_problem"),
            replayed=part(answer, "replayed", self._url),
        )
