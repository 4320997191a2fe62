"""The memory of what was used: everything is counted once, within bounds, and what does not fit is counted too."""

from __future__ import annotations

import tracemalloc
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.decision import Asked, Code
from keywright.core.usage import HOUR_US, MAX_ACTIONS, OTHER_ACTIONS, Use
from keywright.verify import Tally, UseLog
from keywright.verify.usage import MAX_COUNTERS, MAX_KEYS
from tests.support.facts import ACME, some_facts

if TYPE_CHECKING:
    from keywright.core.ports import KeyFacts

VALID, DISABLED, LIMITED = Code.VALID, Code.DISABLED, Code.RATE_LIMITED
PLAIN = Asked()
READ = Asked(action="article:read")
HOUR = 500_000 * HOUR_US
HERE, THERE = ip_address("192.0.2.7"), ip_address("2001:db8::1")


def facts(key_id: str = "key_a") -> KeyFacts:
    return some_facts(id=key_id)


def taken(log: UseLog) -> dict[str, Use]:
    """All that is handed over, by key."""
    tallies = log.take()
    assert len({one.key_id for one in tallies}) == len(tallies)
    return {one.key_id: one.use() for one in tallies}


def test_decisions_are_counted_by_key_hour_and_code() -> None:
    log = UseLog()
    for key, code, at in (
        ("key_a", VALID, HOUR),
        ("key_a", VALID, HOUR + 5),
        ("key_a", DISABLED, HOUR + HOUR_US - 1),
        ("key_a", VALID, HOUR + HOUR_US),
        ("key_b", LIMITED, HOUR),
    ):
        log.note(facts(key), code, PLAIN, at)
    found = taken(log)
    assert found == {
        "key_a": Use(
            "key_a",
            HOUR + HOUR_US,
            None,
            ACME.id,
            ((HOUR, "VALID", 2), (HOUR, "DISABLED", 1), (HOUR + HOUR_US, "VALID", 1)),
        ),
        "key_b": Use("key_b", None, None, ACME.id, ((HOUR, "RATE_LIMITED", 1),)),
    }
    assert all(type(code) is str for _, code, _ in found["key_a"].counts)
    assert taken(log) == {}
    assert log.take_dropped() == 0


def test_a_clock_that_is_set_back_counts_in_the_hour_that_it_shows() -> None:
    log = UseLog()
    for at in (HOUR, HOUR - 1, HOUR + 1, HOUR - HOUR_US):
        log.note(facts(), VALID, PLAIN, at)
    found = taken(log)["key_a"]
    assert found.counts == ((HOUR, "VALID", 2), (HOUR - HOUR_US, "VALID", 2))
    assert found.at_us == HOUR + 1


def test_the_last_use_is_the_latest_that_was_accepted() -> None:
    log = UseLog()
    log.note(facts(), VALID, Asked(ip=HERE), HOUR + 2)
    log.note(facts(), VALID, Asked(ip=THERE), HOUR + 1)
    log.note(facts(), DISABLED, Asked(ip=THERE), HOUR + 3)
    assert (taken(log)["key_a"].at_us, log.take_dropped()) == (HOUR + 2, 0)
    log.note(facts(), VALID, Asked(ip=HERE), HOUR)
    log.note(facts(), VALID, Asked(ip=THERE), HOUR)
    found = taken(log)["key_a"]
    assert (found.at_us, found.ip) == (HOUR, "2001:db8::1")


def test_actions_are_counted_where_they_were_allowed() -> None:
    log = UseLog()
    log.note(facts(), VALID, READ, HOUR + 5)
    log.note(facts(), VALID, READ, HOUR + 3)
    log.note(facts(), VALID, Asked(action="article:publish"), HOUR + 4)
    log.note(facts(), VALID, PLAIN, HOUR + 6)
    log.note(facts(), LIMITED, Asked(action="article:delete"), HOUR + 7)
    assert taken(log)["key_a"].actions == (
        ("article:read", 2, HOUR + 5),
        ("article:publish", 1, HOUR + 4),
    )


@pytest.mark.parametrize("action", ["", "a b", "a\0", "\ud800", "article:*", "x" * 513, OTHER_ACTIONS])
def test_what_is_no_action_is_among_the_others(action: str) -> None:
    log = UseLog()
    for at in (HOUR, HOUR + 1):
        log.note(facts(), VALID, Asked(action=action), at)
    assert taken(log)["key_a"].actions == ((OTHER_ACTIONS, 2, HOUR + 1),)


def test_the_actions_of_a_key_have_a_bound() -> None:
    log = UseLog(max_actions=2)
    for action in ("a", "b", "c", "d", "a", "c"):
        log.note(facts(), VALID, Asked(action=action), HOUR)
    log.note(facts("key_b"), VALID, Asked(action="c"), HOUR)
    found = taken(log)
    assert found["key_a"].actions == (("a", 2, HOUR), ("b", 1, HOUR), (OTHER_ACTIONS, 3, HOUR))
    assert found["key_b"].actions == (("c", 1, HOUR),)
    assert log.take_dropped() == 0
    many = UseLog()
    for number in range(MAX_ACTIONS + 10):
        many.note(facts(), VALID, Asked(action=f"a{number}"), HOUR)
    assert len(taken(many)["key_a"].actions) == MAX_ACTIONS + 1


def test_further_keys_are_dropped_and_counted_once_the_log_is_full() -> None:
    log = UseLog(max_keys=2)
    for key, code in (
        ("key_a", VALID),
        ("key_b", DISABLED),
        ("key_c", VALID),
        ("key_c", VALID),
        ("key_a", VALID),
    ):
        log.note(facts(key), code, READ, HOUR)
    assert log.take_dropped() == 2
    assert log.take_dropped() == 0
    batch = log.take()
    assert [one.key_id for one in batch] == ["key_a", "key_b"]
    log.note(facts("key_d"), VALID, PLAIN, HOUR)
    log.put_back(batch)
    assert log.take_dropped() == 1
    assert set(taken(log)) == {"key_d", "key_a"}


def test_further_counters_are_dropped_and_counted_once_the_log_is_full() -> None:
    log = UseLog(max_counters=2)
    log.note(facts(), VALID, READ, HOUR)
    log.note(facts(), VALID, Asked(action="article:publish", ip=HERE), HOUR + 1)
    assert log.take_dropped() == 1
    log.note(facts(), DISABLED, PLAIN, HOUR)
    log.note(facts("key_b"), VALID, READ, HOUR)
    assert log.take_dropped() == 3
    log.note(facts(), VALID, READ, HOUR + 2)
    assert log.take_dropped() == 0
    batch = log.take()
    found = {one.key_id: one.use() for one in batch}
    assert found["key_a"].counts == ((HOUR, "VALID", 3),)
    assert found["key_a"].actions == (("article:read", 2, HOUR + 2),)
    assert found["key_b"] == Use("key_b", HOUR, None, ACME.id), "its last use needs no counter"
    log.note(facts("key_c"), VALID, PLAIN, HOUR)
    log.put_back(batch)
    assert log.take_dropped() == 2, "there was room for the code and none for the action"
    assert taken(log)["key_a"].counts == ((HOUR, "VALID", 3),)
    log.note(facts("key_c"), VALID, READ, HOUR)
    log.put_back(batch)
    assert log.take_dropped() == 5
    assert taken(log)["key_a"] == Use("key_a", HOUR + 2, None, ACME.id)


def test_what_could_not_be_written_is_added_to_what_was_gathered_since() -> None:
    log = UseLog()
    log.note(facts(), VALID, Asked(action="a", ip=HERE), HOUR + 2)
    log.note(facts(), DISABLED, PLAIN, HOUR)
    log.note(facts("key_b"), VALID, READ, HOUR)
    batch = log.take()
    log.note(facts(), VALID, Asked(action="a", ip=THERE), HOUR + 1)
    log.note(facts(), VALID, Asked(action="b"), HOUR + HOUR_US)
    log.put_back(batch)
    log.note(facts(), VALID, Asked(action="a"), HOUR + HOUR_US + 1)
    found = taken(log)
    assert found["key_a"] == Use(
        "key_a",
        HOUR + HOUR_US + 1,
        None,
        ACME.id,
        ((HOUR, "VALID", 2), (HOUR, "DISABLED", 1), (HOUR + HOUR_US, "VALID", 2)),
        (("a", 3, HOUR + HOUR_US + 1), ("b", 1, HOUR + HOUR_US)),
    )
    assert found["key_b"] == Use(
        "key_b", HOUR, None, ACME.id, ((HOUR, "VALID", 1),), (("article:read", 1, HOUR),)
    )
    log.note(facts(), VALID, Asked(ip=THERE), HOUR + 1)
    log.put_back(batch)
    assert (taken(log)["key_a"].at_us, log.take_dropped()) == (HOUR + 2, 0)


def test_the_bounds_are_what_a_node_can_hold_without_being_told() -> None:
    log = UseLog()
    log.put_back(Tally(f"key_{number}", None) for number in range(MAX_KEYS - 1))
    for key in ("key_a", "key_b", "key_a"):
        log.note(facts(key), VALID, PLAIN, HOUR)
    assert log.take_dropped() == 1
    assert len(log.take()) == MAX_KEYS
    assert MAX_COUNTERS > MAX_KEYS


def test_a_decision_met_before_makes_nothing_new() -> None:
    log, known = UseLog(), facts()
    asked = Asked(action="article:read", ip=HERE)

    def note(times: int) -> int:
        for number in range(times):
            log.note(known, VALID, asked, HOUR + number)
            log.note(known, DISABLED, asked, HOUR + number)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = note(1_000)
        after = note(10_000)
    finally:
        tracemalloc.stop()
    assert after - before < 1_000


NOTES = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from([VALID, DISABLED]),
        st.sampled_from([None, "x", "y", "z"]),
        st.integers(0, 2),
    ),
    max_size=30,
)


@given(NOTES, NOTES, st.integers(1, 4), st.integers(1, 12), st.integers(1, 3))
def test_every_decision_is_handed_over_once_or_counted_as_dropped(
    first: list[tuple[str, Code, str | None, int]],
    second: list[tuple[str, Code, str | None, int]],
    keys: int,
    counters: int,
    actions: int,
) -> None:
    log = UseLog(max_keys=keys, max_counters=counters, max_actions=actions)
    for batch in (first, second):
        waiting = log.take()
        for key, code, action, hours in batch:
            log.note(facts(key), code, Asked(action=action), HOUR + hours * HOUR_US)
        log.put_back(waiting)
    found = taken(log)
    counted = sum(n for use in found.values() for _, _, n in use.counts)
    exercised = sum(n for use in found.values() for _, n, _ in use.actions)
    made = [*first, *second]
    allowed = [action for _, code, action, _ in made if code is VALID and action is not None]
    assert len(found) <= keys
    assert sum(len(use.counts) + len(use.actions) for use in found.values()) <= counters
    assert all(len(use.actions) <= actions + 1 for use in found.values())
    dropped = log.take_dropped()
    assert len(made) - counted <= dropped <= len(made) - counted + len(allowed) - exercised


def test_what_was_noted_at_once_counts_like_what_was_noted_one_by_one() -> None:
    single, together = UseLog(max_actions=1), UseLog(max_actions=1)
    asked = [Asked(action=action, ip=HERE) for action in ("article:read", "article:write")]
    for which in asked:
        for at in (HOUR, HOUR + 1, HOUR + 2):
            single.note(facts(), VALID, which, at)
        together.note(facts(), VALID, which, HOUR + 2, 3)
    for log in (single, together):
        log.note(facts(), DISABLED, PLAIN, HOUR)
    assert taken(single) == taken(together)


def test_what_was_noted_at_once_and_has_no_room_is_dropped_in_full() -> None:
    log = UseLog(max_keys=1, max_counters=1)
    log.note(facts("key_a"), VALID, PLAIN, HOUR, 2)
    log.note(facts("key_b"), VALID, PLAIN, HOUR, 3)
    log.note(facts("key_a"), DISABLED, PLAIN, HOUR, 4)
    log.note(facts("key_a"), VALID, READ, HOUR, 5)
    assert log.take_dropped() == 3 + 4 + 5
    assert {key: use.counts for key, use in taken(log).items()} == {"key_a": ((HOUR, "VALID", 7),)}


def test_whoever_counts_by_itself_is_asked_before_anything_is_taken() -> None:
    log = UseLog()
    log.before_taking(lambda: log.note(facts(), VALID, PLAIN, HOUR, 2))
    assert [taken(log)["key_a"].counts for _ in range(2)] == [((HOUR, "VALID", 2),)] * 2
