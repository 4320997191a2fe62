"""Passwords: Argon2id in a small pool of threads, so that a burst of logins cannot take the whole machine."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from argon2.low_level import Type

from keywright.core.errors import TooManyAttempts

# The OWASP Password Storage Cheat Sheet's profile: 19 MiB, two passes, one lane.
_PROFILE = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
MAX_WAITING = 32


class Passwords:
    """Hashes and checks passwords; at most `threads` at a time, and at most 32 waiting."""

    def __init__(self, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._waiting = 0
        self._nobody = _PROFILE.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The Argon2id hash, in its own text form."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, _PROFILE.hash, _bytes(password))

    async def check(self, stored: str | None, password: str) -> bool:
        """Whether a password belongs to a hash. Without a hash it takes the same time and answers no.

        Raises `TooManyAttempts` when too many checks are waiting already.
        """
        if self._waiting >= MAX_WAITING:
            raise TooManyAttempts("Too many logins at once. Try again in a moment.", retry_after=1)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, _matches, stored or self._nobody, password, stored is not None
            )
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Give the threads back."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _bytes(password: str) -> bytes:
    """A password as it is hashed; lone surrogates too, because an encoding error would hold the password."""
    return password.encode("utf-8", "surrogatepass")


def _matches(stored: str, password: str, known: bool) -> bool:  # noqa: FBT001 - an executor passes by position
    try:
        _PROFILE.verify(stored, _bytes(password))
    except VerificationError:
        return False
    return known
