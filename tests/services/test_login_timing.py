"""That a refused login takes as long whatever the reason, so that names cannot be told by their timing.

Times are judged by statistics over interleaved samples, and never by a threshold on one of them.
"""

from __future__ import annotations

import math
import statistics
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, update

from keywright.core.errors import InvalidCredentials
from keywright.services.passwords import Passwords
from keywright.services.sessions import SessionKeeper
from keywright.storage import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.house import House

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"
KINDS = {
    "wrong password": ("anna", "wrong"),
    "unknown name": ("nobody", PASSWORD),
    "disabled": ("berta", PASSWORD),
    "no password": ("carl", PASSWORD),
    "with a second name": ("dora@example.com", "wrong"),
}
ROUNDS = 24
Z = 4.9
"""How many standard deviations apart the ranks may be: beyond that, chance alone comes once in a million runs."""
EFFECT = 0.25
"""What share of the time it must make, since what is smaller drowns in any network."""


@pytest.fixture
async def people(home: House) -> None:
    await home.person("anna", PASSWORD)
    await home.disable((await home.person("berta", PASSWORD)).id)
    carl, dora = await home.person("carl", PASSWORD), await home.person("dora", PASSWORD)
    person = schema.person
    async with home.database.writer.begin() as connection:
        await connection.execute(
            update(person).where(person.c.identity_id == carl.id).values(password_hash=None)
        )
        await connection.execute(
            update(person).where(person.c.identity_id == dora.id).values(email="dora@example.com")
        )


async def refuse(home: House, keeper: SessionKeeper, kind: str) -> float:
    """A login of this kind; gives the seconds of processor time that it took."""
    home.clock.advance(minutes=6)
    login, password = KINDS[kind]
    began = time.process_time()
    with pytest.raises(InvalidCredentials):
        await keeper.log_in(login, password, ip="192.0.2.7", request_id=None)
    return time.process_time() - began


def apart(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two samples differ: by a rank test (Mann and Whitney), and by enough to matter."""
    wins = sum((a > b) + (a == b) / 2 for a in one for b in other)
    n, m = len(one), len(other)
    z = (wins - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    middle = statistics.median(one)
    return abs(z) > Z and abs(statistics.median(other) - middle) > EFFECT * middle


class Hasty(Passwords):
    """One that does no work for who is not there: what the test must be able to notice."""

    async def check(self, stored: str | None, password: str) -> bool:
        return False if stored is None else await super().check(stored, password)


@pytest.mark.usefixtures("people")
async def test_a_refused_login_takes_as_long_whatever_the_reason(home: House) -> None:
    hasty_passwords = Hasty()
    hasty = SessionKeeper(replace(home.tools, passwords=hasty_passwords))
    times: dict[str, list[float]] = {kind: [] for kind in (*KINDS, "hasty")}
    try:
        for _ in range(ROUNDS):
            for kind in KINDS:
                times[kind].append(await refuse(home, home.sessions, kind))
            times["hasty"].append(await refuse(home, hasty, "unknown name"))
    finally:
        hasty_passwords.close()
    usual = times["wrong password"]
    assert apart(usual, times["hasty"]), "the test would not notice a difference"
    different = [kind for kind in KINDS if apart(usual, times[kind])]
    assert different == []


@contextmanager
def statements(home: House) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []

    def take(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
        sent.append(statement)

    engines = (home.database.writer.sync_engine, home.database.reader.sync_engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", take)
    try:
        yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", take)


@pytest.mark.usefixtures("people")
async def test_a_refused_login_asks_the_database_the_same_whatever_the_reason(home: House) -> None:
    asked = {}
    for kind in KINDS:
        await refuse(home, home.sessions, kind)
        with statements(home) as sent:
            await refuse(home, home.sessions, kind)
        asked[kind] = tuple(sent)
    assert len(set(asked.values())) == 1
    assert len(asked["unknown name"]) > 3
