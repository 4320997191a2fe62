"""Keywright issues, checks, narrows, rotates and revokes API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keywright.services.embedded import Verifier

__all__ = ["Verifier"]


def __getattr__(name: str) -> object:
    """Load the verifier when it is asked for: the command line and the SDK start without it."""
    if name != "Verifier":
        raise AttributeError(f"module 'keywright' has no attribute {name!r}")
    from keywright.services.embedded import Verifier  # noqa: PLC0415 - that is what this is for

    return Verifier
