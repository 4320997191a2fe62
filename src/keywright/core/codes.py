"""The codes of decisions: what a verdict says in one word, and why a credential is refused."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The outcome of a decision. Malformed, unknown and deleted tokens are all `NOT_FOUND`."""

    VALID = "VALID"
    NOT_FOUND = "NOT_FOUND"
    DISABLED = "DISABLED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    IDENTITY_DISABLED = "IDENTITY_DISABLED"
    TENANT_DISABLED = "TENANT_DISABLED"
    TENANT_MISMATCH = "TENANT_MISMATCH"
    IP_NOT_ALLOWED = "IP_NOT_ALLOWED"
    INSUFFICIENT_PERMISSIONS = "INSUFFICIENT_PERMISSIONS"
    RATE_LIMITED = "RATE_LIMITED"
    CREDITS_EXHAUSTED = "CREDITS_EXHAUSTED"
    STALE = "STALE"
