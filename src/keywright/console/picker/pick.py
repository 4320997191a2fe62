"""What somebody picks: read from a form or from policies, and given as policies that say the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keywright.core.permissions import MAX_PATTERNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keywright.console.forms import Form
    from keywright.console.picker.lexicon import Lexicon

    PolicyTexts = tuple[tuple[str, ...], tuple[str, ...] | None]
    """A policy as `services.keys.PolicyInput` has it: actions, and resources or None for all."""

_BETWEEN = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Written:
    """A policy that was written by hand, as it was typed."""

    actions: str = ""
    resources: str = ""

    @property
    def policy(self) -> PolicyTexts:
        """The policy: without resources, its actions are allowed on everything."""
        return _split(self.actions), _split(self.resources) or None


@dataclass(frozen=True, slots=True)
class Pick:
    """What is picked: everything that the owner may (`every`), or actions, each on everything (None) or in places.

    `written` are policies by hand, for what is not in the lexicon and for patterns.
    """

    every: bool = False
    on: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    written: tuple[Written, ...] = ()

    @classmethod
    def of_policies(cls, policies: Sequence[PolicyTexts] | None, lexicon: Lexicon) -> Pick:
        """What some policies come to (None: everything that the owner may)."""
        if policies is None:
            return cls(every=True)
        on: dict[str, tuple[str, ...] | None] = {}
        written = []
        for actions, resources in policies:
            if resources is not None and "**" in resources:
                resources = None  # noqa: PLW2901 - the two say the same
            if all(action in lexicon.verbs for action in actions):
                for action in actions:
                    on[action] = _together(on.get(action, ()), resources)
            else:
                written.append(Written(", ".join(actions), ", ".join(resources or ())))
        return cls(on=on, written=tuple(written))

    @classmethod
    def of_form(cls, form: Form, lexicon: Lexicon) -> Pick:
        """What a form says that holds the picker."""
        on: dict[str, tuple[str, ...] | None] = {}
        for action in form.all("do"):
            on[action] = None
            if form.get(f"where.{action}") == "some":
                typed = form.get(f"add.{action}").replace("\n", ",").split(",")
                meant = [lexicon.written(action, one.strip()) for one in typed if one.strip()]
                on[action] = tuple(dict.fromkeys([*form.all(f"on.{action}"), *meant]))
        texts = zip(form.all_of("hand.actions"), form.all_of("hand.resources"), strict=False)
        written = tuple(Written(*pair) for pair in texts if any(pair))
        return cls(form.get("may") == "all", on, written)

    def placed(self, lexicon: Lexicon) -> Pick:
        """The same, with policies by hand among the others where all of their actions are in the lexicon."""
        return self if self.every else Pick.of_policies(self.policies, lexicon)

    @property
    def scope(self) -> tuple[PolicyTexts, ...] | None:
        """The policies, None for everything that the owner may."""
        return None if self.every else self.policies

    @property
    def policies(self) -> tuple[PolicyTexts, ...]:
        """The policies; actions in the same places share one."""
        return tuple(policy for policy, _ in self._grouped())

    @property
    def spots(self) -> tuple[tuple[str, ...], ...]:
        """Beside `policies`: where each stands in the form, an action's name, or `hand.0` for one by hand."""
        return tuple(spots for _, spots in self._grouped())

    def spot(self, field_name: str | None) -> str | None:
        """Where the form has what an error calls `scope.1.actions.0` (or `policies.1`); None where it is nowhere."""
        head, *rest = (field_name or "").split(".")
        if head not in ("scope", "policies") or not rest or not rest[0].isdigit():
            return None
        spots = self.spots
        if int(rest[0]) >= len(spots):
            return None
        found = spots[int(rest[0])]
        one = int(rest[2]) if rest[1:2] == ["actions"] and len(rest) > 2 else 0
        return found[min(one, len(found) - 1)]

    def _grouped(self) -> list[tuple[PolicyTexts, tuple[str, ...]]]:
        places: dict[tuple[str, ...] | None, list[str]] = {}
        for action, resources in self.on.items():
            places.setdefault(resources, []).append(action)
        found: list[tuple[PolicyTexts, tuple[str, ...]]] = []
        for resources, actions in places.items():
            found += [((some, resources), some) for some in _batches(actions)]
        for index, one in enumerate(self.written):
            found.append((one.policy, (f"hand.{index}",)))
        return found


def same(one: Sequence[PolicyTexts] | None, other: Sequence[PolicyTexts] | None, lexicon: Lexicon) -> bool:
    """Whether two scopes say the same as far as the picker shows it, so that nothing was changed in it."""
    left, right = Pick.of_policies(one, lexicon), Pick.of_policies(other, lexicon)
    return left.every == right.every and left.written == right.written and _sorted(left) == _sorted(right)


def _sorted(pick: Pick) -> dict[str, list[str] | None]:
    return {action: None if found is None else sorted(found) for action, found in pick.on.items()}


def _together(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if one is None or other is None else tuple(dict.fromkeys((*one, *other)))


def _batches(actions: Sequence[str]) -> Iterable[tuple[str, ...]]:
    for start in range(0, len(actions), MAX_PATTERNS):
        yield tuple(actions[start : start + MAX_PATTERNS])


def _split(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in _BETWEEN.split(text) if part))
