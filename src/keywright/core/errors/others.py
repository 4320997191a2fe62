"""Errors of neither the request nor the caller alone."""

from __future__ import annotations

from keywright.core.errors.base import KeywrightError


class NotFound(KeywrightError):
    """The thing does not exist, or the caller may not know that it does: the two look the same."""

    code = "not_found"


class TooManyAttempts(KeywrightError):
    """Attempts are limited; `retry_after` is how many seconds to wait before the next."""

    code = "too_many_attempts"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(KeywrightError):
    """The database cannot be reached, so the answer is not known."""

    code = "unavailable"


class SignOnUnavailable(Unavailable):
    """The identity provider cannot be reached, or does not say what it should."""

    code = "sign_on_unavailable"
