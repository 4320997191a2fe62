"""The audit log."""

from keywright.console.audit import actors, exporting, listing

PAGES = (*listing.PAGES, *actors.PAGES, *exporting.PAGES)
