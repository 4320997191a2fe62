"""Passwords: hashed with Argon2id, and checked by a few threads at a time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from keywright.core.errors import TooManyAttempts
from keywright.services.passwords import MAX_WAITING, Passwords

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


async def test_a_hash_is_argon2id_with_owasp_s_parameters_and_a_salt_of_its_own(passwords: Passwords) -> None:
    one, other = await passwords.hash("secret"), await passwords.hash("secret")
    assert one != other
    parameters = extract_parameters(one)
    assert parameters.type is Type.ID
    assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (2, 19_456, 1)
    assert parameters.salt_len >= 16


@pytest.mark.parametrize("password", ["secret", "", "heslo č 📰", "\ud800", "a\0b", "x" * 100_000])
async def test_a_password_belongs_to_its_own_hash_alone(passwords: Passwords, password: str) -> None:
    stored = await passwords.hash(password)
    assert await passwords.check(stored, password)
    assert not await passwords.check(stored, f"{password} ")
    assert not await passwords.check(stored, "another")


async def test_without_a_hash_no_password_is_right(passwords: Passwords) -> None:
    for password in ("", "secret", "nobody has this password"):
        assert not await passwords.check(None, password)


async def test_without_a_hash_the_work_is_the_same(passwords: Passwords) -> None:
    """The same parameters, and at least a tenth of the time: a check that is skipped takes next to none."""
    stored = await passwords.hash("secret")
    assert extract_parameters(passwords._nobody) == extract_parameters(stored)

    async def fastest(of: str | None) -> float:
        spans = []
        for _ in range(5):
            began = time.perf_counter()
            await passwords.check(of, "wrong")
            spans.append(time.perf_counter() - began)
        return min(spans)

    assert await fastest(None) > await fastest(stored) / 10


async def test_no_more_than_a_few_wait(passwords: Passwords) -> None:
    stored = await passwords.hash("secret")
    checks = [asyncio.create_task(passwords.check(stored, "secret")) for _ in range(MAX_WAITING + 3)]
    results = await asyncio.gather(*checks, return_exceptions=True)
    assert results[:MAX_WAITING] == [True] * MAX_WAITING
    for result in results[MAX_WAITING:]:
        assert isinstance(result, TooManyAttempts)
        assert result.retry_after == 1
    assert await passwords.check(stored, "secret")


async def test_a_check_that_is_given_up_waits_no_more(passwords: Passwords) -> None:
    stored = await passwords.hash("secret")
    checks = [asyncio.create_task(passwords.check(stored, "secret")) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    for check in checks:
        check.cancel()
    await asyncio.gather(*checks, return_exceptions=True)
    assert await passwords.check(stored, "secret")


async def test_nothing_is_hashed_after_the_end() -> None:
    passwords = Passwords()
    passwords.close()
    with pytest.raises(RuntimeError):
        await passwords.hash("secret")
