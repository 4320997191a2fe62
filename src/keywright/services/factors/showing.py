"""Showing a second factor: which ones a person has, and whether what was shown is one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from keywright.core.errors import CodeReused, InvalidCode, InvalidValue
from keywright.core.sessions import PASSKEY, RECOVERY_CODE, TOTP
from keywright.services.factors import codes
from keywright.services.relying_party import answer_of, challenge_id, refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from keywright.core.passkeys import Passkey
    from keywright.services.relying_party import RelyingParty
    from keywright.storage import Transaction
    from keywright.storage.totp import TotpSecret

LOGIN_PURPOSE = "passkey.login"


@dataclass(frozen=True, slots=True)
class AppCode:
    """The code that an authenticator app shows now."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecoveryCode:
    """One of the codes for when the device is lost."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """A device's answer to a challenge: `PublicKeyCredential` as JSON (WebAuthn Level 3, section 5.1.8)."""

    credential: Mapping[str, Any] = field(repr=False)


Factor: TypeAlias = AppCode | RecoveryCode | PasskeyAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The second factors of a person; `totp` is a confirmed one. Recovery codes alone are none."""

    totp: TotpSecret | None
    recovery_codes: int
    passkeys: tuple[Passkey, ...]

    @property
    def accepted(self) -> tuple[str, ...]:
        """By which a login is completed; empty for who has no second factor."""
        if self.totp is None and not self.passkeys:
            return ()
        found = {TOTP: self.totp is not None, RECOVERY_CODE: self.recovery_codes, PASSKEY: self.passkeys}
        return tuple(word for word, there in found.items() if there)


def chosen(
    code: str | None = None, recovery_code: str | None = None, passkey: Mapping[str, Any] | None = None
) -> Factor | None:
    """The factor among the fields of a request, or None. Raises `InvalidValue` for more than one."""
    given: dict[str, Factor] = {}
    if code is not None:
        given["code"] = AppCode(code)
    if recovery_code is not None:
        given["recovery_code"] = RecoveryCode(recovery_code)
    if passkey is not None:
        given["passkey"] = PasskeyAnswer(passkey)
    if len(given) > 1:
        raise InvalidValue(
            "One second factor is enough: give code, recovery_code or passkey.", field=list(given)[1]
        )
    return next(iter(given.values()), None)


async def standing(transaction: Transaction, identity_id: str) -> Standing:
    """The second factors of a person."""
    totp = await transaction.totp.of(identity_id)
    return Standing(
        totp=None if totp is None or totp.confirmed_at is None else totp,
        recovery_codes=await transaction.recovery_codes.left(identity_id),
        passkeys=await transaction.passkeys.of(identity_id),
    )


async def app_code(transaction: Transaction, secret: TotpSecret, code: str, now: datetime) -> None:
    """Accept a code of an authenticator app, and never again. Raises `InvalidCode` or `CodeReused`."""
    step = codes.step_of(secret.secret, code, now)
    if step is None:
        raise wrong_code()
    if not await transaction.totp.spend(secret.identity_id, step):
        raise CodeReused("This code was used already. Wait for the next one.", field="code")


async def recovery_code(transaction: Transaction, identity_id: str, code: str, now: datetime) -> None:
    """Accept a recovery code, and never again. Raises `InvalidCode` or `CodeReused`."""
    unused = await transaction.recovery_codes.spend(identity_id, codes.recovery_digest(code), now)
    if unused is None:
        raise InvalidCode("This is not a recovery code of yours.", field="recovery_code")
    if not unused:
        raise CodeReused("This recovery code was used already. Take another.", field="recovery_code")


async def passkey(
    transaction: Transaction, relying_party: RelyingParty, shown: PasskeyAnswer, now: datetime
) -> str:
    """Accept a passkey's answer; gives the id of the identity whose it is. Raises `PasskeyRefused`.

    The challenge is spent whatever comes of it, where the transaction is committed.
    """
    answer = answer_of(shown.credential)
    if await transaction.challenges.take(challenge_id(answer.challenge), LOGIN_PURPOSE, now) is None:
        raise refused()
    found = await transaction.passkeys.by_credential(answer.credential_id)
    if found is None or answer.user_handle not in (None, found.identity_id.encode()):
        raise refused()
    sign_count = relying_party.signed(answer, found)
    if not await transaction.passkeys.used(found.id, sign_count, now):
        raise refused()
    return found.identity_id


def wrong_code() -> InvalidCode:
    """The refusal of a code that no authenticator app of the person shows now."""
    return InvalidCode("This code is not right, or not any more.", field="code")
