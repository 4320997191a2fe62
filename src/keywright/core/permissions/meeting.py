"""What two lists of policies allow together: the policies that say so, as far as patterns can say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.permissions.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keywright.core.permissions.patterns import Pattern


def meet(one: Sequence[Policy], other: Sequence[Policy]) -> tuple[Policy, ...]:
    """The policies that allow what both lists allow.

    Of two patterns of which one covers the other the narrower is what both match. Two that overlap in another
    way (`a:*:c` and `a:b:*`) match something together for which there is no pattern, and are left out: so
    what is found never allows more than both, and may show less. For showing, not for deciding.
    """
    found: dict[Policy, None] = {}
    for left in one:
        for right in other:
            both = _meet(left, right)
            if both is not None:
                found[both] = None
    return tuple(found)


def _meet(left: Policy, right: Policy) -> Policy | None:
    actions = _narrower(left.actions, right.actions)
    if not actions:
        return None
    if left.unbounded or right.unbounded:
        bounded = right if left.unbounded else left
        return Policy(actions, None if bounded.unbounded else bounded.resources)
    resources = _narrower(left.resources or (), right.resources or ())
    return Policy(actions, resources) if resources else None


def _narrower(left: Iterable[Pattern], right: Sequence[Pattern]) -> tuple[Pattern, ...]:
    found: dict[Pattern, None] = {}
    for one in left:
        for other in right:
            if one.covers(other):
                found[other] = None
            elif other.covers(one):
                found[one] = None
    return tuple(found)
