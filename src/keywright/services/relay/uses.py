"""Usage on its way from an agent to a server: written down there as if the server had counted it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from keywright.core import checks
from keywright.core.codes import Code
from keywright.core.errors import InvalidValue, SecretInText
from keywright.core.permissions import valid_name
from keywright.core.usage import HOUR_US, OTHER_ACTIONS, Use
from keywright.services.relay.messages import Used

if TYPE_CHECKING:
    from collections.abc import Iterable

AHEAD_US: Final = 300_000_000
"""By so much an agent's clock may be ahead of the server's."""
_CODES: Final = frozenset(code.value for code in Code)
MOST_ENTRIES: Final = 5_000
_MOST: Final = 2**40


def told(use: Use) -> Used:
    """A use as a message has it."""
    return Used(use.key_id, use.at_us, use.ip, use.tenant_id, use.counts, use.actions)


def use_of(used: Used, now_us: int) -> Use:
    """A use in a message, by the clock of the server. Raises `InvalidValue` for what no node counts."""
    latest = now_us + AHEAD_US
    hours = {at for at, _, _ in used.counts}
    moments = [at for _, _, at in used.actions] + ([] if used.at_us is None else [used.at_us])
    if any(at % HOUR_US or not 0 <= at <= latest for at in hours):
        raise InvalidValue("An hour begins on the hour, and not in the future.", field="uses")
    if any(not 0 <= at <= latest for at in moments):
        raise InvalidValue("A use is not in the future.", field="uses")
    if any(code not in _CODES for _, code, _ in used.counts):
        raise InvalidValue("Decisions are counted by their codes.", field="uses")
    if len(used.counts) + len(used.actions) > MOST_ENTRIES:
        raise InvalidValue(f"At most {MOST_ENTRIES} counts of one key at once.", field="uses")
    if any(not 0 < n < _MOST for n in _numbers(used)):
        raise InvalidValue("What was counted is at least one.", field="uses")
    if any(action != OTHER_ACTIONS and not valid_name(action) for action, _, _ in used.actions):
        raise InvalidValue("What was exercised is an action.", field="uses")
    ip = None if used.ip is None else str(checks.address(used.ip))
    at_us = None if used.at_us is None else min(used.at_us, now_us)
    return Use(used.key_id, at_us, ip, used.tenant_id, _counts(used), _actions(used, now_us))


def _counts(used: Used) -> tuple[tuple[int, str, int], ...]:
    """Each hour and code once."""
    counts: Counter[tuple[int, str]] = Counter()
    for at, code, n in used.counts:
        counts[at, code] += n
    return tuple((at, code, n) for (at, code), n in counts.items())


def _actions(used: Used, now_us: int) -> tuple[tuple[str, int, int], ...]:
    """Each action once, with the number and the last moment of its uses."""
    actions: dict[str, tuple[int, int]] = {}
    for action, n, at in used.actions:
        named = _plain(action)
        before, last = actions.get(named, (0, 0))
        actions[named] = before + n, max(last, min(at, now_us))
    return tuple((action, n, last) for action, (n, last) in actions.items())


def _numbers(used: Used) -> Iterable[int]:
    yield from (n for _, _, n in used.counts)
    yield from (n for _, n, _ in used.actions)


def _plain(action: str) -> str:
    """An action as it may be stored; one that holds a token is told apart from no other."""
    try:
        return checks.without_tokens(action, "uses")
    except SecretInText:
        return OTHER_ACTIONS
