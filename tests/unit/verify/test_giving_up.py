"""A node that gives up answers nothing from memory again, and what is recalled rests on its lease."""

from __future__ import annotations

import pytest

from keywright.core.instants import SystemClock
from keywright.verify import Recall, UseLog
from tests.support.facts import some_facts
from tests.support.nodes import a_node

pytestmark = pytest.mark.anyio
DIGEST, OTHER = b"1" * 32, b"2" * 32


async def test_a_renewal_that_is_on_its_way_gives_no_lease_to_a_node_that_gave_up() -> None:
    node = a_node(SystemClock())
    await node.register()
    assert node.holds_lease
    node.memory.put(DIGEST, some_facts())
    node.give_up()
    assert (node.holds_lease, node.in_grace, len(node.memory)) == (False, False, 0)
    await node.renew()
    assert not node.holds_lease


async def test_facts_are_still_those_only_under_a_lease_and_as_the_same_objects() -> None:
    node = a_node(SystemClock())
    recall = Recall(node, SystemClock(), UseLog())
    caller, facts = some_facts(), some_facts()
    node.memory.put(DIGEST, caller)
    node.memory.put(OTHER, facts)
    assert not recall.still(DIGEST, caller, OTHER, facts)
    await node.register()
    node.memory.put(DIGEST, caller)
    node.memory.put(OTHER, facts)
    assert recall.still(DIGEST, caller, OTHER, facts)
    assert not recall.still(DIGEST, some_facts(), OTHER, facts)
    assert not recall.still(DIGEST, caller, OTHER, some_facts())
