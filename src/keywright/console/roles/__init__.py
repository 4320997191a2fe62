"""Roles of a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keywright.console.routing import Page

PAGES: tuple[Page, ...] = ()
