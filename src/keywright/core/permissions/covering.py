"""Whether what is handed out is held: the rule that nobody grants more than they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.permissions.patterns import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keywright.core.permissions.patterns import Pattern
    from keywright.core.permissions.policy import Policy

MAX_WORK = 500_000
"""Steps that one question may cost, each a fraction of a microsecond; what is not found covered by then is
refused. Ordinary questions take some hundreds."""


class Covering:
    """One question of what some held policies cover, answered for any number of policies.

    A policy is covered when each pair of one of its actions and one of its resources is covered by a pair of
    a single held policy. Policies are told apart as the bits of a number, and each pattern is compared once.
    A pattern that is held word for word is always found, whatever the work so far.
    """

    def __init__(self, held: tuple[Policy, ...], max_work: int = MAX_WORK) -> None:
        self._work = _Work(max_work)
        self._unbounded = sum(1 << index for index, policy in enumerate(held) if policy.unbounded)
        self._actions = _Held((policy.actions for policy in held), self._work)
        self._resources = _Held((policy.resources or () for policy in held), self._work)

    def covers(self, policy: Policy) -> bool:
        """Whether the held policies cover a policy."""
        doing = {self._actions.covering(action) for action in policy.actions}
        reaching = {self._unbounded} if policy.unbounded else set()
        for resource in policy.resources or ():
            reaching.add(self._unbounded | self._resources.covering(resource))
        return all(one & other for one in doing for other in reaching)


class _Work:
    """What is left of the comparisons that one question may cost."""

    def __init__(self, left: int) -> None:
        self.left = left


class _Held:
    """The held patterns of one side, actions or resources, and which policies hold them."""

    def __init__(self, patterns: Iterable[Iterable[Pattern]], work: _Work) -> None:
        self._work = work
        self._verbatim: dict[Pattern, int] = {}
        for index, held in enumerate(patterns):
            for pattern in held:
                self._verbatim[pattern] = self._verbatim.get(pattern, 0) | (1 << index)
        self._below: dict[str, int] = {}
        self._wild: dict[str, list[Pattern]] = {}
        for pattern, holders in self._verbatim.items():
            if pattern.kind is Kind.PREFIX:
                name = pattern.head[:-1]
                self._below[name] = self._below.get(name, 0) | holders
            elif pattern.kind is not Kind.EXACT:
                self._wild.setdefault(_first(pattern), []).append(pattern)
        self._known: dict[Pattern, int] = {}

    def covering(self, wanted: Pattern) -> int:
        """Give the policies that hold a pattern which covers this one, as bits."""
        known = self._known.get(wanted)
        if known is None:
            known = self._verbatim.get(wanted, 0) | self._above(wanted) | self._search(wanted)
            self._known[wanted] = known
        return known

    def _above(self, wanted: Pattern) -> int:
        """Look up the `PREFIX` patterns: a text with a wildcard is never the name that such a pattern has."""
        found = 0
        parts = wanted.text.split(":")
        for count in range(1, len(parts) + 1):
            found |= self._below.get(":".join(parts[:count]), 0)
        return found

    def _search(self, wanted: Pattern) -> int:
        """Try the other patterns that can cover: their first segment is the same, or holds a wildcard."""
        found = 0
        segments = wanted.text.count(":") + 1
        for first in {_first(wanted), ""}:
            for pattern in self._wild.get(first, ()):
                self._work.left -= segments * (len(pattern.text) // 4 + 1)
                if self._work.left < 0:
                    return found
                if pattern.covers(wanted):
                    found |= self._verbatim[pattern]
        return found


def _first(pattern: Pattern) -> str:
    """Give the first segment if it is literal, otherwise the empty text."""
    first = pattern.text.partition(":")[0]
    return "" if "*" in first else first
