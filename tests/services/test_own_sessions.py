"""What somebody who is logged in does about logins: sees and ends them, shows anew who they are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from keywright.core.audit import Change
from keywright.core.errors import (
    FreshLoginRequired,
    InvalidCode,
    InvalidCredentials,
    InvalidCursor,
    InvalidValue,
    KeywrightError,
    MissingField,
    NotFound,
    PasskeyRefused,
    PermissionDenied,
    SecondFactorRequired,
    TooManyAttempts,
    Unauthenticated,
    WeakPassword,
)
from keywright.services.factors import AppCode, RecoveryCode, begin_totp
from keywright.services.passwords import Passwords
from keywright.services.sessions import (
    Confirmation,
    ListSessions,
    PasswordChange,
    SessionId,
    SessionKeeper,
    change_password,
    confirm_session,
    end_one_session,
    end_other_sessions,
    list_sessions,
)
from keywright.storage import schema
from tests.support.factors import answered, with_app, with_passkey

if TYPE_CHECKING:
    from keywright.core.sessions import Session
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"
NEW = "wandering battery"
CALLS: list[tuple[Any, Any]] = [
    (list_sessions, ListSessions()),
    (end_one_session, SessionId("ses_absent")),
    (end_other_sessions, None),
    (confirm_session, Confirmation(PASSWORD)),
    (change_password, PasswordChange(PASSWORD, NEW)),
]


@pytest.fixture
async def anna(home: House) -> Caller:
    """Somebody who has just logged in."""
    await home.person("anna", PASSWORD)
    return await home.logged_in("anna", PASSWORD)


def session_of(caller: Caller) -> Session:
    assert caller.session is not None
    return caller.session


async def stored(home: House, caller: Caller) -> Session:
    async with home.database.read() as transaction:
        found = await transaction.sessions.by_id(caller.identity.id, session_of(caller).id)
    assert found is not None
    return found


async def refusal(home: House, use: Any, caller: Caller, data: Any) -> KeywrightError:
    before = await home.count_entries()
    with pytest.raises(KeywrightError) as caught:
        await home.run(use, caller, data)
    assert await home.count_entries() == before
    return caught.value


@pytest.mark.parametrize(("use", "data"), CALLS, ids=[use.name for use, _ in CALLS])
async def test_a_key_has_no_logins_to_look_after(home: House, use: Any, data: Any) -> None:
    person = await home.person("anna", PASSWORD)
    key = await home.caller(await home.key(None, person))
    assert isinstance(await refusal(home, use, key, data), PermissionDenied)


@pytest.mark.parametrize(("use", "data"), CALLS[3:], ids=[use.name for use, _ in CALLS[3:]])
async def test_who_was_deleted_meanwhile_shows_nothing(
    home: House, anna: Caller, use: Any, data: Any
) -> None:
    async with home.database.writer.begin() as connection:
        await connection.execute(delete(schema.person))
    assert isinstance(await refusal(home, use, anna, data), PermissionDenied)


# Seeing and ending them


async def test_one_sees_ones_own_sessions_that_are_not_over(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    await home.person("berta", PASSWORD)
    callers = []
    for _ in range(4):
        home.clock.advance(hours=1)
        callers.append(await home.logged_in("anna", PASSWORD))
    await home.logged_in("berta", PASSWORD)
    await home.run(end_one_session, callers[1], SessionId(session_of(callers[1]).id))
    home.clock.advance(hours=9, minutes=30)
    last = callers[-1]
    found = await home.run(list_sessions, last, ListSessions())
    assert [(one.session.id, one.current) for one in found.items] == [
        (session_of(callers[3]).id, True),
        (session_of(callers[2]).id, False),
    ]
    assert (found.more, found.next_cursor) == (False, None)
    first = await home.run(list_sessions, last, ListSessions(limit=1))
    assert (first.items, first.more) == (found.items[:1], True)
    second = await home.run(list_sessions, last, ListSessions(limit=1, cursor=first.next_cursor))
    assert (second.items, second.more) == (found.items[1:], False)


async def test_a_list_of_sessions_has_a_sound_length_and_place(home: House, anna: Caller) -> None:
    for limit in (0, 201):
        assert isinstance(await refusal(home, list_sessions, anna, ListSessions(limit=limit)), InvalidValue)
    assert isinstance(await refusal(home, list_sessions, anna, ListSessions(cursor="x")), InvalidCursor)


async def test_one_ends_ones_own_sessions_one_by_one(home: House, anna: Caller) -> None:
    made = await home.services.log_in("anna", PASSWORD, ip=None, request_id=None)
    await home.person("berta", PASSWORD)
    berta = await home.logged_in("berta", PASSWORD)
    wanted = SessionId(made.session.id)
    assert isinstance(await refusal(home, end_one_session, berta, wanted), NotFound)
    await home.run(end_one_session, anna, wanted)
    entry = (await home.trail(None))[0]
    assert (entry.action, entry.target_id) == ("session.end", made.session.id)
    with pytest.raises(Unauthenticated):
        await home.caller(made.token.reveal())
    assert isinstance(await refusal(home, end_one_session, anna, wanted), NotFound)


async def test_one_ends_all_others(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    await home.person("berta", PASSWORD)
    tokens = [
        (await home.services.log_in(login, PASSWORD, ip=None, request_id=None)).token.reveal()
        for login in ("anna", "anna", "anna", "berta")
    ]
    anna = await home.caller(tokens[1])
    assert await home.run(end_other_sessions, anna, None) == 2
    entry = (await home.trail(None))[0]
    assert (entry.action, entry.target_id) == ("session.end_others", anna.identity.id)
    assert entry.changes == {"ended": Change(None, 2)}
    for token, alive in zip(tokens, (False, True, False, True), strict=True):
        if alive:
            await home.caller(token)
        else:
            with pytest.raises(Unauthenticated):
                await home.caller(token)
    before = await home.count_entries()
    assert await home.run(end_other_sessions, anna, None) == 0
    assert await home.count_entries() == before


# Showing anew who one is


async def test_who_confirms_a_login_may_do_what_asks_for_a_recent_one(home: House, anna: Caller) -> None:
    home.clock.advance(minutes=11)
    assert isinstance(await refusal(home, begin_totp, anna, None), FreshLoginRequired)
    confirmed = await home.run(confirm_session, anna, Confirmation(PASSWORD))
    assert (confirmed.proved_at, confirmed.proofs) == (home.clock.now(), ("password",))
    assert await stored(home, anna) == confirmed
    entry = (await home.trail(None))[0]
    assert (entry.action, entry.target_id) == ("session.confirm", session_of(anna).id)
    await home.run(begin_totp, replace(anna, session=confirmed), None)


async def test_a_confirmation_asks_for_all_that_a_login_asks_for(home: House, anna: Caller) -> None:
    app = await with_app(home, anna)
    device, _ = await with_passkey(home, anna)
    found = await refusal(home, confirm_session, anna, Confirmation(PASSWORD))
    assert isinstance(found, SecondFactorRequired)
    assert isinstance(await refusal(home, confirm_session, anna, Confirmation()), MissingField)
    wrong = Confirmation("wrong", AppCode(app.code()))
    assert isinstance(await refusal(home, confirm_session, anna, wrong), InvalidCredentials)
    bad = Confirmation(PASSWORD, AppCode(app.wrong_code()))
    assert isinstance(await refusal(home, confirm_session, anna, bad), InvalidCode)
    for shown, proofs in (
        (Confirmation(PASSWORD, AppCode(app.code())), ("password", "totp")),
        (Confirmation(PASSWORD, RecoveryCode(app.recovery_codes[0])), ("password", "recovery_code")),
        (Confirmation(None, await answered(home, device)), ("passkey",)),
    ):
        assert (await home.run(confirm_session, anna, shown)).proofs == proofs


async def test_the_passkey_of_another_confirms_nothing(home: House, anna: Caller) -> None:
    await home.person("berta", PASSWORD)
    device, _ = await with_passkey(home, await home.logged_in("berta", PASSWORD))
    shown = Confirmation(None, await answered(home, device))
    assert isinstance(await refusal(home, confirm_session, anna, shown), PasskeyRefused)


async def test_a_confirmation_takes_no_factor_from_a_login(home: House) -> None:
    """Who came by an identity provider that asked for two factors may have a password alone here."""
    identity = await home.person("anna", PASSWORD)
    proofs = ("sign_on_mfa",)
    async with home.database.write() as transaction:
        made = await home.sessions.start(transaction, identity, proofs, ip=None, request_id=None)
    caller = await home.caller(made.token.reveal())
    assert (await home.trail(None))[0].changes["proofs"].after == ["sign_on_mfa"]
    home.clock.advance(minutes=1)
    confirmed = await home.run(confirm_session, caller, Confirmation(PASSWORD))
    assert (confirmed.proofs, confirmed.proved_at) == (("sign_on_mfa",), home.clock.now())
    assert (await home.trail(None))[0].changes["proofs"].after == ["password"]


async def test_confirmations_are_limited_with_logins(home: House, anna: Caller) -> None:
    for _ in range(5):
        found = await refusal(home, confirm_session, anna, Confirmation("wrong"))
        assert isinstance(found, InvalidCredentials)
    held = await refusal(home, confirm_session, anna, Confirmation(PASSWORD))
    assert isinstance(held, TooManyAttempts)
    with pytest.raises(TooManyAttempts):
        await home.logged_in("anna", PASSWORD)
    home.clock.advance(seconds=1)
    await home.run(confirm_session, anna, Confirmation(PASSWORD))


# Changing the password


async def test_a_changed_password_ends_all_other_sessions(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    anna = await home.logged_in("anna", PASSWORD)
    other = await home.services.log_in("anna", PASSWORD, ip=None, request_id=None)
    home.clock.advance(hours=1)
    assert await home.run(change_password, anna, PasswordChange(PASSWORD, NEW)) == 1
    entry = (await home.trail(None))[0]
    assert (entry.action, entry.target_id) == ("user.change_password", anna.identity.id)
    assert entry.changes == {"sessions_ended": Change(None, 1)}
    with pytest.raises(Unauthenticated):
        await home.caller(other.token.reveal())
    assert (await stored(home, anna)).ended_at is None
    with pytest.raises(InvalidCredentials):
        await home.logged_in("anna", PASSWORD)
    await home.logged_in("anna", NEW)


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        ("short", WeakPassword),
        ("1234567890", WeakPassword),
        ("anna anna!", WeakPassword),
        ("anna@example.com", WeakPassword),
        ("x" * 2_000, InvalidValue),
        (PASSWORD, InvalidValue),
    ],
    ids=["short", "common", "own login", "own address", "too long", "the old one"],
)
async def test_a_new_password_keeps_the_rules(
    home: House, anna: Caller, new: str, kind: type[KeywrightError]
) -> None:
    async with home.database.write() as transaction:
        await transaction.people.set_email(anna.identity.id, "anna@example.com")
    found = await refusal(home, change_password, anna, PasswordChange(PASSWORD, new))
    assert (type(found), found.field) == (kind, "new_password")
    await home.logged_in("anna", PASSWORD)


async def test_the_old_password_is_needed_and_guesses_of_it_are_limited(home: House, anna: Caller) -> None:
    app = await with_app(home, anna)
    for _ in range(5):
        found = await refusal(home, change_password, anna, PasswordChange("wrong", NEW))
        assert isinstance(found, InvalidCredentials)
    assert isinstance(
        await refusal(home, change_password, anna, PasswordChange(PASSWORD, NEW)), TooManyAttempts
    )
    home.clock.advance(seconds=1)
    await home.run(change_password, anna, PasswordChange(PASSWORD, NEW))
    # The old password is no whole login, and forgets no failures of one.
    with pytest.raises(InvalidCode):
        await home.services.log_in("anna", NEW, factor=AppCode(app.wrong_code()), ip=None, request_id=None)
    with pytest.raises(TooManyAttempts):
        await home.services.log_in("anna", NEW, factor=AppCode(app.code()), ip=None, request_id=None)


async def test_of_two_changes_at_once_one_counts(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    anna = await home.logged_in("anna", PASSWORD)
    wanted = [f"{NEW} {number}" for number in range(3)]
    found = await asyncio.gather(
        *(home.run(change_password, anna, PasswordChange(PASSWORD, new)) for new in wanted),
        return_exceptions=True,
    )
    assert sorted(str(type(one).__name__) for one in found) == ["InvalidCredentials"] * 2 + ["int"]
    await home.logged_in("anna", wanted[next(n for n, one in enumerate(found) if one == 0)])


def test_passwords_are_not_told() -> None:
    assert PASSWORD not in repr((Confirmation(PASSWORD), PasswordChange(PASSWORD, PASSWORD)))


class Meanwhile(Passwords):
    """The real thing, while which something else happens."""

    def __init__(self, home: House, values: dict[str, Any]) -> None:
        super().__init__()
        self._home = home
        self._values = values

    async def check(self, stored: str | None, password: str) -> bool:
        found = await super().check(stored, password)
        table = schema.identity if "active" in self._values else schema.person
        async with self._home.database.writer.begin() as connection:
            await connection.execute(update(table).values(**self._values))
        return found


@pytest.mark.parametrize("values", [{"password_hash": "another"}, {"active": False}], ids=["changed", "off"])
async def test_a_login_that_was_overtaken_is_refused(home: House, values: dict[str, Any]) -> None:
    """The hash takes time, in which the password may be changed and all sessions ended."""
    await home.person("anna", PASSWORD)
    passwords = Meanwhile(home, values)
    keeper = SessionKeeper(replace(home.tools, passwords=passwords))
    try:
        with pytest.raises(InvalidCredentials):
            await keeper.log_in("anna", PASSWORD, ip=None, request_id=None)
    finally:
        passwords.close()
    assert await home.count_entries() == 0


async def test_a_change_that_was_overtaken_is_refused(home: House, anna: Caller) -> None:
    class Overtaken(Passwords):
        async def hash(self, password: str) -> str:
            async with home.database.write() as transaction:
                await transaction.people.set_password(anna.identity.id, "another")
            return await super().hash(password)

    passwords = Overtaken()
    home.services._tools = replace(home.tools, passwords=passwords)
    try:
        found = await refusal(home, change_password, anna, PasswordChange(PASSWORD, NEW))
    finally:
        passwords.close()
    assert isinstance(found, InvalidCredentials)


async def test_a_session_lasts_no_longer_for_being_confirmed(home: House, anna: Caller) -> None:
    before = await stored(home, anna)
    home.clock.advance(minutes=5)
    confirmed = await home.run(confirm_session, anna, Confirmation(PASSWORD))
    assert confirmed.ends_at == before.ends_at
    assert confirmed.proved_at - before.proved_at == timedelta(minutes=5)
