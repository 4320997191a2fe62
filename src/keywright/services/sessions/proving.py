"""Showing who one is: password and second factor, or a passkey alone, with the brake on guessing around it.

What fails is the same work and the same answer whatever the reason: an unknown name, a person without a
password, a disabled one, a wrong password. The result is settled in one transaction that comes after the slow
hash, so that of many guesses at once no more are told their result than of as many in turn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from keywright.core.errors import (
    CodeReused,
    InvalidCode,
    InvalidCredentials,
    KeywrightError,
    MissingField,
    PasskeyRefused,
    SecondFactorRequired,
)
from keywright.core.sessions import PASSKEY, PASSWORD, RECOVERY_CODE, TOTP
from keywright.services import throttle
from keywright.services.factors import showing
from keywright.services.factors.showing import AppCode, PasskeyAnswer
from keywright.services.factors.showing import RecoveryCode as RecoveryCodeShown
from keywright.services.relying_party import refused

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from keywright.services.factors.showing import Factor
    from keywright.services.tools import Tools
    from keywright.storage import Transaction
    from keywright.storage.people import Person

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who somebody says to be, by (folded) login name or as the identity of a session, and what they show for it.

    With no password, the factor is a passkey, and who it belongs to need not be said. `whole` says that a second
    factor is asked of who has one.
    """

    login: str | None = None
    identity_id: str | None = None
    password: str | None = field(default=None, repr=False)
    factor: Factor | None = None
    ip: str | None = None
    whole: bool = True

    @property
    def subjects(self) -> tuple[str, ...]:
        """By what the attempt is limited: the account that was named, and the address."""
        named = () if self.login is None else (throttle.account(self.login),)
        return (*named, *throttle.address(self.ip))

    async def person(self, transaction: Transaction) -> Person | None:
        """The person who was named, or None."""
        if self.identity_id is not None:
            return await transaction.people.by_id(self.identity_id)
        return None if self.login is None else await transaction.people.by_login(self.login)


@dataclass(frozen=True, slots=True)
class Proven:
    """A person, and by what they showed who they are: words of `core.sessions`."""

    person: Person
    proofs: tuple[str, ...]


class Then(Protocol[T_co]):
    """What is done for somebody who is proven, in the same transaction."""

    def __call__(self, transaction: Transaction, proven: Proven, /) -> Awaitable[T_co]:
        """Do it."""


def claim(
    *,
    login: str | None,
    password: str | None,
    factor: Factor | None,
    ip: str | None,
    identity_id: str | None = None,
) -> Claim:
    """A claim with all that it needs. Raises `MissingField`."""
    alone = isinstance(factor, PasskeyAnswer)
    if password is None and not alone:
        raise MissingField("A password is needed, or a passkey.", field="password")
    if login is None and password is not None:
        raise MissingField("A password goes with a login name.", field="login")
    return Claim(login=login, identity_id=identity_id, password=password, factor=factor, ip=ip)


async def prove(tools: Tools, made: Claim, then: Then[T]) -> T:
    """Do something for somebody who shows who they are.

    Raises `InvalidCredentials`, `SecondFactorRequired` (after the password was right, and at no cost to the
    limits), `InvalidCode`, `CodeReused`, `PasskeyRefused`, and `TooManyAttempts` while the account or the address
    has to wait.
    """
    async with tools.database.read() as transaction:
        await tools.throttle.check(transaction, made.subjects)
        person = await made.person(transaction)
    known = made.password is not None and await tools.passwords.check(
        None if person is None else person.password_hash, made.password
    )
    async with tools.database.write() as transaction:
        await tools.throttle.check(transaction, made.subjects)
        try:
            if made.password is None:
                proven = await _by_passkey(tools, transaction, made, person)
            else:
                proven = await _by_password(tools, transaction, made, person if known else None)
        except (InvalidCredentials, InvalidCode, CodeReused, PasskeyRefused) as wrong:
            # Told after the commit: what was spent and counted stays so.
            await tools.throttle.failed(transaction, made.subjects)
            refusal: KeywrightError = wrong
        else:
            await tools.throttle.succeeded(transaction, _accounts(made, proven))
            return await then(transaction, proven)
    raise refusal


async def _by_password(tools: Tools, transaction: Transaction, made: Claim, person: Person | None) -> Proven:
    """The person whose password was right, with the second factor where one is needed."""
    if person is None or not person.identity.active:
        raise wrong_password()
    # The hash took its time: who was disabled or given another password meanwhile is somebody else now.
    if await transaction.people.by_id(person.identity.id, lock=True) != person:
        raise wrong_password()
    if not made.whole:
        return Proven(person, (PASSWORD,))
    return Proven(person, (PASSWORD, *await _second(tools, transaction, made.factor, person.identity.id)))


async def _by_passkey(tools: Tools, transaction: Transaction, made: Claim, named: Person | None) -> Proven:
    """The person whose passkey answered; who was named must be that one."""
    assert isinstance(made.factor, PasskeyAnswer)  # noqa: S101 - a claim without a password has one
    whose = await showing.passkey(transaction, tools.relying_party, made.factor, tools.clock.now())
    person = await transaction.people.by_id(whose, lock=True)
    meant = made.login is None or (named is not None and named.identity.id == whose)
    if person is None or not person.identity.active or not meant:
        raise refused()
    return Proven(person, (PASSKEY,))


async def _second(
    tools: Tools, transaction: Transaction, factor: Factor | None, identity_id: str
) -> tuple[str, ...]:
    """By what second factor a person is proven; none where there is none to ask for."""
    standing = await showing.standing(transaction, identity_id)
    now = tools.clock.now()
    match factor:
        case None:
            if standing.accepted:
                raise SecondFactorRequired(
                    "A second factor is needed with the password.", factors=standing.accepted
                )
            return ()
        case AppCode(code):
            if standing.totp is None:
                raise showing.wrong_code()
            await showing.app_code(transaction, standing.totp, code, now)
            return (TOTP,)
        case RecoveryCodeShown(code):
            await showing.recovery_code(transaction, identity_id, code, now)
            return (RECOVERY_CODE,)
    if await showing.passkey(transaction, tools.relying_party, factor, now) != identity_id:
        raise refused()
    return (PASSKEY,)


def _accounts(made: Claim, proven: Proven) -> tuple[str, ...]:
    """Whose failures are forgotten after a success: the account's, and the challenges that the address was given."""
    if not made.whole:
        return ()
    names = (proven.person.login, proven.person.email)
    answered = throttle.challenges(made.ip) if PASSKEY in proven.proofs else ()
    return (*(throttle.account(name) for name in names if name is not None), *answered)


def wrong_password() -> InvalidCredentials:
    """The one refusal of whoever is not known by name and password."""
    return InvalidCredentials("Login name and password do not belong together.")
