"""One key, with all that is known of it, and what may be changed of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keywright.console.routing import Page

PAGES: tuple[Page, ...] = ()
