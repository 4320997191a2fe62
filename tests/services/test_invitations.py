"""Inviting people: what the link promises, who may promise it, and how it is listed and taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.errors import (
    BeyondOwnRights,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidValue,
    InvitationUsed,
    KeywrightError,
    MissingField,
    MissingVariable,
    NotFound,
    UnknownRole,
    UnknownVariable,
)
from keywright.core.identities import Grant, HeldRole
from keywright.core.invitations import InvitationState
from keywright.core.roles import (
    ADMIN,
    MEMBER,
    MONITOR,
    READ_ONLY,
    SUPER_ADMIN,
    PolicyTemplate,
    Role,
    Variable,
)
from keywright.core.tokens import digest, find_tokens
from keywright.services.invitations import (
    Acceptance,
    InvitationId,
    InvitationView,
    Invited,
    ListInvitations,
    NewInvitation,
    Visitor,
    invite_user,
    list_invitations,
    revoke_invitation,
)
from keywright.services.mail import Mailer, MailProblem
from keywright.services.memberships import RoleInput
from keywright.settings.mail import mail_server
from tests.support.house import ORIGIN
from tests.support.mail import post_office

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

MEMBERSHIP = (RoleInput(MEMBER),)
EDITOR = Role(
    "editor",
    variables=(Variable("language"),),
    policies=(PolicyTemplate.of(["article:*"], ["article:${language}:**"]),),
)
PASSWORD = "a long way to Tipperary"


def ada(**changes: Any) -> NewInvitation:
    fields = {"name": "Ada", "login": "ada", "email": "ada@example.com", "memberships": MEMBERSHIP}
    return NewInvitation(**{**fields, **changes})


async def root(home: House, login: str = "root") -> Caller:
    await home.person(login, PASSWORD, Grant(SUPER_ADMIN))
    return await home.logged_in(login, PASSWORD)


async def listed(home: House, caller: Caller, **call: Any) -> list[InvitationView]:
    page = await home.run(list_invitations, caller, ListInvitations(), **call)
    assert not page.more
    return list(page.items)


async def test_an_invitation_is_answered_with_its_link(home: House, acme: Tenant, admin: Caller) -> None:
    await home.role(acme, EDITOR)
    roles = (RoleInput("editor", {"language": ("en", "cs", "en")}), RoleInput(ADMIN))
    new = ada(name=" Ada ", login="ADA", email="Ada@Example.com", memberships=roles, expires_in_days=30)
    invited = await home.run(invite_user, admin, new)
    made = invited.view.invitation
    assert invited.token is not None
    assert invited.token.reveal().startswith("kwi_")
    assert invited.link == f"{ORIGIN}/invitations/accept#{invited.token.reveal()}"
    assert (invited.mailed, invited.mail_problem, invited.replayed) == (False, MailProblem.NOT_SET_UP, False)
    assert (made.name, made.login, made.email) == ("Ada", "ada", "ada@example.com")
    assert made.memberships == (HeldRole("editor", (("language", ("en", "cs")),)), HeldRole(ADMIN))
    assert (made.created_at, made.created_by) == (home.clock.now(), admin.identity.id)
    assert made.expires_at == home.clock.now() + timedelta(days=30)
    assert (made.identity_id, made.ends_factors) == (None, False)
    assert invited.view.tenant == acme
    assert invited.view.maker == admin.identity
    assert await listed(home, admin) == [invited.view]


async def test_the_token_is_in_nothing_that_is_kept_or_written(
    home: House, acme: Tenant, admin: Caller
) -> None:
    invited = await home.run(invite_user, admin, ada())
    assert invited.token is not None
    assert find_tokens(repr(invited)) == []
    (entry,) = await home.trail(acme)
    assert entry.changes["memberships"].after == [{"role": MEMBER, "variables": {}}]
    for secret in (invited.token.reveal(), digest(invited.token.reveal()).hex()):
        assert secret not in repr(entry)
        assert secret not in repr(await listed(home, admin))


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"name": " "}, InvalidValue, "name"),
        ({"login": "a b"}, InvalidValue, "login"),
        ({"email": "ada"}, InvalidValue, "email"),
        ({"expires_in_days": 0}, InvalidValue, "expires_in_days"),
        ({"expires_in_days": 31}, InvalidValue, "expires_in_days"),
        ({"memberships": ()}, MissingField, "memberships"),
        ({"memberships": (RoleInput("emperor"),)}, UnknownRole, "memberships.0.role"),
        ({"memberships": (RoleInput(MONITOR),)}, UnknownRole, "memberships.0.role"),
        ({"memberships": (*MEMBERSHIP, *MEMBERSHIP)}, InvalidValue, "memberships.1.role"),
        ({"memberships": (RoleInput("editor"),)}, MissingVariable, "memberships.0.variables.language"),
        (
            {"memberships": (RoleInput(MEMBER, {"language": ("cs",)}),)},
            UnknownVariable,
            "memberships.0.variables",
        ),
        ({"memberships": MEMBERSHIP * 51}, InvalidValue, "memberships"),
    ],
    ids=str,
)
async def test_what_cannot_be_promised_is_refused(
    home: House, acme: Tenant, admin: Caller, changes: dict[str, Any], error: type[KeywrightError], field: str
) -> None:
    await home.role(acme, EDITOR)
    with pytest.raises(error) as refused:
        await home.run(invite_user, admin, ada(**changes))
    assert (type(refused.value), refused.value.field) == (error, field)
    assert await listed(home, admin) == []
    assert await home.trail(acme) == ()


async def test_nobody_invites_to_more_than_they_hold(home: House, acme: Tenant) -> None:
    await home.role(acme, EDITOR)
    await home.role(acme, Role("host", policies=(PolicyTemplate.of(["identities:create"]),)))
    host = await home.identity(Grant(READ_ONLY, acme.id))
    await home.give(acme, host, "host")
    caller = await home.caller(await home.key(acme, host))
    for role in (RoleInput(ADMIN), RoleInput("editor", {"language": ("cs",)}), RoleInput(MEMBER)):
        with pytest.raises(BeyondOwnRights) as refused:
            await home.run(invite_user, caller, ada(memberships=(RoleInput("host"), role)))
        assert refused.value.field == "memberships.1.role"
    await home.run(invite_user, caller, ada(memberships=(RoleInput("host"), RoleInput(READ_ONLY))))


async def test_inviting_does_not_tell_who_is_there(home: House, acme: Tenant, admin: Caller) -> None:
    other = await home.tenant("other")
    await home.person("ada", PASSWORD, Grant(MEMBER, other.id))
    taken = await home.run(invite_user, admin, ada())
    free = await home.run(invite_user, admin, ada(login="bea", email="bea@example.com"))
    assert (taken.mailed, taken.mail_problem) == (free.mailed, free.mail_problem)


async def test_to_the_installation_one_may_be_invited_without_a_role(home: House, acme: Tenant) -> None:
    caller = await root(home)
    bare = await home.run(invite_user, caller, ada(memberships=()), tenant="*")
    full = await home.run(invite_user, caller, ada(memberships=(RoleInput(MONITOR),)), tenant="*")
    assert bare.view.tenant is None
    assert await listed(home, caller, tenant="*") == [full.view, bare.view]
    assert await listed(home, caller, tenant="acme") == []
    with pytest.raises(UnknownRole):
        await home.run(invite_user, caller, ada(memberships=MEMBERSHIP), tenant="*")


async def test_the_same_request_makes_one_invitation(home: House, admin: Caller) -> None:
    first = await home.run(invite_user, admin, ada(), idempotency_key="k")
    again = await home.run(invite_user, admin, ada(), idempotency_key="k")
    assert again == Invited(first.view, None, replayed=True)
    with pytest.raises(IdempotencyKeyReused):
        await home.run(invite_user, admin, ada(name="Bea"), idempotency_key="k")
    assert await listed(home, admin) == [first.view]


async def test_an_invitation_that_is_forgotten_is_not_made_anew_under_its_key(
    home: House, admin: Caller
) -> None:
    await home.run(invite_user, admin, ada(), idempotency_key="k")
    async with home.database.write() as transaction:
        await transaction.all_invitations.forget_before(home.clock.now() + timedelta(days=60))
    with pytest.raises(IdempotencyKeyReused, match="deleted since"):
        await home.run(invite_user, admin, ada(), idempotency_key="k")


async def test_the_newest_are_listed_first_page_by_page(each_home: House) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    made = []
    for number in range(3):
        home.clock.advance(seconds=1)
        made.append((await home.run(invite_user, admin, ada(name=f"Ada {number}"))).view)
    first = await home.run(list_invitations, admin, ListInvitations(limit=2))
    assert first.next_cursor is not None
    rest = await home.run(list_invitations, admin, ListInvitations(cursor=first.next_cursor))
    assert [*first.items, *rest.items] == made[::-1]
    with pytest.raises(InvalidValue):
        await home.run(list_invitations, admin, ListInvitations(limit=0))
    with pytest.raises(InvalidCursor):
        await home.run(list_invitations, admin, ListInvitations(cursor="x"))


async def test_a_list_outlives_who_made_its_invitations(home: House, acme: Tenant, admin: Caller) -> None:
    made = (await home.run(invite_user, admin, ada())).view.invitation
    async with home.database.writer.begin() as connection:
        await connection.exec_driver_sql("UPDATE invitation SET created_by = NULL")
    (view,) = await listed(home, admin)
    assert (view.invitation.id, view.maker) == (made.id, None)


async def test_one_is_taken_back_once(home: House, acme: Tenant, admin: Caller) -> None:
    view = (await home.run(invite_user, admin, ada())).view
    before = len(await home.trail(acme))
    for _ in range(2):
        await home.run(revoke_invitation, admin, InvitationId(view.invitation.id))
    assert [entry.action for entry in await home.trail(acme)][:-before] == ["invitation.revoke"]
    (now,) = await listed(home, admin)
    assert now.state is InvitationState.REVOKED


async def test_what_is_over_needs_not_be_taken_back(home: House, acme: Tenant, admin: Caller) -> None:
    late = (await home.run(invite_user, admin, ada())).view
    home.clock.advance(days=7)
    (now,) = await listed(home, admin)
    assert now.state is InvitationState.EXPIRED
    await home.run(revoke_invitation, admin, InvitationId(late.invitation.id))
    used = await home.run(invite_user, admin, ada())
    assert used.token is not None
    wanted = Acceptance(token=used.token.reveal(), password=PASSWORD)
    await home.services.accept_invitation(wanted, Visitor())
    with pytest.raises(InvitationUsed):
        await home.run(revoke_invitation, admin, InvitationId(used.view.invitation.id))
    states = [one.state for one in await listed(home, admin)]
    assert states == [InvitationState.ACCEPTED, InvitationState.EXPIRED]


@pytest.mark.parametrize("invitation_id", ["", "inv_x", "\0", "key_" + "0" * 32, "inv_" + "0" * 32])
async def test_an_invitation_that_is_not_there(home: House, admin: Caller, invitation_id: str) -> None:
    with pytest.raises(NotFound, match="No such invitation"):
        await home.run(revoke_invitation, admin, InvitationId(invitation_id))


async def test_another_tenant_sees_and_revokes_nothing(home: House, admin: Caller) -> None:
    made = (await home.run(invite_user, admin, ada())).view
    other = await home.admin(await home.tenant("other"))
    assert await listed(home, other) == []
    with pytest.raises(NotFound):
        await home.run(revoke_invitation, other, InvitationId(made.invitation.id))
    assert await listed(home, admin) == [made]


async def test_it_is_sent_by_mail_where_there_is_a_server(home: House, acme: Tenant, admin: Caller) -> None:
    async with post_office() as post:
        server = mail_server(f"smtp://127.0.0.1:{post.port}?starttls=never")
        home.send_mail_by(Mailer(server, "kw@example.com"))
        invited = await home.run(invite_user, admin, ada(name="Ada {link}"))
        assert (invited.mailed, invited.mail_problem) == (True, None)
        (letter,) = post.letters
        assert (letter["To"], letter["Subject"]) == (
            "ada@example.com",
            "Your invitation to Acme on Keywright",
        )
        text = letter.get_content()
        assert "Hello Ada {link}," in text
        assert "Admin invites you" in text
        assert invited.link is not None
        assert text.count(invited.link) == 1
        assert "until 2026-" in text
        await home.run(invite_user, admin, ada(email=None))
        assert len(post.letters) == 1

        caller = await root(home)
        await home.run(invite_user, caller, ada(memberships=()), tenant="*")
        assert post.letters[-1]["Subject"] == "Your invitation to Keywright"


async def test_the_invitation_stands_when_the_mail_cannot_be_sent(home: House, admin: Caller) -> None:
    async with post_office() as post:
        post.refuses = "554 no"
        server = mail_server(f"smtp://127.0.0.1:{post.port}?starttls=never")
        home.send_mail_by(Mailer(server, "kw@example.com"))
        refused = await home.run(invite_user, admin, ada())
        assert (refused.mailed, refused.mail_problem) == (False, MailProblem.REFUSED)
        nowhere = await home.run(invite_user, admin, ada(email=None))
        assert (nowhere.mailed, nowhere.mail_problem) == (False, MailProblem.NO_ADDRESS)
        assert await listed(home, admin) == [nowhere.view, refused.view]
        assert None not in (refused.link, nowhere.link)


async def test_nothing_is_sent_for_what_does_not_stand(home: House, admin: Caller) -> None:
    async with post_office() as post:
        server = mail_server(f"smtp://127.0.0.1:{post.port}?starttls=never")
        home.send_mail_by(Mailer(server, "kw@example.com"))
        with pytest.raises(InvalidValue):
            await home.run(invite_user, admin, ada(expires_in_days=99))
        first = await home.run(invite_user, admin, ada(), idempotency_key="k")
        again = await home.run(invite_user, admin, ada(), idempotency_key="k")
        assert (first.mailed, again.mailed) == (True, False)
        assert len(post.letters) == 1
