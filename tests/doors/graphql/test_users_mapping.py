"""People and invitations between GraphQL and the services."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import UNSET

from keywright.api.graphql import invitations, sessions, users
from keywright.core.errors import InvalidType
from keywright.core.identities import Grant, HeldRole, Identity, IdentityKind, Membership, Tenant
from keywright.core.invitations import Invitation, InvitationState
from keywright.core.limits import Limit
from keywright.core.tokens import Token
from keywright.services.invitations import (
    Acceptance,
    Accepted,
    InvitationView,
    Invited,
    ListInvitations,
    NewInvitation,
)
from keywright.services.limits import LimitInput
from keywright.services.mail import MailProblem
from keywright.services.memberships import RoleInput
from keywright.services.sessions import SessionFor
from keywright.services.users import (
    CreatedUser,
    ListUsers,
    NewUser,
    UserChanges,
    UserId,
    UserList,
    UserReset,
    UserView,
)
from keywright.storage.people import Person
from tests.support.facts import NOW

ADA = Identity(
    id="idn_a",
    kind=IdentityKind.USER,
    name="Ada",
    active=True,
    tenant_id=None,
    created_at=NOW,
    limits=(Limit("burst", 100, 1),),
)
LIMIT = {"name": "burst", "limit": 100, "windowSeconds": 1}
ACME = Tenant(id="ten_a", slug="acme", name="Acme", active=True, created_at=NOW)
CZECH = (("language", ("cs",)),)
INVITATION = Invitation(
    id="inv_a",
    tenant_id="ten_a",
    identity_id=None,
    login="ada",
    email="ada@example.com",
    name="Ada",
    memberships=(HeldRole("editor", CZECH),),
    ends_factors=False,
    created_at=NOW,
    created_by="idn_a",
    expires_at=NOW + timedelta(days=7),
)
VIEW = InvitationView(INVITATION, InvitationState.OPEN, ACME, ADA)
EDITOR = {"role": "editor", "variables": [{"name": "language", "values": ["cs"]}]}


def test_what_is_asked_of_users_is_read() -> None:
    assert users.new_user({"input": {"login": "a", "name": "A"}}) == NewUser(login="a", name="A")
    whole = {"login": "a", "name": "A", "email": "e", "password": "p", "limits": [LIMIT]}
    assert users.new_user({"input": whole}) == NewUser(
        login="a", name="A", email="e", password="p", limits=(LimitInput("burst", 100, 1),)
    )
    assert users.asked({"first": 3, "after": "c"}) == ListUsers(limit=3, cursor="c")
    for given in ({}, {"filter": None}, {"filter": {"login": None, "search": None}}):
        assert users.asked({"first": 3, **given}) == ListUsers(limit=3)
    assert users.asked({"first": 3, "filter": {"login": "ada"}}) == ListUsers(login="ada", limit=3)
    assert users.asked({"first": 3, "filter": {"search": "ada"}}) == ListUsers(search="ada", limit=3)
    assert sessions.session_for({"input": {"userId": "i"}}) == SessionFor(id="i")
    spans = {"idleSeconds": None, "longestSeconds": 9}
    assert sessions.session_for({"input": {"userId": "i", **spans}}) == SessionFor(
        id="i", idle_seconds=None, longest_seconds=9
    )
    assert users.user_reset({"input": {"id": "i"}}) == UserReset(id="i")
    given = {"id": "i", "factors": True, "expiresInDays": 0}
    assert users.user_reset({"input": given}) == UserReset(id="i", factors=True, expires_in_days=0)
    empty = {"id": "i", "factors": None, "expiresInDays": None}
    assert users.user_reset({"input": empty}) == UserReset(id="i")


def test_only_what_was_sent_of_a_user_changes() -> None:
    assert users.user_changes({"input": {"id": "i"}}) == UserChanges(id="i")
    assert users.user_changes({"input": {"id": "i"}}).email is UNSET
    whole = {"id": "i", "name": "A", "email": None, "active": False, "limits": []}
    assert users.user_changes({"input": whole}) == UserChanges(
        id="i", name="A", email=None, active=False, limits=()
    )
    for name in ("name", "active", "limits"):
        with pytest.raises(InvalidType) as refused:
            users.user_changes({"input": {"id": "i", name: None}})
        assert refused.value.field == name


def test_what_is_asked_of_invitations_is_read() -> None:
    assert invitations.new_invitation({"input": {"name": "A"}}) == NewInvitation(name="A")
    given = {
        "name": "A",
        "login": "a",
        "email": "e",
        "memberships": [{"role": "editor", "variables": [{"name": "language", "values": ["cs"]}]}],
        "expiresInDays": 30,
    }
    assert invitations.new_invitation({"input": given}) == NewInvitation(
        name="A",
        login="a",
        email="e",
        memberships=(RoleInput("editor", {"language": ("cs",)}),),
        expires_in_days=30,
    )
    assert invitations.asked({"first": 1}) == ListInvitations(limit=1)
    assert invitations.acceptance({"input": {"token": "t"}}) == Acceptance(token="t")
    whole = {"token": "t", "login": "l", "name": "n", "password": "p"}
    assert invitations.acceptance({"input": whole}) == Acceptance(
        token="t", login="l", name="n", password="p"
    )


def test_a_user_is_shown_whole() -> None:
    held = Membership(
        id="mem_a",
        identity_id="idn_a",
        grant=Grant("editor", "ten_a", CZECH),
        by_sign_on=False,
        created_at=NOW,
    )
    person = Person(ADA, "ada", "hash", "ada@example.com", password_generated=True)
    view = UserView(person, (held,), two_factor=True)
    shown = {
        "id": "idn_a",
        "login": "ada",
        "email": "ada@example.com",
        "name": "Ada",
        "active": True,
        "twoFactor": True,
        "passwordChangeDue": True,
        "createdAt": NOW,
        "memberships": [{"id": "mem_a", **EDITOR}],
        "limits": [LIMIT],
    }
    assert users.user(view) == users.changed_user(view)["user"] == shown
    assert users.created_user(CreatedUser(view, replayed=True)) == {"user": shown, "replayed": True}
    page = users.user_page(UserList((view,), ("c",), more=True), ListUsers(cursor="b"))
    assert page["nodes"] == [shown]
    assert page["edges"] == [{"cursor": "c", "node": shown}]
    assert users.deleted_user(None, UserId("idn_a")) == {"deletedId": "idn_a"}
    assert users.removed_user(None, UserId("idn_a")) == {"removedId": "idn_a"}


def test_an_invitation_is_shown_whole_and_its_token_where_it_was_made() -> None:
    shown = invitations.invitation(VIEW)
    assert shown == {
        "id": "inv_a",
        "tenant": shown["tenant"],
        "state": InvitationState.OPEN,
        "identityId": None,
        "endsFactors": False,
        "login": "ada",
        "email": "ada@example.com",
        "name": "Ada",
        "memberships": [EDITOR],
        "createdAt": NOW,
        "createdBy": {"id": "idn_a", "kind": IdentityKind.USER, "name": "Ada"},
        "expiresAt": NOW + timedelta(days=7),
        "acceptedAt": None,
        "acceptedBy": None,
        "revokedAt": None,
    }
    assert shown["tenant"]["slug"] == "acme"
    bare = invitations.invitation(replace(VIEW, tenant=None, maker=None))
    assert (bare["tenant"], bare["createdBy"]) == (None, None)
    made = Invited(VIEW, Token("secret"), "link", mailed=False, mail_problem=MailProblem.REFUSED)
    assert invitations.invited(made) == {
        "invitation": shown,
        "token": "secret",
        "link": "link",
        "mailed": False,
        "mailProblem": MailProblem.REFUSED,
        "replayed": False,
    }
    again = invitations.invited(Invited(VIEW, None, replayed=True))
    assert (again["token"], again["link"], again["mailProblem"], again["replayed"]) == (
        None,
        None,
        None,
        True,
    )


def test_an_acceptance_is_shown_whole() -> None:
    found = Accepted(ADA, "ada", ACME, (Grant("editor", "ten_a", CZECH),), ("member",), ("gone",))
    shown = invitations.accepted(found)
    assert shown["tenant"]["slug"] == "acme"
    assert (shown["login"], shown["memberships"]) == ("ada", [EDITOR])
    assert (shown["alreadyHeld"], shown["skipped"]) == (["member"], ["gone"])
    assert invitations.accepted(replace(found, tenant=None))["tenant"] is None
