"""Second factors, challenges and failed attempts: what is spent is spent once, on both engines."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from keywright.core.errors import FactorExists
from keywright.core.ids import new_id
from keywright.core.passkeys import Passkey
from keywright.core.sessions import Session
from keywright.storage.challenges import Challenge
from keywright.storage.totp import TotpSecret
from tests.contract.storage.making import NOW, SECOND, Home, a_digest, an_identity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.core.identities import Identity
    from keywright.storage import Database, Transaction

pytestmark = pytest.mark.anyio

AT_ONCE = 6
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def other(database: Database) -> Identity:
    """Somebody else."""
    identity = an_identity()
    async with database.write() as transaction:
        await transaction.identities.add(identity)
    return identity


async def at_once(database: Database, act: Callable[[Transaction], Awaitable[object]]) -> list[object]:
    """The results of as many transactions that all do the same at the same time."""

    async def one() -> object:
        async with database.write() as transaction:
            return await act(transaction)

    return list(await asyncio.gather(*(one() for _ in range(AT_ONCE))))


# TOTP


async def test_a_secret_is_set_up_confirmed_and_removed(
    database: Database, home: Home, other: Identity
) -> None:
    mine, theirs = home.identity.id, other.id
    async with database.write() as transaction:
        totp = transaction.totp
        assert await totp.of(mine) is None
        assert await totp.set_up(mine, "FIRST", NOW)
        assert await totp.spend(mine, 7)
        assert await totp.set_up(mine, "SECOND", NOW + SECOND)
        assert await totp.set_up(theirs, "THEIRS", NOW)
        made = TotpSecret(
            identity_id=mine, secret="SECOND", created_at=NOW + SECOND, confirmed_at=None, last_step=0
        )
        assert await totp.of(mine) == made
        assert "SECOND" not in repr(made)
        await totp.confirm(mine, NOW + MINUTE)
    async with database.write() as transaction:
        totp = transaction.totp
        assert not await totp.set_up(mine, "THIRD", NOW)
        assert await totp.of(mine) == replace(made, confirmed_at=NOW + MINUTE)
        await totp.remove(mine)
        await totp.remove(mine)
        assert await totp.of(mine) is None
        left = await totp.of(theirs)
        assert left is not None
        assert (left.secret, left.confirmed_at) == ("THEIRS", None)


async def test_a_step_is_spent_with_all_before_it(database: Database, home: Home, other: Identity) -> None:
    mine = home.identity.id
    async with database.write() as transaction:
        totp = transaction.totp
        assert not await totp.spend(mine, 1)
        await totp.set_up(mine, "S", NOW)
        await totp.set_up(other.id, "S", NOW)
        assert [await totp.spend(mine, step) for step in (5, 5, 4, 6, 2**40)] == [
            True,
            False,
            False,
            True,
            True,
        ]
        assert await totp.spend(other.id, 5)


async def test_of_many_that_spend_a_step_one_does(database: Database, home: Home) -> None:
    async with database.write() as transaction:
        await transaction.totp.set_up(home.identity.id, "S", NOW)
    found = await at_once(database, lambda transaction: transaction.totp.spend(home.identity.id, 9))
    assert sorted(map(bool, found)) == [False] * (AT_ONCE - 1) + [True]


# Recovery codes


async def test_recovery_codes_are_spent_once_and_replaced_together(
    database: Database, home: Home, other: Identity
) -> None:
    mine, theirs = home.identity.id, other.id
    codes, their_codes, new = [[a_digest() for _ in range(3)] for _ in range(3)]
    async with database.write() as transaction:
        repository = transaction.recovery_codes
        await repository.replace(mine, codes, NOW)
        await repository.replace(theirs, their_codes, NOW)
        assert await repository.spend(mine, codes[0], NOW) is True
        assert await repository.spend(mine, codes[0], NOW) is False
        assert await repository.spend(mine, their_codes[0], NOW) is None
        assert await repository.left(mine) == 2
        await repository.replace(mine, new, NOW)
        assert await repository.spend(mine, codes[1], NOW) is None
        assert await repository.left(mine) == 3
        await repository.replace(mine, (), NOW)
        assert (await repository.left(mine), await repository.left(theirs)) == (0, 3)


async def test_of_many_that_spend_a_recovery_code_one_does(database: Database, home: Home) -> None:
    code = a_digest()
    async with database.write() as transaction:
        await transaction.recovery_codes.replace(home.identity.id, [code], NOW)
    found = await at_once(
        database, lambda transaction: transaction.recovery_codes.spend(home.identity.id, code, NOW)
    )
    assert sorted(map(bool, found)) == [False] * (AT_ONCE - 1) + [True]


# Passkeys


def a_passkey(who: Identity, **changes: object) -> Passkey:
    made = Passkey(
        id=new_id("pky"),
        identity_id=who.id,
        credential_id=a_digest(),
        public_key=b"\x00key\xff",
        sign_count=0,
        name="Laptop",
        transports=("internal", "usb"),
        created_at=NOW,
    )
    return replace(made, **changes)  # type: ignore[arg-type] # each test gives fields of their own types


async def test_passkeys_are_kept_by_their_person(database: Database, home: Home, other: Identity) -> None:
    mine = home.identity.id
    first, second = a_passkey(home.identity), a_passkey(home.identity, transports=(), name="Key")
    theirs = a_passkey(other, last_used_at=NOW)
    async with database.write() as transaction:
        for one in (first, second, theirs):
            await transaction.passkeys.add(one)
    async with database.write() as transaction:
        passkeys = transaction.passkeys
        assert await passkeys.of(mine) == (first, second)
        assert await passkeys.by_credential(theirs.credential_id) == theirs
        assert await passkeys.by_credential(b"absent") is None
        assert await passkeys.by_id(mine, second.id) == second
        for wrong in ((mine, theirs.id), (mine, "pky_absent"), (other.id, first.id)):
            assert await passkeys.by_id(*wrong) is None
            await passkeys.rename(*wrong, "Mine now")
            await passkeys.remove(*wrong)
        await passkeys.rename(mine, second.id, "Desk")
        assert await passkeys.of(mine) == (first, replace(second, name="Desk"))
        await passkeys.remove(mine, first.id)
        assert await passkeys.of(mine) == (replace(second, name="Desk"),)
        assert await passkeys.of(other.id) == (theirs,)


async def test_a_credential_belongs_to_one_person(database: Database, home: Home, other: Identity) -> None:
    first = a_passkey(home.identity)
    async with database.write() as transaction:
        await transaction.passkeys.add(first)
    for who in (home.identity, other):
        with pytest.raises(FactorExists):
            async with database.write() as transaction:
                await transaction.passkeys.add(a_passkey(who, credential_id=first.credential_id))


@pytest.mark.parametrize(
    ("stored", "said", "goes_on"), [(0, 0, True), (0, 5, True), (5, 6, True), (5, 5, False), (5, 0, False)]
)
async def test_a_count_of_signatures_goes_on(
    database: Database, home: Home, stored: int, said: int, goes_on: bool
) -> None:
    passkey = a_passkey(home.identity, sign_count=stored)
    async with database.write() as transaction:
        await transaction.passkeys.add(passkey)
        assert await transaction.passkeys.used(passkey.id, said, NOW + SECOND) is goes_on
        after = replace(passkey, sign_count=said, last_used_at=NOW + SECOND) if goes_on else passkey
        assert await transaction.passkeys.by_id(home.identity.id, passkey.id) == after


async def test_of_many_with_the_same_count_one_goes_on(database: Database, home: Home) -> None:
    passkey = a_passkey(home.identity, sign_count=3)
    async with database.write() as transaction:
        await transaction.passkeys.add(passkey)
    found = await at_once(database, lambda transaction: transaction.passkeys.used(passkey.id, 4, NOW))
    assert sorted(map(bool, found)) == [False] * (AT_ONCE - 1) + [True]


# Challenges


def a_challenge(number: int, **changes: object) -> Challenge:
    made = Challenge(
        id=f"{number:064x}", purpose="login", identity_id=None, payload="secret", expires_at=NOW + MINUTE
    )
    return replace(made, **changes)  # type: ignore[arg-type] # each test gives fields of their own types


async def test_a_challenge_is_taken_once_for_its_purpose_and_in_time(database: Database, home: Home) -> None:
    made = a_challenge(1)
    owned = a_challenge(2, identity_id=home.identity.id, payload="")
    late = a_challenge(3)
    assert "secret" not in repr(made)
    async with database.write() as transaction:
        for one in (made, owned, late):
            await transaction.challenges.add(one)
    async with database.write() as transaction:
        take = transaction.challenges.take
        assert await take(made.id, "another", NOW) is None
        assert await take(made.id, "login", NOW) == made
        assert await take(made.id, "login", NOW) is None
        assert await take(owned.id, "login", NOW + MINUTE - SECOND) == owned
        assert await take(late.id, "login", NOW + MINUTE) is None
        assert await take(late.id, "login", NOW) is None


async def test_of_many_that_take_a_challenge_one_gets_it(database: Database) -> None:
    made = a_challenge(1)
    async with database.write() as transaction:
        await transaction.challenges.add(made)
    found = await at_once(database, lambda transaction: transaction.challenges.take(made.id, "login", NOW))
    assert [one for one in found if one is not None] == [made]


async def test_challenges_that_expired_are_forgotten(database: Database) -> None:
    async with database.write() as transaction:
        for number in range(3):
            await transaction.challenges.add(a_challenge(number, expires_at=NOW + number * SECOND))
        assert await transaction.challenges.forget_before(NOW + SECOND) == 1
        assert await transaction.challenges.take(f"{1:064x}", "login", NOW) is not None


# Failed attempts

WAITS = (SECOND, 2 * SECOND, MINUTE)


async def fail(transaction: Transaction, subject: str = "a", now: int = 0, free: int = 2) -> bool:
    """Fail so many seconds after the beginning."""
    at = NOW + now * SECOND
    return await transaction.attempts.fail(
        subject, at, free=free, waits=WAITS, quiet_since=at - timedelta(hours=1)
    )


async def test_a_failure_counts_unless_the_subject_has_to_wait(database: Database) -> None:
    async with database.write() as transaction:
        assert await transaction.attempts.standing(["a"]) == {}
        tries = [(0, True), (0, True), (0, False), (1, True), (2, False), (3, True), (62, False), (63, True)]
        counted = 0
        for now, expected in tries:
            assert await fail(transaction, now=now) is expected
            counted += expected
            (found,) = (await transaction.attempts.standing(["a", "b"])).values()
            assert found[0] == counted
        assert found == (5, NOW + 63 * SECOND)
        assert await fail(transaction, "b", now=63)
        assert set(await transaction.attempts.standing(["a", "b", "c"])) == {"a", "b"}
        # The last wait stands for all beyond.
        assert not await fail(transaction, now=122)
        assert await fail(transaction, now=123)


async def test_what_was_quiet_begins_anew(database: Database) -> None:
    async with database.write() as transaction:
        for _ in range(2):
            await fail(transaction)
        assert await fail(transaction, now=3_600)
        assert (await transaction.attempts.standing(["a"]))["a"][0] == 3
        assert await fail(transaction, now=7_201)
        assert (await transaction.attempts.standing(["a"]))["a"][0] == 1


async def test_what_a_wrong_clock_wrote_begins_anew(database: Database) -> None:
    async with database.write() as transaction:
        for now in (120, 120):
            assert await fail(transaction, now=now)
        assert not await fail(transaction, now=60)
        assert await fail(transaction, now=59)
        assert await transaction.attempts.standing(["a"]) == {"a": (1, NOW + 59 * SECOND)}


async def test_attempts_are_forgotten_by_subject_and_by_age(database: Database) -> None:
    async with database.write() as transaction:
        for number, subject in enumerate("abcd"):
            await fail(transaction, subject, now=number)
        await transaction.attempts.forget(["a", "absent"])
        assert await transaction.attempts.forget_before(NOW + 2 * SECOND) == 1
        assert set(await transaction.attempts.standing([*"abcd"])) == {"c", "d"}


async def test_of_many_failures_at_once_no_more_count_than_are_free(database: Database) -> None:
    found = await at_once(database, lambda transaction: fail(transaction, free=4))
    assert sorted(map(bool, found)) == [False] * (AT_ONCE - 4) + [True] * 4


# Sessions


def a_session(who: Identity, **changes: object) -> Session:
    made = Session(
        id=new_id("ses"),
        identity_id=who.id,
        created_at=NOW,
        seen_at=NOW,
        idle_at=NOW + MINUTE,
        ends_at=NOW + 10 * MINUTE,
        created_ip=None,
        proved_at=NOW,
    )
    return replace(made, **changes)  # type: ignore[arg-type] # each test gives fields of their own types


async def test_sessions_are_listed_and_ended_by_their_person(
    database: Database, home: Home, other: Identity
) -> None:
    mine = home.identity.id
    live = [a_session(home.identity, proofs=("password", "totp")) for _ in range(5)]
    over = [
        a_session(home.identity, ended_at=NOW),
        a_session(home.identity, idle_at=NOW),
        a_session(home.identity, ends_at=NOW),
    ]
    theirs = a_session(other)
    async with database.write() as transaction:
        for one in (*live, *over, theirs):
            await transaction.sessions.add(one, a_digest())
    async with database.write() as transaction:
        sessions = transaction.sessions
        found: list[Session] = []
        page = await sessions.page(mine, NOW, limit=2)
        found += page.items
        while page.more:
            page = await sessions.page(mine, NOW, limit=2, after=page.positions[-1])
            found += page.items
        assert found == live[::-1]
        assert await sessions.by_id(mine, over[0].id) == over[0]
        assert await sessions.by_id(mine, theirs.id) is None
        assert await sessions.by_id(mine, "ses_absent") is None
        assert await sessions.end_others(mine, live[2].id, NOW + SECOND) == 4
        assert (await sessions.page(mine, NOW, limit=9)).items == (live[2],)
        assert await sessions.by_id(mine, over[1].id) == over[1]
        assert await sessions.end_others(mine, None, NOW + SECOND) == 1
        assert (await sessions.page(other.id, NOW, limit=9)).items == (theirs,)


async def test_a_session_is_proven_anew(database: Database, home: Home) -> None:
    session, digest = a_session(home.identity), a_digest()
    async with database.write() as transaction:
        await transaction.sessions.add(session, digest)
        await transaction.sessions.prove(session.id, ("passkey",), NOW + MINUTE)
        found = await transaction.sessions.by_digest(digest)
    assert found is not None
    assert found[0] == replace(session, proved_at=NOW + MINUTE, proofs=("passkey",))
