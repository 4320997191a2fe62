"""People: who sees them, who changes them, and what goes with them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.errors import (
    BeyondOwnRights,
    IdempotencyKeyReused,
    InvalidCredentials,
    InvalidCursor,
    InvalidValue,
    InvitationExpired,
    KeywrightError,
    LastAdministrator,
    LoginTaken,
    NotFound,
    OwnKey,
    PermissionDenied,
    SecretInText,
    Unauthenticated,
    WeakPassword,
)
from keywright.core.identities import Grant, IdentityKind
from keywright.core.ids import new_id
from keywright.core.roles import ADMIN, MEMBER, MONITOR, READ_ONLY, SUPER_ADMIN
from keywright.core.tokens import mint
from keywright.services.invitations import (
    Acceptance,
    NewInvitation,
    Visitor,
    invite_user,
)
from keywright.services.mail import Mailer, MailProblem
from keywright.services.memberships import RoleInput
from keywright.services.service_accounts import ListServiceAccounts, list_service_accounts
from keywright.services.users import (
    CreatedUser,
    ListUsers,
    NewUser,
    UserChanges,
    UserId,
    UserReset,
    UserView,
    create_user,
    delete_user,
    get_user,
    list_users,
    remove_user,
    reset_user,
    update_user,
)
from keywright.settings.mail import mail_server
from tests.support.house import ORIGIN
from tests.support.mail import post_office

if TYPE_CHECKING:
    from keywright.core.identities import Identity, Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

PASSWORD = "a long way to Tipperary"
OTHER = "correct horse battery staple"


async def root(home: House, login: str = "root") -> Caller:
    await home.person(login, PASSWORD, Grant(SUPER_ADMIN))
    return await home.logged_in(login, PASSWORD)


async def helper(home: House) -> Caller:
    """Somebody who may change people everywhere, and holds little else."""
    mighty = await home.identity(Grant(SUPER_ADMIN))
    return await home.caller(await home.key(None, mighty, scope=[(["identities:*"], None)]))


async def refused(
    home: House,
    error: type[KeywrightError],
    field: str | None,
    use: Any,
    caller: Caller,
    data: Any,
    **call: Any,
) -> None:
    before = (await everyone(home), await home.keys(), await home.count_entries())
    with pytest.raises(KeywrightError) as caught:
        await home.run(use, caller, data, **call)
    assert (type(caught.value), caught.value.field) == (error, field)
    assert (await everyone(home), await home.keys(), await home.count_entries()) == before


async def everyone(home: House) -> list[Any]:
    async with home.database.read() as transaction:
        people = (await transaction.people.page(None, limit=100)).items
        return [
            (one, one.password_hash, await transaction.all_memberships.of(one.identity.id)) for one in people
        ]


async def person(home: House, identity: Identity) -> Any:
    async with home.database.read() as transaction:
        return await transaction.people.by_id(identity.id)


# Making them


async def test_a_person_is_made_and_logs_in(home: House) -> None:
    caller = await root(home)
    new = NewUser(login=" ADA ", name=" Ada ", email="Ada@Example.com", password=PASSWORD)
    assert PASSWORD not in repr(new)
    created = await home.run(create_user, caller, new)
    made = created.view.person
    assert (made.login, made.email, made.identity.name) == ("ada", "ada@example.com", "Ada")
    assert (made.identity.kind, made.identity.active, made.identity.tenant_id) == (
        IdentityKind.USER,
        True,
        None,
    )
    assert (created.view.memberships, created.view.two_factor, created.replayed) == ((), False, False)
    assert (await home.logged_in("ada@example.com", PASSWORD)).grants == ()
    entry = next(one for one in await home.trail(None) if one.action == "user.create")
    assert {name: change.after for name, change in entry.changes.items()} == {
        "name": "Ada",
        "login": "ada",
        "email": "ada@example.com",
    }


async def test_without_a_password_nobody_logs_in_yet(home: House) -> None:
    caller = await root(home)
    made = (await home.run(create_user, caller, NewUser(login="ada", name="Ada"))).view.person
    assert (made.password_hash, made.email) == (None, None)
    with pytest.raises(InvalidCredentials):
        await home.logged_in("ada", PASSWORD)
    reset = await home.run(reset_user, caller, UserReset(id=made.identity.id))
    assert reset.token is not None
    wanted = Acceptance(token=reset.token.reveal(), password=PASSWORD)
    await home.services.accept_invitation(wanted, Visitor())
    assert (await home.logged_in("ada", PASSWORD)).identity == made.identity


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"login": "root"}, LoginTaken, "login"),
        ({"email": "bea@example.com"}, LoginTaken, "email"),
        ({"login": "a b"}, InvalidValue, "login"),
        ({"name": ""}, InvalidValue, "name"),
        ({"email": "x"}, InvalidValue, "email"),
        ({"password": "password"}, WeakPassword, "password"),
        ({"password": "ada.lovelace"}, WeakPassword, "password"),
    ],
    ids=str,
)
async def test_who_cannot_be_made(
    home: House, changes: dict[str, Any], error: type[KeywrightError], field: str
) -> None:
    caller = await root(home)
    await home.run(create_user, caller, NewUser(login="bea", name="Bea", email="bea@example.com"))
    fields = {"login": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "password": PASSWORD}
    await refused(home, error, field, create_user, caller, NewUser(**{**fields, **changes}))


async def test_the_same_request_makes_one_person(home: House) -> None:
    caller = await root(home)
    new = NewUser(login="ada", name="Ada", password=PASSWORD)
    first = await home.run(create_user, caller, new, idempotency_key="k")
    again = await home.run(create_user, caller, new, idempotency_key="k")
    assert again.replayed
    assert again.view.person.identity == first.view.person.identity
    with pytest.raises(IdempotencyKeyReused, match="different"):
        await home.run(create_user, caller, NewUser(login="bea", name="Bea"), idempotency_key="k")
    await home.run(delete_user, caller, UserId(first.view.person.identity.id))
    with pytest.raises(IdempotencyKeyReused, match="deleted"):
        await home.run(create_user, caller, new, idempotency_key="k")


async def test_a_password_is_hashed_for_nobody_who_may_make_nobody(home: House, admin: Caller) -> None:
    weak = NewUser(login="ada", name="Ada", password="weak")
    await refused(home, PermissionDenied, None, create_user, admin, weak)


# Seeing them


async def test_a_tenant_sees_its_people_and_the_installation_all(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    ada = await home.person("ada", PASSWORD, Grant(ADMIN, acme.id), Grant(MEMBER, other.id))
    bea = await home.person("bea", PASSWORD, Grant(MEMBER, other.id), Grant(MONITOR))
    await home.service_account(acme, Grant(MEMBER, acme.id))
    async with home.database.write() as transaction:
        await transaction.totp.set_up(ada.id, "SECRET", home.clock.now())
        await transaction.totp.confirm(ada.id, home.clock.now())
    caller = await root(home)

    async def seen(tenant: str) -> dict[str, tuple[list[str], bool]]:
        page = await home.run(list_users, caller, ListUsers(), tenant=tenant)
        return {
            one.person.login: ([given.grant.role for given in one.memberships], one.two_factor)
            for one in page.items
        }

    assert await seen("acme") == {"ada": ([ADMIN], True)}
    assert await seen("other") == {"ada": ([MEMBER], True), "bea": ([MEMBER], False)}
    assert await seen("*") == {"ada": ([], True), "bea": ([MONITOR], False), "root": ([SUPER_ADMIN], False)}
    one = await home.run(get_user, caller, UserId(bea.id), tenant="other")
    assert isinstance(one, UserView)
    assert (one.person.identity, [given.grant.role for given in one.memberships]) == (bea, [MEMBER])
    await refused(home, NotFound, None, get_user, caller, UserId(bea.id), tenant="acme")
    assert (await home.run(get_user, caller, UserId(bea.id), tenant="*")).person.identity == bea


async def test_they_are_listed_page_by_page(home: House, acme: Tenant, admin: Caller) -> None:
    made = [await home.person(f"p{number}", PASSWORD, Grant(MEMBER, acme.id)) for number in range(3)]
    first = await home.run(list_users, admin, ListUsers(limit=2))
    assert first.next_cursor is not None
    rest = await home.run(list_users, admin, ListUsers(limit=2, cursor=first.next_cursor))
    assert [one.person.identity.id for one in (*first.items, *rest.items)] == sorted(one.id for one in made)
    assert rest.next_cursor is None
    for wanted, error in ((ListUsers(limit=0), InvalidValue), (ListUsers(cursor="x"), InvalidCursor)):
        with pytest.raises(error):
            await home.run(list_users, admin, wanted)


async def test_one_is_found_by_login_name_or_address(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    ada = await home.person("ada", PASSWORD, Grant(MEMBER, acme.id))
    await home.person("adam", PASSWORD, Grant(MEMBER, acme.id))
    bea = await home.person("ada@example.com", PASSWORD)
    async with home.database.write() as transaction:
        await transaction.people.set_email(ada.id, "ada@example.com")
    caller = await root(home)

    async def found(login: str, tenant: str = "acme", **paging: Any) -> list[str]:
        page = await home.run(list_users, caller, ListUsers(login=login, **paging), tenant=tenant)
        return [one.person.identity.id for one in page.items]

    for login in ("ada", " ADA ", "a\u200bda", "ada\0", "Ada@Example.com"):
        assert await found(login) == [ada.id]
    for login in ("", "ad", "ada%", "_da", "nobody", "\ud800", "x" * 9_999):
        assert await found(login) == []
    # Somebody's address may be another's login name, from a time before these had no @.
    assert await found("ada@example.com", "*") == sorted([ada.id, bea.id])
    assert await found("ada@example.com", "*", limit=1) == [min(ada.id, bea.id)]


async def test_people_are_searched_where_the_call_is(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    ada = await home.person("ada", PASSWORD, Grant(MEMBER, acme.id))
    adam = await home.person("adam", PASSWORD, Grant(MEMBER, other.id))
    caller = await root(home)

    async def found(search: str, tenant: str = "acme", **more: Any) -> list[str]:
        page = await home.run(list_users, caller, ListUsers(search=search, **more), tenant=tenant)
        return [one.person.identity.id for one in page.items]

    for text in ("ada", " AD ", "ada…", ada.id, "", "  "):
        assert await found(text) == [ada.id]
    assert await found("ada", "*") == [ada.id, adam.id]
    assert await found("ada", "*", login="adam") == [adam.id]
    for text in ("adam", adam.id, "da", "ad%", "_da", ada.id[:-1]):
        assert await found(text) == []


@pytest.mark.parametrize("text", ["\0", "a\nb", "\ud800", "x" * 256])
async def test_what_is_no_text_is_not_searched_for(home: House, admin: Caller, text: str) -> None:
    for use_case, wanted in (
        (list_users, ListUsers(search=text)),
        (list_service_accounts, ListServiceAccounts(search=text)),
    ):
        with pytest.raises(InvalidValue) as caught:
            await home.run(use_case, admin, wanted)
        assert caught.value.field == "search"


async def test_a_token_is_not_searched_for(home: House, admin: Caller) -> None:
    token = mint().reveal()
    for use_case, wanted in (
        (list_users, ListUsers(search=f" {token}")),
        (list_service_accounts, ListServiceAccounts(search=f"x {token}")),
    ):
        with pytest.raises(SecretInText) as caught:
            await home.run(use_case, admin, wanted)
        assert caught.value.field == "search"
        assert token not in str(caught.value)


@pytest.mark.parametrize("user_id", ["", "idn", "\0", "key_" + "0" * 32, "idn_" + "0" * 32])
async def test_who_is_not_there(home: House, acme: Tenant, user_id: str) -> None:
    caller = await root(home)
    for tenant in ("acme", "*"):
        await refused(home, NotFound, None, get_user, caller, UserId(user_id), tenant=tenant)
    await refused(home, NotFound, None, remove_user, caller, UserId(user_id), tenant="acme")
    await refused(home, NotFound, None, update_user, caller, UserChanges(id=user_id, name="X"))
    await refused(home, NotFound, None, delete_user, caller, UserId(user_id))
    await refused(home, NotFound, None, reset_user, caller, UserReset(id=user_id))


async def test_what_is_no_person_is_not_there(home: House, acme: Tenant) -> None:
    caller = await root(home)
    account = await home.service_account(acme, Grant(MEMBER, acme.id))
    await refused(home, NotFound, None, get_user, caller, UserId(account.id), tenant="acme")
    await refused(home, NotFound, None, remove_user, caller, UserId(account.id), tenant="acme")
    await refused(home, NotFound, None, delete_user, caller, UserId(account.id))


# Taking them out of a tenant


async def test_who_is_removed_loses_what_they_had_there(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    grants = (Grant(MEMBER, acme.id), Grant(READ_ONLY, acme.id), Grant(MEMBER, other.id))
    ada = await home.person("ada", PASSWORD, *grants)
    here, there = await home.key(acme, ada), await home.key(other, ada)
    await home.run(remove_user, admin, UserId(ada.id))
    async with home.database.read() as transaction:
        held = await transaction.all_memberships.grants(ada.id)
    assert held == (Grant(MEMBER, other.id),)
    assert here.id not in await home.keys()
    assert there.id in await home.keys()
    assert (await home.logged_in("ada", PASSWORD)).identity == ada
    (entry,) = await home.trail(acme)
    assert (entry.action, entry.target_id) == ("user.remove", ada.id)
    assert {name: change.before for name, change in entry.changes.items()} == {
        "memberships": [{"role": role, "variables": {}} for role in (MEMBER, READ_ONLY)],
        "keys": [here.id],
    }
    await refused(home, NotFound, None, remove_user, admin, UserId(ada.id))


async def test_the_last_administrator_stays(home: House, acme: Tenant) -> None:
    caller = await root(home)
    ada = await home.person("ada", PASSWORD, Grant(ADMIN, acme.id))
    await refused(home, LastAdministrator, None, remove_user, caller, UserId(ada.id), tenant="acme")
    await home.person("bea", PASSWORD, Grant(ADMIN, acme.id))
    await home.run(remove_user, caller, UserId(ada.id), tenant="acme")


async def test_nobody_comes_back_by_an_invitation_of_their_own(home: House, acme: Tenant) -> None:
    caller = await root(home)
    for sent_away in ("remove", "disable", "delete"):
        await home.person(f"other-{sent_away}", PASSWORD, Grant(ADMIN, acme.id))
        ada = await home.person(f"ada-{sent_away}", PASSWORD, Grant(ADMIN, acme.id))
        own = await home.logged_in(f"ada-{sent_away}", PASSWORD)
        back = NewInvitation(name="Ada", login="back", memberships=(RoleInput(ADMIN),))
        invited = await home.run(invite_user, own, back)
        if sent_away == "remove":
            await home.run(remove_user, caller, UserId(ada.id), tenant="acme")
        elif sent_away == "disable":
            await home.run(update_user, caller, UserChanges(id=ada.id, active=False))
        else:
            await home.run(delete_user, caller, UserId(ada.id))
        assert invited.token is not None
        wanted = Acceptance(token=invited.token.reveal(), password=OTHER)
        with pytest.raises(InvitationExpired):
            await home.services.accept_invitation(wanted, Visitor())


async def test_a_key_does_not_delete_itself_with_its_owner(home: House, acme: Tenant) -> None:
    for number, use in enumerate((remove_user, delete_user)):
        await home.person(f"other{number}", PASSWORD, Grant(ADMIN, acme.id), Grant(SUPER_ADMIN))
        ada = await home.person(f"ada{number}", PASSWORD, Grant(ADMIN, acme.id), Grant(SUPER_ADMIN))
        made = await home.key(acme if use is remove_user else None, ada)
        await refused(home, OwnKey, None, use, await home.caller(made), UserId(ada.id))
        other = await home.key(acme, ada)
        tenant = "acme" if use is remove_user else None
        own = await home.logged_in(f"ada{number}", PASSWORD)
        await home.run(use, own, UserId(ada.id), tenant=tenant)
        assert not {made.id, other.id} & set(await home.keys())


# Changing them


async def test_a_person_is_changed(each_home: House) -> None:
    home = each_home
    caller = await root(home)
    ada = await home.person("ada", PASSWORD)
    changed = await home.run(update_user, caller, UserChanges(id=ada.id, name=" A. ", email="A@Example.com"))
    assert (changed.person.identity.name, changed.person.email) == ("A.", "a@example.com")
    assert (await person(home, ada)) == changed.person
    entry = next(one for one in await home.trail(None) if one.action == "user.update")
    assert {name: (change.before, change.after) for name, change in entry.changes.items()} == {
        "name": ("ada", "A."),
        "email": (None, "a@example.com"),
    }
    cleared = await home.run(update_user, caller, UserChanges(id=ada.id, email=None))
    assert cleared.person.email is None


async def test_changing_nothing_leaves_no_trace(home: House) -> None:
    caller = await root(home)
    ada = await home.person("ada", PASSWORD)
    before = await home.count_entries()
    for changes in (UserChanges(id=ada.id), UserChanges(id=ada.id, name="ada", email=None, active=True)):
        assert (await home.run(update_user, caller, changes)).person == await person(home, ada)
    assert await home.count_entries() == before


async def test_what_a_person_cannot_become(home: House) -> None:
    caller = await root(home)
    ada = await home.person("ada", PASSWORD)
    await home.run(create_user, caller, NewUser(login="bea", name="Bea", email="bea@example.com"))
    for changes, error, field in (
        (UserChanges(id=ada.id, name=""), InvalidValue, "name"),
        (UserChanges(id=ada.id, email="x"), InvalidValue, "email"),
        (UserChanges(id=ada.id, email="BEA@example.com"), LoginTaken, "email"),
    ):
        await refused(home, error, field, update_user, caller, changes)


async def test_disabling_ends_the_sessions_for_good(home: House) -> None:
    caller = await root(home)
    ada = await home.person("ada", PASSWORD)
    token = (await home.services.log_in("ada", PASSWORD, ip=None, request_id=None)).token.reveal()
    await home.run(update_user, caller, UserChanges(id=ada.id, active=False))
    with pytest.raises(Unauthenticated):
        await home.caller(token)
    with pytest.raises(InvalidCredentials):
        await home.logged_in("ada", PASSWORD)
    await home.run(update_user, caller, UserChanges(id=ada.id, active=True))
    with pytest.raises(Unauthenticated):
        await home.caller(token)
    assert (await home.logged_in("ada", PASSWORD)).identity == ada


async def test_nobody_is_locked_out(home: House, acme: Tenant) -> None:
    caller = await root(home)
    ada = await home.person("ada", PASSWORD, Grant(ADMIN, acme.id))
    for identity in (caller.identity, ada):
        await refused(
            home, LastAdministrator, None, update_user, caller, UserChanges(id=identity.id, active=False)
        )
        await refused(home, LastAdministrator, None, delete_user, caller, UserId(identity.id))


async def test_of_two_administrators_who_delete_each_other_one_stays(each_home: House) -> None:
    home = each_home
    first, second = await root(home, "first"), await root(home, "second")
    outcomes = await asyncio.gather(
        home.run(delete_user, first, UserId(second.identity.id)),
        home.run(delete_user, second, UserId(first.identity.id)),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes if one is not None] == [LastAdministrator]


# Deleting them


async def test_who_is_deleted_leaves_nothing_that_works(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    caller = await root(home)
    await home.admin(acme)
    ada = await home.person("ada", PASSWORD, Grant(ADMIN, acme.id), Grant(MONITOR))
    keys = [await home.key(place, ada) for place in (acme, None)]
    session = (await home.services.log_in("ada", PASSWORD, ip=None, request_id=None)).token.reveal()
    reset = await home.run(reset_user, caller, UserReset(id=ada.id))
    await home.run(delete_user, caller, UserId(ada.id))
    for token in (session, *(one.token for one in keys)):
        with pytest.raises(Unauthenticated):
            await home.caller(token)
    with pytest.raises(InvalidCredentials):
        await home.logged_in("ada", PASSWORD)
    assert reset.token is not None
    with pytest.raises(InvitationExpired):
        await home.services.accept_invitation(
            Acceptance(token=reset.token.reveal(), password=OTHER), Visitor()
        )
    await refused(home, NotFound, None, get_user, caller, UserId(ada.id), tenant="*")
    entry = next(one for one in await home.trail(None) if one.action == "user.delete")
    assert {name: change.before for name, change in entry.changes.items()} == {
        "login": "ada",
        "keys": sorted(one.id for one in keys),
    }
    again = await home.run(create_user, caller, NewUser(login="ada", name="Ada", password=OTHER))
    assert isinstance(again, CreatedUser)
    assert (await home.logged_in("ada", OTHER)).grants == ()


# Links for a new password


async def test_a_reset_makes_a_link_and_changes_nothing_yet(home: House) -> None:
    caller = await root(home)
    ada = await home.person("ada", PASSWORD)
    made = await home.run(reset_user, caller, UserReset(id=ada.id, factors=True, expires_in_days=1))
    assert made.token is not None
    assert made.link == f"{ORIGIN}/invitations/accept#{made.token.reveal()}"
    invitation = made.view.invitation
    assert (invitation.identity_id, invitation.login, invitation.ends_factors) == (ada.id, "ada", True)
    assert (made.view.tenant, made.view.maker) == (None, caller.identity)
    assert made.mail_problem is MailProblem.NO_ADDRESS
    assert (await home.logged_in("ada", PASSWORD)).identity == ada
    entry = next(one for one in await home.trail(None) if one.action == "user.reset")
    assert (entry.changes["identity_id"].after, entry.changes["factors"].after) == (ada.id, True)


async def test_a_later_link_takes_the_place_of_an_earlier_one(home: House) -> None:
    caller = await root(home)
    ada = await home.person("ada", PASSWORD)
    first, second = [await home.run(reset_user, caller, UserReset(id=ada.id)) for _ in range(2)]
    assert first.token is not None
    assert second.token is not None
    with pytest.raises(InvitationExpired):
        await home.services.accept_invitation(
            Acceptance(token=first.token.reveal(), password=OTHER), Visitor()
        )
    await home.services.accept_invitation(Acceptance(token=second.token.reveal(), password=OTHER), Visitor())


async def test_the_same_request_makes_one_link(home: House) -> None:
    caller = await root(home)
    ada = await home.person("ada", PASSWORD)
    first = await home.run(reset_user, caller, UserReset(id=ada.id), idempotency_key="k")
    again = await home.run(reset_user, caller, UserReset(id=ada.id), idempotency_key="k")
    assert (again.view, again.token, again.link, again.replayed) == (first.view, None, None, True)
    async with home.database.write() as transaction:
        await transaction.all_invitations.forget_before(first.view.invitation.expires_at.replace(year=2099))
    with pytest.raises(IdempotencyKeyReused):
        await home.run(reset_user, caller, UserReset(id=ada.id), idempotency_key="k")
    await refused(
        home, InvalidValue, "expires_in_days", reset_user, caller, UserReset(id=ada.id, expires_in_days=0)
    )


async def test_the_link_is_sent_to_the_person(home: House) -> None:
    caller = await root(home)
    new = NewUser(login="ada", name="Ada", email="ada@example.com")
    ada = (await home.run(create_user, caller, new)).view.person.identity
    async with post_office() as post:
        server = mail_server(f"smtp://127.0.0.1:{post.port}?starttls=never")
        home.send_mail_by(Mailer(server, "kw@example.com"))
        made = await home.run(reset_user, caller, UserReset(id=ada.id))
        assert made.mailed
        (letter,) = post.letters
        assert (letter["To"], letter["Subject"]) == ("ada@example.com", "A new password for Keywright")
        assert made.link is not None
        assert letter.get_content().count(made.link) == 1
        assert "for the login name ada:" in letter.get_content()


# Whoever holds less


@pytest.mark.parametrize("grants", [(SUPER_ADMIN,), (MONITOR,)], ids=str)
async def test_nobody_changes_a_person_who_holds_more(home: House, grants: tuple[str, ...]) -> None:
    await root(home)
    mighty = await home.person("mighty", PASSWORD, *(Grant(role) for role in grants))
    caller = await helper(home)
    for use, data in (
        (update_user, UserChanges(id=mighty.id, email="mine@example.com")),
        (delete_user, UserId(mighty.id)),
        (reset_user, UserReset(id=mighty.id)),
    ):
        await refused(home, BeyondOwnRights, "id", use, caller, data)


async def test_rights_in_one_tenant_count_too(home: House, acme: Tenant) -> None:
    await home.admin(acme)
    ada = await home.person("ada", PASSWORD, Grant(ADMIN, acme.id))
    caller = await helper(home)
    await refused(home, BeyondOwnRights, "id", reset_user, caller, UserReset(id=ada.id))
    plain = await home.person("plain", PASSWORD)
    await home.run(reset_user, caller, UserReset(id=plain.id))
    whole = await root(home)
    await home.run(reset_user, whole, UserReset(id=ada.id))


async def test_everybody_may_be_changed_by_themselves_where_they_may_at_all(home: House) -> None:
    caller = await root(home)
    own = UserChanges(id=caller.identity.id, email="root@example.com")
    assert (await home.run(update_user, caller, own)).person.email == "root@example.com"


async def test_an_administrator_of_a_tenant_changes_nobody(home: House, acme: Tenant, admin: Caller) -> None:
    ada = await home.person("ada", PASSWORD, Grant(MEMBER, acme.id))
    for use, data in (
        (update_user, UserChanges(id=ada.id, name="X")),
        (delete_user, UserId(ada.id)),
        (reset_user, UserReset(id=ada.id)),
        (create_user, NewUser(login=new_id("idn"), name="X")),
    ):
        await refused(home, PermissionDenied, None, use, admin, data)
        await refused(home, PermissionDenied, None, use, admin, data, tenant="acme")
