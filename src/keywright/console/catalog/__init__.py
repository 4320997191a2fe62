"""A tenant's own vocabulary."""

from keywright.console.catalog import editing, reading

PAGES = (*reading.PAGES, *editing.PAGES)
