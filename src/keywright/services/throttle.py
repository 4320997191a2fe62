"""A brake on guessing: after some failures in a row, each further attempt must wait longer."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from typing import TYPE_CHECKING

from keywright.core.errors import TooManyAttempts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from keywright.core.ports import Clock
    from keywright.storage import Transaction

FREE_FAILURES = 5
FREE_FROM_ADDRESS = 20
"""Failures from one address that cost nothing: many people may have it in common."""
FREE_CHALLENGES = 100
"""Challenges that one address is given in a row without answering any."""
FREE_NODES = 60
"""Nodes that one key may register in a row."""
WAITS = (*(timedelta(seconds=1 << doubled) for doubled in range(9)), timedelta(minutes=5))
FORGOTTEN_AFTER = timedelta(hours=1)
_HOME_NETWORK = 64


def account(login: str) -> str:
    """The subject that stands for the account of a (folded) login name, whether there is such an account or not."""
    return f"login:{login}"


def address(ip: str | None) -> tuple[str, ...]:
    """The subject that stands for an address: itself, or for IPv6 the /64 network, all of which one caller has."""
    return () if ip is None else (f"ip:{_neighbourhood(ip)}",)


def challenges(ip: str | None) -> tuple[str, ...]:
    """The subject that stands for the challenges given to an address."""
    return () if ip is None else (f"challenge:{_neighbourhood(ip)}",)


def node_of(key_id: str) -> str:
    """The subject that stands for the nodes that a key registers."""
    return f"node:{key_id}"


class Throttle:
    """Failures in a row by subject, counted in the database for all nodes together.

    The first failures are free, five of an account and twenty from an address; then the wait doubles from one
    second up to five minutes. What was quiet for an hour begins anew. Without the database nobody is let through.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def check(self, transaction: Transaction, subjects: Sequence[str]) -> None:
        """Raise `TooManyAttempts` while any of the subjects has to wait."""
        await _check(transaction, subjects, self._clock.now())

    async def failed(self, transaction: Transaction, subjects: Sequence[str]) -> None:
        """Count a failure of each.

        Raises `TooManyAttempts` where others at this moment left it none; then no result may be told.
        """
        now = self._clock.now()
        # In one order for all, so that no two transactions wait for each other.
        for subject in sorted(subjects):
            counted = await transaction.attempts.fail(
                _hashed(subject),
                now,
                free=_free(subject),
                waits=WAITS,
                quiet_since=now - FORGOTTEN_AFTER,
            )
            if not counted:
                await _check(transaction, [subject], now)

    async def succeeded(self, transaction: Transaction, subjects: Sequence[str]) -> None:
        """Forget the failures of these."""
        await transaction.attempts.forget([_hashed(one) for one in subjects])


async def _check(transaction: Transaction, subjects: Sequence[str], now: datetime) -> None:
    standing = await transaction.attempts.standing([_hashed(one) for one in subjects])
    found = {one: standing[_hashed(one)] for one in subjects if _hashed(one) in standing}
    # What failed further ahead than any wait is long did so by a clock that was wrong.
    ends = [_end(one, *found[one]) for one in found if found[one][1] <= now + WAITS[-1]]
    # Rounded up, so that who waits as long as told has waited long enough.
    wait = -((now - max(ends, default=now)) // timedelta(seconds=1))
    if wait > 0:
        raise TooManyAttempts(f"Too many failed attempts. Try again in {wait} seconds.", retry_after=wait)


def _end(subject: str, failures: int, last_at: datetime) -> datetime:
    """When a subject may try again."""
    beyond = failures - _free(subject)
    return last_at if beyond < 0 else last_at + WAITS[min(beyond, len(WAITS) - 1)]


def _free(subject: str) -> int:
    """How many failures in a row cost nothing, by what kind of subject it is."""
    kinds = {
        "challenge": FREE_CHALLENGES,
        "node": FREE_NODES,
        "ip": FREE_FROM_ADDRESS,
        "login": FREE_FAILURES,
    }
    return kinds[subject.partition(":")[0]]


def _hashed(subject: str) -> str:
    """How a subject is stored: names of accounts are not to be read from it at a glance."""
    return hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()


def _neighbourhood(ip: str) -> str:
    found = ip_address(ip)
    if isinstance(found, IPv4Address):
        return ip
    return str(found.ipv4_mapped or ip_network((ip, _HOME_NETWORK), strict=False))
