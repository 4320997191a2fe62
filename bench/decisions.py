"""Decisions in process, in microseconds: what a verdict costs once a key's facts are loaded, and what loading adds."""

from __future__ import annotations

import statistics
import time
import timeit
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bench.figures import Row, Table, quantity
from keywright.core.decision import Asked, decide
from keywright.core.identities import Grant, role_set
from keywright.core.instants import to_us
from keywright.core.permissions import Policy, compile_policies
from keywright.core.roles import PolicyTemplate, Role, Variable
from tests.support.facts import ACME, NOW, some_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.ports import KeyFacts

POLICIES = (1, 10, 200)
_LOOPS, _ROUNDS = 20_000, 7
_COMPILATIONS = 50


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of one decision, by what is asked, and of compiling the role and the scope behind it."""

    policies: int
    exact: float
    pattern: float
    refused: float
    loading: float


def measure() -> list[Cost]:
    """Medians over some rounds, for a key whose owner's role has 1, 10 and 200 policies, and the same scope."""
    return [_cost(count) for count in POLICIES]


def _cost(count: int) -> Cost:
    facts = _facts(count)
    last = count - 1
    asked = {
        "exact": Asked(action=f"thing{last}:read", resource=f"thing{last}:cs:17"),
        "pattern": Asked(action=f"thing{last}:write:draft", resource=f"thing{last}:en:17"),
        "refused": Asked(action=f"thing{last}:read", resource=f"thing{last}:de:17"),
    }
    for name, one in asked.items():
        assert decide(facts, one, to_us(NOW), None).valid is (name != "refused")
    costs = {
        name: _microseconds(partial(decide, facts, one, to_us(NOW), None), _LOOPS)
        for name, one in asked.items()
    }
    return Cost(policies=count, loading=_microseconds(partial(_load, facts), _COMPILATIONS), **costs)


def _load(facts: KeyFacts) -> None:
    """Compile as the first use after a change does, with nothing remembered."""
    role_set.cache_clear()
    compile_policies.cache_clear()
    replace(facts).held(facts.key.tenant_id)


def _facts(count: int) -> KeyFacts:
    patterns = [(f"thing{one}:read", f"thing{one}:write:*") for one in range(count)]
    role = Role(
        "editor",
        variables=(Variable("language"),),
        policies=tuple(
            PolicyTemplate.of(actions, [f"thing{one}:${{language}}:**"])
            for one, actions in enumerate(patterns)
        ),
    )
    scope = tuple(Policy.parse(actions, [f"thing{one}:**"]) for one, actions in enumerate(patterns))
    grant = Grant("editor", ACME.id, (("language", ("cs", "en")),), role)
    return some_facts(grants=[grant], scope=scope)


def _microseconds(work: Callable[[], object], loops: int) -> float:
    return (
        statistics.median(timeit.repeat(work, timer=time.process_time, number=loops, repeat=_ROUNDS))
        / loops
        * 1e6
    )


def table(costs: list[Cost]) -> Table:
    """A table of them."""
    rows = []
    for cost in costs:
        label = f"{cost.policies} polic{'y' if cost.policies == 1 else 'ies'}, with scope"
        figures = (cost.exact, cost.pattern, cost.refused, cost.loading)
        rows.append(Row(label, tuple(quantity(one, "µs") for one in figures)))
    return Table(("the judgement alone", "exact action", "by pattern", "refused", "compiling"), tuple(rows))
