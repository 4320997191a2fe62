"""Sessions that last for another time than the settings say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from keywright.core.errors import InvalidValue, Unauthenticated
from keywright.core.sessions import NEVER, PASSWORD
from keywright.services.sessions import Lifetime, ListSessions, SessionKeeper, list_sessions
from tests.support.facts import NOW
from tests.support.house import IDLE, LONGEST

if TYPE_CHECKING:
    from keywright.services.sessions import LoggedIn
    from tests.support.house import House

pytestmark = pytest.mark.anyio

SECRET = "correct horse"


async def log_in(home: House, lifetime: Lifetime | None) -> LoggedIn:
    return await home.services.log_in("anna", SECRET, lifetime=lifetime, ip=None, request_id=None)


async def refused(home: House, logged_in: LoggedIn) -> bool:
    try:
        await home.caller(logged_in.token.reveal())
    except Unauthenticated:
        return True
    return False


@pytest.fixture
async def each_house(each_home: House) -> House:
    await each_home.person("anna", SECRET)
    return each_home


async def test_a_session_without_end_lives_on(each_house: House) -> None:
    home = each_house
    logged_in = await log_in(home, Lifetime(None, None))
    assert (logged_in.session.idle_at, logged_in.session.ends_at) == (NEVER, NEVER)
    for days in (1, 400, 4_000):
        home.clock.advance(days=days)
        assert not await refused(home, logged_in)
    caller = await home.caller(logged_in.token.reveal())
    (listed,) = (await home.run(list_sessions, caller, ListSessions())).items
    assert (listed.session.idle_at, listed.session.ends_at) == (NEVER, NEVER)
    assert listed.session.seen_at == home.clock.now()


async def test_a_window_slides_by_what_the_session_was_started_with(each_house: House) -> None:
    """As often as it is used, and whatever the settings say by then."""
    home = each_house
    logged_in = await log_in(home, Lifetime(timedelta(minutes=30), None))
    home.tools = replace(home.tools, lifetime=Lifetime(timedelta(minutes=1), timedelta(minutes=1)))
    keeper = SessionKeeper(home.tools)
    for _ in range(50):
        home.clock.advance(minutes=29)
        assert await keeper.find(logged_in.token.digest) is not None
    home.clock.advance(minutes=30)
    assert await keeper.find(logged_in.token.digest) is None


async def test_a_session_ends_at_its_own_age(each_house: House) -> None:
    home = each_house
    logged_in = await log_in(home, Lifetime(None, timedelta(days=30)))
    home.clock.advance(days=29)
    assert not await refused(home, logged_in)
    home.clock.advance(days=1)
    assert await refused(home, logged_in)


async def test_without_a_lifetime_it_is_that_of_the_settings(each_house: House) -> None:
    session = (await log_in(each_house, None)).session
    assert (session.idle_at, session.ends_at) == (NOW + IDLE, NOW + LONGEST)


@pytest.mark.parametrize("lifetime", [Lifetime(timedelta(), None), Lifetime(None, timedelta(seconds=-1))])
async def test_no_session_lives_for_no_time(home: House, lifetime: Lifetime) -> None:
    anna = await home.person("anna", SECRET)
    with pytest.raises(InvalidValue):
        await log_in(home, lifetime)
    async with home.database.write() as transaction:
        with pytest.raises(InvalidValue):
            await home.sessions.start(
                transaction, anna, (PASSWORD,), lifetime=lifetime, ip=None, request_id=None
            )
    assert await home.count_entries() == 0


async def test_who_starts_a_session_says_how_long_it_lasts(home: House) -> None:
    anna = await home.person("anna", SECRET)
    async with home.database.write() as transaction:
        logged_in = await home.sessions.start(
            transaction,
            anna,
            (PASSWORD,),
            lifetime=Lifetime(timedelta(hours=1), timedelta(hours=3)),
            ip=None,
            request_id=None,
        )
    session = logged_in.session
    assert (session.idle_at - NOW, session.ends_at - NOW) == (timedelta(hours=1), timedelta(hours=3))
