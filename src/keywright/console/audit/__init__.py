"""The audit log."""

from keywright.console.audit import exporting, listing

PAGES = (*listing.PAGES, *exporting.PAGES)
