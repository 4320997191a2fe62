"""People: those with a role in a tenant, and over the installation all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from keywright.client.calls import Call, Listing, S, call, listing
from keywright.client.resources import Resource, part, path_of
from keywright.client.values import Token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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
    search: str | None
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


class Users(Resource[S]):
    """People, of a tenant or, for a client whose tenant is `*`, all of them."""

    @call
    def create(
        self,
        login: str,
        name: str,
        *,
        email: str | None = None,
        password: str | None = None,
        limits: Sequence[Mapping[str, Any]] = (),
        idempotency_key: str | None = None,
    ) -> Call[Json]:
        """Make a person, who holds no role yet; `limits` hold for all uses of their keys together."""
        body: Json = {"login": login, "name": name, "email": email, "password": password}
        body["limits"] = list(limits)
        return self._create(_PATH, body, idempotency_key)

    @call
    def invite(
        self, name: str, *, idempotency_key: str | None = None, **fields: Unpack[InvitationFields]
    ) -> Call[Invited]:
        """Invite somebody to roles, each `{"role": …, "variables": {…}}`, by a link that works once."""
        return self._create("/v1/invitations", {**fields, "name": name}, idempotency_key, self._invited)

    @call
    def page(self, **filters: Unpack[UserFilters]) -> Call[Page]:
        """One page of a list."""
        return self._page(_PATH, filters)

    @listing
    def list(self, **filters: Unpack[UserFilters]) -> Listing:
        """Go through all of them; pages are asked for as they are needed."""
        return self._each(_PATH, filters)

    @call
    def get(self, user_id: str) -> Call[Json]:
        """One person."""
        return Call("GET", path_of(_PATH, user_id), retry=True)

    @call
    def update(self, user_id: str, *, wait: bool = True, **changes: Unpack[UserChanges]) -> Call[Json]:
        """Change a person, and give them as they are then, with the `receipt`."""
        return self._change(path_of(_PATH, user_id), changes, wait=wait)

    @call
    def delete(self, user_id: str, *, wait: bool = True) -> Call[Json]:
        """Delete a person for good, everywhere, and give the receipt."""
        return self._revoke("DELETE", path_of(_PATH, user_id), wait=wait)

    @call
    def remove(self, user_id: str, *, wait: bool = True) -> Call[Json]:
        """Take a person out of the tenant, with roles and keys, and give the receipt."""
        return self._revoke("POST", f"{path_of(_PATH, user_id)}/remove", wait=wait)

    @call
    def reset(
        self,
        user_id: str,
        *,
        factors: bool = False,
        expires_in_days: int = 7,
        idempotency_key: str | None = None,
    ) -> Call[Invited]:
        """Make a link by which a person sets a new password; with `factors` the second factors go with the old."""
        body = {"factors": factors, "expires_in_days": expires_in_days}
        return self._create(f"{path_of(_PATH, user_id)}/reset", body, idempotency_key, self._invited)

    @call
    def log_in(self, user_id: str, **length: Unpack[SessionLength]) -> Call[LoggedIn]:
        """Make a session for a person, who shows nothing for it."""
        path = f"{path_of(_PATH, user_id)}/sessions"
        return Call("POST", path, self._logged_in, body={**length})

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
