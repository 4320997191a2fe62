"""One policy: what may be done to what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from keywright.core.permissions.patterns import Kind, Pattern, valid_name

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_POLICIES = 100
"""Policies in one scope."""
MAX_PATTERNS = 100
"""Action patterns in one policy, and resource patterns in one policy."""


class EmptyPolicy(ValueError):
    """A policy without actions, or with a list of resources that is empty: it could allow nothing."""


@final
@dataclass(frozen=True, slots=True)
class Policy:
    """Allows each of its actions on each of its resources.

    `resources` None means every resource, and requests that name none. Raises `EmptyPolicy`.
    """

    actions: tuple[Pattern, ...]
    resources: tuple[Pattern, ...] | None = None

    def __post_init__(self) -> None:
        if not self.actions:
            raise EmptyPolicy("A policy has at least one action.")
        if self.resources is not None and not self.resources:
            raise EmptyPolicy("A policy has at least one resource, or leaves resources out to mean all.")

    @classmethod
    def parse(cls, actions: Sequence[str], resources: Sequence[str] | None = None) -> Policy:
        """Read a policy from texts. Raises `InvalidPattern` or `EmptyPolicy`."""
        return cls(
            tuple(map(Pattern.parse, actions)),
            None if resources is None else tuple(map(Pattern.parse, resources)),
        )

    @property
    def unbounded(self) -> bool:
        """Whether it allows its actions on every resource and on none.

        Only `**` does so among patterns, because it alone stands for no segments at all.
        """
        return self.resources is None or any(pattern.kind is Kind.ALL for pattern in self.resources)

    def allows(self, action: str, resource: str | None = None) -> bool:
        """Whether an action is allowed on a resource, or where no resource is named.

        What is not well-formed is never allowed.
        """
        if not valid_name(action) or not (resource is None or valid_name(resource)):
            return False
        return self.names(action) and self.reaches(resource)

    def names(self, action: str) -> bool:
        """Whether one of its action patterns matches a well-formed action."""
        return any(pattern.fits(action) for pattern in self.actions)

    def reaches(self, resource: str | None) -> bool:
        """Whether its actions are allowed on a well-formed resource, or where none is named."""
        if resource is None or self.resources is None:
            return self.unbounded
        return any(pattern.fits(resource) for pattern in self.resources)

    def to_plain(self) -> dict[str, list[str]]:
        """Give the texts in the order in which they were given; `resources` is left out when it is None."""
        plain = {"actions": [pattern.text for pattern in self.actions]}
        if self.resources is not None:
            plain["resources"] = [pattern.text for pattern in self.resources]
        return plain
