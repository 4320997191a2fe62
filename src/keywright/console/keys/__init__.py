"""The keys of a tenant."""

from keywright.console.keys import bulk, creating, details, listing

# A path with a word in it stands before one with a variable at the same place.
PAGES = (*listing.PAGES, *bulk.PAGES, *creating.PAGES, *details.PAGES)
