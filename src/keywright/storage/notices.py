"""What PostgreSQL is told to tell whoever listens: a hint to look, never anything that is relied on."""

from __future__ import annotations

from typing import Final

CHANNEL: Final = "keywright"
CHANGED: Final = "changed"
"""The change feed has a new entry."""
ACKNOWLEDGED: Final = "acknowledged"
"""A node has applied what is new."""
