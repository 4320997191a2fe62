"""Roles: what they allow, who holds them, and a tenant's own ones."""

from keywright.console.roles import details, editing, listing, removing

# A path with a word in it stands before one with a variable at the same place; no role is called `-`.
PAGES = (*listing.PAGES, *editing.PAGES, *details.PAGES, *removing.PAGES)
