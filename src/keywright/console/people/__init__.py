"""People and what they may do, the roles that anybody is given, and invitations."""

from keywright.console.people import (
    changing,
    creating,
    details,
    invitations,
    inviting,
    leaving,
    listing,
    memberships,
    resetting,
)

# A path with a word in it stands before one with a variable at the same place.
PAGES = (
    *listing.PAGES,
    *inviting.PAGES,
    *invitations.PAGES,
    *creating.PAGES,
    *memberships.PAGES,
    *details.PAGES,
    *changing.PAGES,
    *resetting.PAGES,
    *leaving.PAGES,
)
