"""What a node remembers: how much, for how long, and what outdates it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.changes import EVERYTHING, FeedEntry
from keywright.core.identities import Grant
from keywright.verify import Memory
from keywright.verify import memory as module
from tests.support.facts import ACME, OTHER, SOMEBODY, some_facts

if TYPE_CHECKING:
    from keywright.core.ports import KeyFacts

ONE, TWO, THREE = b"1" * 32, b"2" * 32, b"3" * 32


def facts_at(epoch: int = 0, **fields: Any) -> KeyFacts:
    return replace(some_facts(**fields), epoch=epoch)


def a_memory(entries: int = 100, size: int = 1_000_000) -> Memory:
    return Memory(max_entries=entries, max_bytes=size)


def test_what_was_put_is_there_and_nothing_else() -> None:
    memory, facts = a_memory(), facts_at()
    assert memory.get(ONE) is None
    assert memory.put(ONE, facts)
    assert memory.get(ONE) is facts
    assert memory.get(TWO) is None
    assert len(memory) == 1


def test_what_was_not_used_for_longest_goes_first() -> None:
    memory = a_memory(entries=2)
    for digest in (ONE, TWO):
        memory.put(digest, facts_at())
    assert memory.get(ONE) is not None
    memory.put(THREE, facts_at())
    assert memory.get(TWO) is None
    assert memory.get(ONE) is not None
    assert memory.get(THREE) is not None


def test_long_texts_count_as_bytes() -> None:
    memory = a_memory(size=3 * module.ENTRY_BYTES)
    memory.put(ONE, facts_at())
    memory.put(TWO, facts_at(metadata="{" + " " * (3 * module.ENTRY_BYTES // 2) + "}"))
    assert memory.get(ONE) is None
    assert memory.get(TWO) is not None
    assert module.ENTRY_BYTES < memory.size <= 3 * module.ENTRY_BYTES + 100
    memory.put(TWO, facts_at())
    assert memory.size < 2 * module.ENTRY_BYTES
    memory.forget_all(0)
    assert (len(memory), memory.size) == (0, 0)


def test_what_is_larger_than_everything_is_not_kept() -> None:
    memory = a_memory(size=module.ENTRY_BYTES)
    assert memory.put(ONE, facts_at(metadata="{" + " " * 100 + "}"))
    assert memory.get(ONE) is None
    assert memory.size == 0


@pytest.mark.parametrize("touched", ["key_one", SOMEBODY.id, ACME.id, EVERYTHING])
def test_a_change_outdates_what_was_read_before_it_and_nothing_else(touched: str) -> None:
    memory = a_memory()
    memory.put(ONE, facts_at(4))
    other = replace(SOMEBODY, id="idn_other")
    memory.put(TWO, facts_at(4, id="key_two", tenant=OTHER, identity=other))
    memory.apply([FeedEntry(5, (touched,))])
    assert memory.get(ONE) is None
    assert memory.get(ONE) is None  # it is gone, and not only hidden
    assert (memory.get(TWO) is None) is (touched == EVERYTHING)
    assert memory.put(ONE, facts_at(5))
    assert memory.get(ONE) is not None


@pytest.mark.parametrize("touched", ["key_one", SOMEBODY.id, ACME.id, EVERYTHING])
def test_a_read_that_a_change_overtook_is_thrown_away(touched: str) -> None:
    memory = a_memory()
    memory.apply([FeedEntry(5, (touched,))])
    assert not memory.put(ONE, facts_at(4))
    assert not memory.is_newest(facts_at(4))
    assert memory.get(ONE) is None
    assert memory.put(ONE, facts_at(5))


def test_a_global_key_rests_on_every_tenant_where_it_holds_a_role() -> None:
    memory = a_memory()
    memory.put(ONE, facts_at(1, tenant=None, grants=[Grant("admin"), Grant("editor", OTHER.id)]))
    memory.apply([FeedEntry(2, (ACME.id,))])
    assert memory.get(ONE) is not None
    memory.apply([FeedEntry(3, (OTHER.id,))])
    assert memory.get(ONE) is None


def test_places_are_remembered_until_they_are_touched() -> None:
    memory = a_memory()
    assert memory.place(ACME.slug) is None
    memory.put_place(ACME, 1)
    assert memory.place(ACME.slug) is ACME
    memory.apply([FeedEntry(2, (ACME.id,))])
    assert memory.place(ACME.slug) is None
    memory.put_place(ACME, 1)
    assert memory.place(ACME.slug) is None
    memory.put_place(ACME, 2)
    assert memory.place(ACME.slug) is ACME
    memory.forget_all(3)
    memory.put_place(ACME, 2)
    assert memory.place(ACME.slug) is None


def test_places_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PLACES", 1)
    memory = a_memory()
    memory.put_place(ACME, 1)
    memory.put_place(OTHER, 1)
    assert memory.place(ACME.slug) is None
    assert memory.place(OTHER.slug) is OTHER


def test_what_was_touched_is_forgotten_with_the_entries_that_it_outdates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_TOUCHED", 2)
    memory = a_memory()
    memory.put(ONE, facts_at(1))
    memory.put(TWO, facts_at(1, id="key_two"))
    memory.put_place(ACME, 1)
    memory.apply([FeedEntry(2, ("key_one",)), FeedEntry(3, ("key_x",)), FeedEntry(4, ("key_y",))])
    assert len(memory) == 1
    assert memory.get(ONE) is None
    assert memory.get(TWO) is not None
    assert not memory.put(ONE, facts_at(3))  # nobody knows any more whether it was overtaken
    assert memory.put(ONE, facts_at(4))
    memory.apply([FeedEntry(5, ("key_z",))])
    assert memory.get(TWO) is not None
    assert memory.size == sum(map(module._size, (facts_at(), facts_at())))


CHANGES = st.tuples(
    st.just("change"), st.sampled_from(["key_one", "key_two", SOMEBODY.id, ACME.id, EVERYTHING])
)
READS = st.tuples(st.just("read"), st.sampled_from(["key_one", "key_two"]), st.integers(0, 3))


@given(st.lists(st.one_of(CHANGES, READS), max_size=40), st.integers(1, 3))
def test_nothing_is_remembered_from_before_a_change_that_touched_it(
    events: list[Any], most_touched: int
) -> None:
    """Against a slow reference: for each key the epoch at which anything that it rests on was touched last."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_TOUCHED", most_touched)
        memory, head, last = a_memory(), 0, {"key_one": 0, "key_two": 0}
        for event in events:
            if event[0] == "change":
                head += 1
                memory.apply([FeedEntry(head, (event[1],))])
                for key in last:
                    if event[1] in (key, SOMEBODY.id, ACME.id, EVERYTHING):
                        last[key] = head
            else:
                key, read_at = event[1], max(0, head - event[2])
                put = memory.put(key.encode().ljust(32), facts_at(read_at, id=key))
                assert not put or read_at >= last[key]
            for key, touched in last.items():
                found = memory.get(key.encode().ljust(32))
                assert found is None or found.epoch >= touched
