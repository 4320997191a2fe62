"""What is the reader's own: sessions, second factors, password, and how the console looks."""

from __future__ import annotations

from keywright.console.account import (
    confirming,
    factors,
    liking,
    overview,
    passkeys,
    password,
    recovery_codes,
    sessions,
)

PAGES = (
    *overview.PAGES,
    *password.PAGES,
    *sessions.PAGES,
    *factors.PAGES,
    *recovery_codes.PAGES,
    *passkeys.PAGES,
    *confirming.PAGES,
    *liking.PAGES,
)
