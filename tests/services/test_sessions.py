"""Logging in, being remembered, and logging out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from keywright.core.audit import ActorKind, Change
from keywright.core.errors import (
    InvalidCredentials,
    KeywrightError,
    NotFound,
    TooManyAttempts,
    Unauthenticated,
)
from keywright.core.identities import Grant
from keywright.core.people import fold_login
from keywright.core.roles import ADMIN
from keywright.core.tokens import SESSION_PREFIX, Form, digest, form_of
from keywright.services.passwords import Passwords
from keywright.services.sessions import Lifetime, SessionKeeper, end_session
from keywright.services.throttle import FREE_FROM_ADDRESS
from keywright.storage import schema
from tests.support.facts import NOW
from tests.support.house import IDLE, LONGEST

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from keywright.services.sessions import LoggedIn
    from tests.support.house import House

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def anna(home: House, acme: Tenant) -> None:
    await home.person("anna", PASSWORD, Grant(ADMIN, acme.id))


async def log_in(
    home: House, login: str = "anna", password: str = PASSWORD, ip: str | None = None
) -> LoggedIn:
    return await home.services.log_in(login, password, ip=ip, request_id="r" * 32)


async def refused(home: House, *args: Any, **kwargs: Any) -> KeywrightError:
    with pytest.raises(KeywrightError) as caught:
        await log_in(home, *args, **kwargs)
    return caught.value


async def row_of(home: House, caller: Caller) -> Any:
    """The caller's session as it is stored."""
    assert caller.session is not None
    query = schema.session.select().where(schema.session.c.id == caller.session.id)
    async with home.database.reader.begin() as connection:
        return (await connection.execute(query)).mappings().one()


# Logging in


@pytest.mark.usefixtures("anna")
async def test_who_knows_name_and_password_is_logged_in(home: House) -> None:
    logged_in = await log_in(home, ip="192.0.2.7")
    token = logged_in.token.reveal()
    assert form_of(token) is Form.CHECKED
    assert token.startswith(f"{SESSION_PREFIX}_")
    assert token not in repr(logged_in)
    assert logged_in.identity.name == "anna"
    session = logged_in.session
    assert (session.created_at, session.seen_at) == (NOW, NOW)
    assert (session.idle_at, session.ends_at) == (NOW + IDLE, NOW + LONGEST)
    assert (session.created_ip, session.ended_at) == ("192.0.2.7", None)

    caller = await home.caller(token)
    assert (caller.session, caller.identity, caller.key, caller.bound) == (
        session,
        logged_in.identity,
        None,
        None,
    )
    (entry,) = await home.trail(None)
    assert (entry.action, entry.target_id, entry.changes) == (
        "session.create",
        session.id,
        {"proofs": Change(None, ["password"])},
    )
    assert (entry.ip, entry.request_id, entry.at) == ("192.0.2.7", "r" * 32, NOW)
    assert (entry.actor.kind, entry.actor.identity_id, entry.actor.session_id) == (
        ActorKind.SESSION,
        logged_in.identity.id,
        session.id,
    )
    assert token not in repr(entry)
    assert home.metric('keywright_logins_total{outcome="ok"}') == 1


@pytest.mark.usefixtures("anna")
@pytest.mark.parametrize("login", [" Anna ", "ANNA", "an\u200bna", "anna\n", "an\0na", "an\ud800na"])
async def test_letter_case_and_what_cannot_be_seen_do_not_count(home: House, login: str) -> None:
    assert (await log_in(home, login)).identity.name == "anna"


def test_a_folded_name_is_bounded() -> None:
    assert fold_login("ß" * 400) == "s" * 255
    assert fold_login("") == ""


class CountingPasswords(Passwords):
    """The real thing, which notes how often it worked and with what it was asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[str | None] = []

    async def check(self, stored: str | None, password: str) -> bool:
        self.stored.append(stored)
        return await super().check(stored, password)


@pytest.mark.usefixtures("anna")
async def test_an_unknown_name_and_a_wrong_password_are_refused_alike_and_after_the_same_work(
    home: House,
) -> None:
    passwords = CountingPasswords()
    tools = replace(home.tools, passwords=passwords)
    home.services._sessions = SessionKeeper(tools)
    off = await home.person("berta", PASSWORD)
    await home.disable(off.id)
    nobody = await home.identity(name="anton")
    async with home.database.writer.begin() as connection:
        await connection.execute(schema.person.insert().values(identity_id=nobody.id, login="anton"))
    try:
        answers = [
            await refused(home, login, password)
            for login, password in (
                ("anna", "wrong"),
                ("anna", ""),
                ("anna", "\ud800"),
                ("nobody", PASSWORD),
                ("", ""),
                ("berta", PASSWORD),
                ("anton", PASSWORD),
                ("anton", ""),
                ("anton", "nobody has this password"),
                ("x" * 100_000, "y" * 100_000),
            )
        ]
    finally:
        passwords.close()
    assert {(type(one), one.detail, one.field) for one in answers} == {
        (InvalidCredentials, "Login name and password do not belong together.", None)
    }
    assert len(passwords.stored) == len(answers)
    assert await home.count_entries() == 0
    assert home.metric('keywright_logins_total{outcome="invalid_credentials"}') == len(answers)


@pytest.mark.usefixtures("anna")
async def test_who_fails_again_and_again_has_to_wait_even_with_the_right_password(home: House) -> None:
    for _ in range(5):
        assert isinstance(await refused(home, "anna", "wrong"), InvalidCredentials)
    held = await refused(home, "ANNA ", PASSWORD)
    assert isinstance(held, TooManyAttempts)
    assert held.retry_after == 1
    assert home.metric('keywright_logins_total{outcome="too_many_attempts"}') == 1
    home.clock.advance(seconds=1)
    await log_in(home)
    for _ in range(5):
        assert isinstance(await refused(home, "anna", "wrong"), InvalidCredentials)


@pytest.mark.usefixtures("anna")
@pytest.mark.parametrize(
    ("first", "second", "held"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.7", None, False),
    ],
)
async def test_an_address_is_held_back_with_all_that_its_owner_has(
    home: House, first: str, second: str | None, held: bool
) -> None:
    for number in range(FREE_FROM_ADDRESS):
        await refused(home, f"guess {number}", "wrong", ip=first)
    if held:
        assert isinstance(await refused(home, ip=second), TooManyAttempts)
    else:
        assert (await log_in(home, ip=second)).identity.name == "anna"


@pytest.mark.usefixtures("anna")
async def test_guesses_at_once_are_held_back_like_guesses_in_turn(home: House) -> None:
    guesses = await asyncio.gather(*(refused(home, "anna", f"guess {number}") for number in range(20)))
    assert sum(isinstance(one, InvalidCredentials) for one in guesses) == 5
    assert sum(isinstance(one, TooManyAttempts) for one in guesses) == 15


# Being remembered


@pytest.mark.usefixtures("anna")
async def test_a_session_ends_when_it_idles(home: House) -> None:
    token = (await log_in(home)).token.reveal()
    home.clock.advance(seconds=IDLE.total_seconds() - 1)
    await home.caller(token)
    home.clock.advance(seconds=IDLE.total_seconds() - 1)
    await home.caller(token)
    home.clock.advance(seconds=IDLE.total_seconds())
    with pytest.raises(Unauthenticated, match="session has ended"):
        await home.caller(token)


@pytest.mark.usefixtures("anna")
async def test_a_session_ends_at_its_age_however_much_it_is_used(home: House) -> None:
    token = (await log_in(home)).token.reveal()
    while home.clock.now() + timedelta(hours=6) < NOW + LONGEST:
        home.clock.advance(hours=6)
        await home.caller(token)
    home.clock.us += (NOW + LONGEST - home.clock.now()) // timedelta(microseconds=1) - 1
    await home.caller(token)
    home.clock.advance(microseconds=1)
    with pytest.raises(Unauthenticated):
        await home.caller(token)


@pytest.mark.usefixtures("anna")
async def test_a_use_is_written_down_at_most_once_a_minute(home: House) -> None:
    token = (await log_in(home)).token.reveal()
    expected = [(0, 0), (59, 0), (1, 60), (59, 60), (2, 121)]
    for wait, seen in expected:
        home.clock.advance(seconds=wait)
        row = await row_of(home, await home.caller(token))
        assert row["seen_at"] == NOW + timedelta(seconds=seen)
        assert row["idle_at"] == NOW + timedelta(seconds=seen) + IDLE
        assert row["ends_at"] == NOW + LONGEST


@pytest.mark.usefixtures("anna")
async def test_a_short_idle_time_does_not_run_out_in_use(home: House) -> None:
    short = Lifetime(timedelta(seconds=20), LONGEST)
    keeper = SessionKeeper(replace(home.tools, lifetime=short))
    token = (await keeper.log_in("anna", PASSWORD, ip=None, request_id=None)).token
    for _ in range(10):
        home.clock.advance(seconds=10)
        assert await keeper.find(digest(token.reveal())) is not None
    home.clock.advance(seconds=20)
    assert await keeper.find(digest(token.reveal())) is None


@pytest.mark.usefixtures("anna")
async def test_roles_are_read_anew_at_each_use(home: House) -> None:
    logged_in = await log_in(home)
    assert (await home.caller(logged_in.token.reveal())).grants != ()
    await home.take_roles(logged_in.identity.id)
    assert (await home.caller(logged_in.token.reveal())).grants == ()


@pytest.mark.usefixtures("anna")
async def test_the_session_of_somebody_disabled_or_forgotten_is_refused(home: House) -> None:
    logged_in = await log_in(home)
    await home.disable(logged_in.identity.id)
    with pytest.raises(Unauthenticated) as disabled:
        await home.caller(logged_in.token.reveal())
    await home.disable(logged_in.identity.id, active=True)
    await home.caller(logged_in.token.reveal())
    async with home.database.writer.begin() as connection:
        await connection.execute(delete(schema.session))
    with pytest.raises(Unauthenticated) as forgotten:
        await home.caller(logged_in.token.reveal())
    assert str(disabled.value) == str(forgotten.value)


# Logging out


@pytest.mark.usefixtures("anna")
async def test_who_logs_out_is_not_known_any_more_and_another_login_stays(home: House) -> None:
    first, second = await log_in(home), await log_in(home)
    caller = await home.caller(first.token.reveal())
    await home.run(end_session, caller, None)
    with pytest.raises(Unauthenticated):
        await home.caller(first.token.reveal())
    await home.caller(second.token.reveal())
    entry = (await home.trail(None))[0]
    assert (entry.action, entry.target_id) == ("session.end", first.session.id)


async def test_a_key_has_no_session_to_end(home: House, admin: Caller) -> None:
    with pytest.raises(NotFound):
        await home.run(end_session, admin, None)
    assert await home.count_entries() == 0
