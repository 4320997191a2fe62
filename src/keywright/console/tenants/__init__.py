"""The tenants of the installation."""

from keywright.console.tenants import listing, removing, switching

# A path with a word in it stands before one with a variable at the same place.
PAGES = (*listing.PAGES, *switching.PAGES, *removing.PAGES)
