"""What somebody shows of who they are: the fields of a login, and what to say where they do not do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.console.forms import Errors
from keywright.core.errors import InvalidValue, SecondFactorRequired, TooManyAttempts
from keywright.core.sessions import PASSKEY, RECOVERY_CODE, TOTP
from keywright.services import factors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keywright.console.asking import Guest
    from keywright.console.forms import Form
    from keywright.core.errors import KeywrightError
    from keywright.services.factors import Factor

FIELDS: Final = ("login", "password", "code", "recovery_code", "passkey")
_KNOWN: Final = (TOTP, RECOVERY_CODE, PASSKEY)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a login did not do: what to say where, which second factors are asked for, and how long to wait."""

    errors: Errors
    factors: tuple[str, ...] = ()
    wait: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """Those that go with it."""
        return {"Retry-After": str(self.wait)} if self.wait else {}


def factor_in(form: Form, prefix: str = "") -> Factor | None:
    """The second factor in a form, or None. Raises `InvalidValue`."""
    answer = form.get(f"{prefix}passkey")
    return factors.chosen(
        form.get(f"{prefix}code") or None,
        form.get(f"{prefix}recovery_code") or None,
        credential_of(answer) if answer else None,
    )


def refusal(guest: Guest, error: KeywrightError, *, password_alone: bool = False) -> Refusal:
    """What to say of an error of a login. Raises it again where it is not the form's; sets the status of `guest`.

    `password_alone` says that the form can be sent as it is with a second factor beside it.
    """
    errors = guest.refused(error, *FIELDS)
    if isinstance(error, SecondFactorRequired):
        # The first time this is no mistake, and says what to do next.
        return Refusal(Errors() if password_alone else Errors(general=AGAIN), error.factors)
    wait = error.retry_after if isinstance(error, TooManyAttempts) else 0
    return Refusal(errors, asked_before(guest.form.get("factors").split(",")), wait)


AGAIN: Final = (
    "The password is right, and a second factor goes with it. Type the password once more, and the factor."
)


def asked_before(words: Iterable[str]) -> tuple[str, ...]:
    """The second factors that the form asked for already."""
    return tuple(word for word in _KNOWN if word in words)


def credential_of(text: str) -> dict[str, Any]:
    """The answer of a passkey, as our script put it into a field. Raises `InvalidValue`."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidValue("This is not the answer of a passkey.", field="passkey")
    return found
