"""Service accounts of a tenant."""

from keywright.console.service_accounts import changing, details, editing, listing

# A path with a word in it stands before one with a variable at the same place.
PAGES = (*listing.PAGES, *editing.PAGES, *details.PAGES, *changing.PAGES)
