"""Accepting an invitation: who comes in, with what, and what leaves nothing behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from keywright.core.audit import Actor, ActorKind
from keywright.core.errors import (
    InvalidCredentials,
    InvalidValue,
    InvitationExpired,
    InvitationUsed,
    KeywrightError,
    LoginTaken,
    MissingField,
    NotFound,
    PermissionDenied,
    TooManyAttempts,
    Unauthenticated,
    WeakPassword,
)
from keywright.core.identities import Grant
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
from keywright.core.tokens import INVITATION_PREFIX, mint
from keywright.services.invitations import (
    Acceptance,
    Accepted,
    InvitationId,
    NewInvitation,
    Visitor,
    invite_user,
    revoke_invitation,
)
from keywright.services.memberships import RoleInput
from keywright.services.throttle import FREE_FROM_ADDRESS
from keywright.services.users import UserReset, reset_user
from keywright.storage import schema

if TYPE_CHECKING:
    from keywright.core.identities import Identity, Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

PASSWORD = "a long way to Tipperary"
OTHER = "correct horse battery staple"
IP = "192.0.2.7"
EDITOR = Role(
    "editor",
    variables=(Variable("language"),),
    policies=(PolicyTemplate.of(["article:*"], ["article:${language}:**"]),),
)


async def invited(home: House, admin: Caller, *roles: str, everywhere: bool = False, **changes: Any) -> str:
    """The token of an invitation."""
    given = tuple(RoleInput(role) for role in (roles or (MEMBER,)))
    fields = {"name": "Ada", "login": "ada", "email": "ada@example.com", "memberships": given}
    call = {"tenant": "*"} if everywhere else {}
    made = await home.run(invite_user, admin, NewInvitation(**{**fields, **changes}), **call)
    assert made.token is not None
    return made.token.reveal()


async def accept(home: House, token: str, caller: Caller | None = None, **fields: Any) -> Accepted:
    if caller is None:
        fields.setdefault("password", PASSWORD)
    visitor = Visitor(caller=caller, ip=IP, request_id="r" * 32)
    return await home.services.accept_invitation(Acceptance(token=token, **fields), visitor)


async def state(home: House) -> list[Any]:
    """Everything that an acceptance may change."""
    tables = (schema.identity, schema.person, schema.membership, schema.invitation, schema.audit_entry)
    async with home.database.reader.begin() as connection:
        return [sorted(map(str, (await connection.execute(select(table))).all())) for table in tables]


async def refused(
    home: House, error: type[KeywrightError], field: str | None, token: str, *args: Any, **fields: Any
) -> None:
    before = await state(home)
    with pytest.raises(KeywrightError) as caught:
        await accept(home, token, *args, **fields)
    assert (type(caught.value), caught.value.field) == (error, field)
    assert await state(home) == before


async def root(home: House, login: str = "root", *, role: str = SUPER_ADMIN) -> Caller:
    await home.person(login, PASSWORD, Grant(role))
    return await home.logged_in(login, PASSWORD)


async def roles_of(home: House, identity: Identity) -> list[tuple[str, str | None]]:
    async with home.database.read() as transaction:
        grants = await transaction.all_memberships.grants(identity.id)
    return [(grant.role, grant.tenant_id) for grant in grants]


async def test_somebody_new_comes_in_and_logs_in(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    token = await invited(home, admin, MEMBER, READ_ONLY)
    accepted = await accept(home, token)
    assert (accepted.login, accepted.identity.name, accepted.tenant) == ("ada", "Ada", acme)
    assert [grant.role for grant in accepted.given] == [MEMBER, READ_ONLY]
    assert (accepted.held, accepted.skipped) == ((), ())
    for name in ("ada", "ADA@example.com"):
        caller = await home.logged_in(name, PASSWORD)
        assert caller.identity == accepted.identity
        assert {grant.role for grant in caller.grants} == {MEMBER, READ_ONLY}
    entry = (await home.trail(acme))[0]
    assert entry.actor == Actor(kind=ActorKind.SYSTEM, identity_id=accepted.identity.id)
    assert (entry.action, entry.target_type) == ("invitation.accept", "invitation")
    assert (entry.ip, entry.request_id, entry.at) == (IP, "r" * 32, home.clock.now())
    assert {name: change.after for name, change in entry.changes.items()} == {
        "identity_id": accepted.identity.id,
        "name": "Ada",
        "login": "ada",
        "email": "ada@example.com",
        "memberships": [{"role": MEMBER, "variables": {}}, {"role": READ_ONLY, "variables": {}}],
    }
    assert len([one for one in await home.trail(acme) if one.request_id]) == 1
    assert home.metric('keywright_use_cases_total{outcome="ok",use_case="invitations.accept"}') == 1


async def test_login_and_name_may_be_chosen(home: House, admin: Caller) -> None:
    accepted = await accept(home, await invited(home, admin), login=" Countess ", name=" Ada L. ")
    assert (accepted.login, accepted.identity.name) == ("countess", "Ada L.")
    open_to_choice = await invited(home, admin, login=None, email=None)
    await refused(home, MissingField, "login", open_to_choice)
    assert (await accept(home, open_to_choice, login="bea")).login == "bea"


async def test_roles_over_the_installation(home: House) -> None:
    caller = await root(home)
    accepted = await accept(home, await invited(home, caller, MONITOR, everywhere=True))
    assert accepted.tenant is None
    assert await roles_of(home, accepted.identity) == [(MONITOR, None)]
    (entry, *_) = await home.trail(None)
    assert (entry.action, entry.tenant_id) == ("invitation.accept", None)


async def test_nothing_is_half_written(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    await home.person("bea", PASSWORD)
    token = await invited(home, admin)
    await refused(home, LoginTaken, "login", token, login="BEA")
    await refused(home, InvalidValue, "login", token, login="a b")
    await refused(home, InvalidValue, "name", token, name="\n")
    await refused(home, MissingField, "password", token, password=None)
    await refused(home, WeakPassword, "password", token, password="password123")
    await refused(home, WeakPassword, "password", token, password="ada@example.com")
    await refused(home, InvalidValue, "password", token, password="x" * 1025)
    await accept(home, token)
    await refused(home, LoginTaken, "email", await invited(home, admin, login="ada2"))
    assert home.metric('keywright_use_cases_total{outcome="login_taken",use_case="invitations.accept"}') == 2


async def test_an_invitation_works_once(home: House, admin: Caller) -> None:
    token = await invited(home, admin)
    await accept(home, token)
    await refused(home, InvitationUsed, None, token, login="bea")


async def test_of_two_at_once_one_comes_in(each_home: House) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    token = await invited(home, admin, email=None)
    outcomes = await asyncio.gather(
        *(accept(home, token, login=f"ada{number}") for number in range(4)), return_exceptions=True
    )
    came = [one for one in outcomes if isinstance(one, Accepted)]
    assert len(came) == 1
    assert {type(one) for one in outcomes} == {Accepted, InvitationUsed}
    async with home.database.read() as transaction:
        people = await transaction.people.page(None, limit=10)
    assert [one.login for one in people.items] == [came[0].login]


async def test_of_two_with_one_name_one_comes_in(each_home: House) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    tokens = [await invited(home, admin, email=None) for _ in range(2)]
    outcomes = await asyncio.gather(*(accept(home, token) for token in tokens), return_exceptions=True)
    assert {type(one) for one in outcomes} == {Accepted, LoginTaken}
    lost = tokens[[type(one) for one in outcomes].index(LoginTaken)]
    assert (await accept(home, lost, login="bea")).login == "bea"


async def test_it_ends_by_time_and_when_taken_back(home: House, acme: Tenant, admin: Caller) -> None:
    late = await invited(home, admin, expires_in_days=1)
    taken = await home.run(
        invite_user, admin, NewInvitation(name="Ada", login="ada", memberships=(RoleInput(MEMBER),))
    )
    assert taken.token is not None
    await home.run(revoke_invitation, admin, InvitationId(taken.view.invitation.id))
    await refused(home, InvitationExpired, None, taken.token.reveal())
    home.clock.advance(days=1, microseconds=-1)
    in_time = await invited(home, admin, expires_in_days=1)
    home.clock.advance(microseconds=1)
    await refused(home, InvitationExpired, None, late)
    await accept(home, in_time)


async def test_an_invitation_to_a_tenant_that_is_gone(home: House, acme: Tenant, admin: Caller) -> None:
    token = await invited(home, admin)
    async with home.database.write() as transaction:
        await transaction.tenants.delete(acme.id, home.clock.now())
    await refused(home, InvitationExpired, None, token)


@pytest.mark.parametrize("token", ["", "x", "kwi_", "kwi_" + "0" * 37, "\ud800", "kw_" + "0" * 37])
async def test_what_is_no_token_of_an_invitation(home: House, admin: Caller, token: str) -> None:
    await refused(home, NotFound, "token", token)
    await refused(home, NotFound, "token", await invited(home, admin) + " ")


async def test_keys_and_sessions_are_no_invitations(home: House, acme: Tenant, admin: Caller) -> None:
    key = await home.key(acme, admin.identity)
    await refused(home, NotFound, "token", key.token)
    with pytest.raises(Unauthenticated):
        await home.caller(await invited(home, admin))


async def test_guessing_is_slowed_down_by_address(home: House, admin: Caller) -> None:
    token = await invited(home, admin)
    for _ in range(FREE_FROM_ADDRESS):
        await refused(home, NotFound, "token", mint(INVITATION_PREFIX).reveal())
    with pytest.raises(TooManyAttempts):
        await accept(home, mint(INVITATION_PREFIX).reveal())
    with pytest.raises(TooManyAttempts):
        await accept(home, token)
    elsewhere = Visitor(ip="192.0.2.8")
    wanted = Acceptance(token=token, password=PASSWORD)
    await home.services.accept_invitation(wanted, elsewhere)


# Somebody who is here already


async def test_who_is_logged_in_gets_the_roles(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    bea = await home.person("bea", PASSWORD, Grant(ADMIN, other.id), Grant(READ_ONLY, acme.id))
    caller = await home.logged_in("bea", PASSWORD)
    accepted = await accept(home, await invited(home, admin, READ_ONLY, MEMBER), caller)
    assert (accepted.identity, accepted.login) == (bea, "bea")
    assert [grant.role for grant in accepted.given] == [MEMBER]
    assert (accepted.held, accepted.skipped) == ((READ_ONLY,), ())
    assert await roles_of(home, bea) == [(ADMIN, other.id), (READ_ONLY, acme.id), (MEMBER, acme.id)]
    entry = (await home.trail(acme))[0]
    assert entry.actor == caller.actor
    assert set(entry.changes) == {"identity_id", "memberships"}
    assert (await home.logged_in("bea", PASSWORD)).identity == bea


async def test_who_is_logged_in_chooses_nothing(home: House, admin: Caller) -> None:
    await home.person("bea", PASSWORD)
    caller = await home.logged_in("bea", PASSWORD)
    token = await invited(home, admin)
    for fields in ({"login": "x"}, {"name": "x"}, {"password": PASSWORD}):
        await refused(home, InvalidValue, "token", token, caller, **fields)
    await accept(home, token, caller)


async def test_a_key_is_no_person(home: House, admin: Caller) -> None:
    await refused(home, PermissionDenied, None, await invited(home, admin), admin)


async def test_somebody_who_was_deleted_meanwhile(home: House, admin: Caller) -> None:
    bea = await home.person("bea", PASSWORD)
    caller = await home.logged_in("bea", PASSWORD)
    async with home.database.write() as transaction:
        await transaction.people.delete(bea.id)
    await refused(home, NotFound, "token", await invited(home, admin), caller)


# Roles that changed meanwhile


async def test_a_role_that_is_gone_is_left_out_and_said(home: House, acme: Tenant, admin: Caller) -> None:
    gone = await home.role(acme, Role("gone", policies=(PolicyTemplate.of(["a"]),)))
    token = await invited(home, admin, "gone", MEMBER)
    async with home.database.write() as transaction:
        await transaction.roles(acme.id).remove(gone.id)
    accepted = await accept(home, token)
    assert accepted.skipped == ("gone",)
    assert await roles_of(home, accepted.identity) == [(MEMBER, acme.id)]
    assert (await home.trail(acme))[0].changes["skipped"].after == ["gone"]


async def test_what_the_inviter_could_not_give_any_more_is_left_out(home: House) -> None:
    """Else an invitation to oneself would bring back a role that was taken away."""
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    token = await invited(home, admin, ADMIN, MEMBER)
    await home.take_roles(admin.identity.id)
    await home.give(acme, admin.identity, MEMBER)
    accepted = await accept(home, token)
    assert [grant.role for grant in accepted.given] == [MEMBER]
    assert accepted.skipped == (ADMIN,)


@pytest.mark.parametrize("gone", ["disabled", "deleted"])
async def test_who_is_gone_gives_nothing(home: House, gone: str) -> None:
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    token = await invited(home, admin, MEMBER)
    if gone == "disabled":
        await home.disable(admin.identity.id)
    else:
        async with home.database.write() as transaction:
            await transaction.identities.delete(admin.identity.id, home.clock.now())
    accepted = await accept(home, token)
    assert (accepted.given, accepted.skipped) == ((), (MEMBER,))


async def test_values_are_given_as_far_as_the_role_has_variables(
    home: House, acme: Tenant, admin: Caller
) -> None:
    defined = await home.role(acme, EDITOR)
    memberships = (RoleInput("editor", {"language": ("cs",)}),)
    first = await invited(home, admin, memberships=memberships)
    second = await invited(home, admin, memberships=memberships, login="bea", email=None)
    (given,) = (await accept(home, first)).given
    assert given.variables == (("language", ("cs",)),)
    async with home.database.write() as transaction:
        plain = Role("editor", policies=(PolicyTemplate.of(["article:read"]),))
        await transaction.roles(acme.id).change(replace(defined, role=plain))
    (given,) = (await accept(home, second)).given
    assert given.variables == ()


# A new password


async def reset(home: House, caller: Caller, person: Identity, **changes: Any) -> str:
    made = await home.run(reset_user, caller, UserReset(id=person.id, **changes))
    assert made.token is not None
    return made.token.reveal()


async def test_a_person_sets_a_new_password_and_every_session_ends(each_home: House) -> None:
    home = each_home
    caller = await root(home)
    bea = await home.person("bea", PASSWORD)
    before = await home.services.log_in("bea", PASSWORD, ip=None, request_id=None)
    token = await reset(home, caller, bea)
    assert (await home.caller(before.token.reveal())).identity == bea
    accepted = await accept(home, token, password=OTHER)
    assert (accepted.identity, accepted.login, accepted.tenant, accepted.given) == (bea, "bea", None, ())
    with pytest.raises(Unauthenticated):
        await home.caller(before.token.reveal())
    with pytest.raises(InvalidCredentials):
        await home.logged_in("bea", PASSWORD)
    assert (await home.logged_in("bea", OTHER)).identity == bea
    entry = next(one for one in await home.trail(None) if one.action == "invitation.accept")
    assert {name: change.after for name, change in entry.changes.items()} == {
        "identity_id": bea.id,
        "password": "set",
        "factors_ended": False,
        "sessions_ended": 1,
    }
    await refused(home, InvitationUsed, None, token)


@pytest.mark.parametrize("factors", [False, True])
async def test_second_factors_go_only_where_the_link_says_so(home: House, *, factors: bool) -> None:
    caller = await root(home)
    bea = await home.person("bea", PASSWORD)
    async with home.database.write() as transaction:
        await transaction.totp.set_up(bea.id, "SECRET", home.clock.now())
        await transaction.totp.confirm(bea.id, home.clock.now())
    await accept(home, await reset(home, caller, bea, factors=factors), password=OTHER)
    async with home.database.read() as transaction:
        assert await transaction.people.with_two_factors([bea.id]) == (set() if factors else {bea.id})


async def test_a_reset_sets_a_password_and_nothing_else(home: House) -> None:
    caller = await root(home)
    bea = await home.person("bea", PASSWORD)
    token = await reset(home, caller, bea)
    await refused(home, MissingField, "password", token, password=None)
    await refused(home, WeakPassword, "password", token, password="bea-bea-bea-1")
    await refused(home, InvalidValue, "token", token, login="other")
    await refused(home, InvalidValue, "token", token, name="Other")
    # Being logged in, even as somebody else, makes no difference: the link says whose password it is.
    accepted = await accept(home, token, caller, password=OTHER)
    assert accepted.identity == bea
    assert (await home.trail(None))[0].actor == caller.actor


async def test_a_link_made_early_is_no_way_to_rights_given_later(home: House, acme: Tenant) -> None:
    helper = await home.identity(Grant(MONITOR))
    await home.give(acme, helper, ADMIN)
    bea = await home.person("bea", PASSWORD, Grant(READ_ONLY, acme.id))
    token, spare = await early_links(home, helper, bea)
    await home.give(acme, bea, ADMIN)
    await accept(home, token, password=OTHER)
    await home.give(None, bea, SUPER_ADMIN)
    await refused(home, InvitationExpired, None, spare, password=PASSWORD)


async def test_a_link_ends_with_who_made_it(home: House) -> None:
    helper = await home.identity(Grant(MONITOR))
    bea = await home.person("bea", PASSWORD)
    first, second = await early_links(home, helper, bea)
    await home.disable(helper.id)
    await refused(home, InvitationExpired, None, first)
    async with home.database.write() as transaction:
        await transaction.identities.delete(helper.id, home.clock.now())
    await refused(home, InvitationExpired, None, second)
    async with home.database.writer.begin() as connection:
        await connection.exec_driver_sql("UPDATE invitation SET created_by = NULL")
    await refused(home, InvitationExpired, None, second)


async def test_a_link_to_somebody_who_is_gone(home: House) -> None:
    caller = await root(home)
    bea = await home.person("bea", PASSWORD)
    token = await reset(home, caller, bea)
    async with home.database.write() as transaction:
        await transaction.people.delete(bea.id)
    await refused(home, InvitationExpired, None, token)


async def early_links(home: House, maker: Identity, person: Identity) -> list[str]:
    """Two links for a person, made by somebody of whom the rules did not ask whether they may."""
    caller = await root(home)
    tokens = []
    for _ in range(2):
        tokens.append(await reset(home, caller, person))
        async with home.database.writer.begin() as connection:
            await connection.exec_driver_sql(
                f"UPDATE invitation SET created_by = '{maker.id}', revoked_at = NULL"
            )
    return tokens
