"""Errors of who asks: not known, or not allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.errors.base import KeywrightError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.codes import Code
    from keywright.core.permissions import Policy


class Refused(KeywrightError):
    """The caller is not known, or may not do what it asked for."""


class Unauthenticated(Refused):
    """No credential, or one that is not accepted.

    `reason` is why, as a decision says it, for doors that have words of their own; None where none was sent.
    """

    code = "unauthenticated"

    def __init__(self, detail: str, *, field: str | None = None, reason: Code | None = None) -> None:
        super().__init__(detail, field=field)
        self.reason = reason


class InvalidCredentials(Refused):
    """Login name and password do not belong together; says no more, so that names cannot be probed."""

    code = "invalid_credentials"


class PermissionDenied(Refused):
    """The caller lacks a permission that it would need here."""

    code = "permission_denied"


class SecondFactorRequired(Refused):
    """The password is right, and does not do alone: one of `factors` is needed with it."""

    code = "second_factor_required"

    def __init__(self, detail: str, *, factors: Sequence[str]) -> None:
        super().__init__(detail)
        self.factors = tuple(factors)

    @property
    def extras(self) -> dict[str, object]:
        """The factors that are accepted."""
        return {"factors": list(self.factors)}


class InvalidCode(Refused):
    """A one-time or recovery code that is not right, or not any more."""

    code = "invalid_code"


class CodeReused(Refused):
    """A one-time code that was accepted before; the next one is needed."""

    code = "code_reused"


class PasskeyRefused(Refused):
    """A passkey's answer that does not prove what it should."""

    code = "passkey_refused"


class SignOnFailed(Refused):
    """The answer of the identity provider does not prove who somebody is."""

    code = "sign_on_failed"


class FreshLoginRequired(Refused):
    """What was asked for needs a login within the last ten minutes."""

    code = "fresh_login_required"


class TwoFactorRequired(Refused):
    """The tenant asks for a login with a second factor."""

    code = "two_factor_required"


class BeyondOwnRights(Refused):
    """The caller would hand out more than it holds itself; `policy` is the first one that it does not hold."""

    code = "beyond_own_rights"

    def __init__(self, detail: str, *, field: str | None = None, policy: Policy | None = None) -> None:
        super().__init__(detail, field=field)
        self.policy = policy

    @property
    def extras(self) -> dict[str, object]:
        """The policy that is not held."""
        return {} if self.policy is None else {"policy": self.policy.to_plain()}


class OwnKey(Refused):
    """A key tried to change or delete itself through management."""

    code = "own_key"
