"""The memory of what was used: the last use stands, within bounds, and what does not fit is counted."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.verify import Use, UseLog
from keywright.verify.usage import MAX_KEYS


def test_the_last_use_of_each_key_is_handed_over_once() -> None:
    log = UseLog()
    log.used("key_a", 1, ip_address("192.0.2.7"))
    log.used("key_b", 2, "2001:db8::1")
    log.used("key_a", 3, None)
    assert log.take() == (Use("key_a", 3, None), Use("key_b", 2, "2001:db8::1"))
    assert log.take() == ()
    assert log.take_dropped() == 0


def test_a_use_that_comes_late_does_not_stand() -> None:
    log = UseLog()
    log.used("key_a", 3, ip_address("192.0.2.7"))
    log.used("key_a", 2, ip_address("192.0.2.8"))
    assert log.take() == (Use("key_a", 3, "192.0.2.7"),)


def test_what_could_not_be_written_waits_for_the_next_batch_and_gives_way_to_what_is_newer() -> None:
    log = UseLog()
    log.used("key_a", 1, None)
    log.used("key_b", 1, None)
    batch = log.take()
    log.used("key_a", 5, ip_address("192.0.2.7"))
    log.put_back(batch)
    assert set(log.take()) == {Use("key_a", 5, "192.0.2.7"), Use("key_b", 1, None)}
    log.put_back([Use("key_a", 2, "192.0.2.9")])
    log.used("key_a", 3, None)
    assert log.take() == (Use("key_a", 3, None),)


def test_further_keys_are_dropped_and_counted_once_the_log_is_full() -> None:
    log = UseLog(max_keys=2)
    for key_id, at in (("key_a", 1), ("key_b", 1), ("key_c", 1), ("key_c", 2), ("key_a", 2)):
        log.used(key_id, at, None)
    assert log.take_dropped() == 2
    assert log.take_dropped() == 0
    assert log.take() == (Use("key_a", 2, None), Use("key_b", 1, None))
    log.used("key_d", 3, None)
    log.put_back([Use("key_a", 2, None), Use("key_b", 1, None)])
    assert log.take_dropped() == 1
    assert log.take() == (Use("key_d", 3, None), Use("key_a", 2, None))


def test_the_bound_is_what_a_node_can_hold_without_being_told() -> None:
    log = UseLog()
    for number in range(MAX_KEYS + 10):
        log.used(f"key_{number}", 1, None)
    assert log.take_dropped() == 10
    assert len(log.take()) == MAX_KEYS


USES = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 9)), max_size=20)


@given(USES, USES, st.integers(1, 5))
def test_every_use_is_handed_over_overtaken_or_counted(
    first: list[tuple[str, int]], second: list[tuple[str, int]], bound: int
) -> None:
    log = UseLog(max_keys=bound)
    for key_id, at in first:
        log.used(key_id, at, None)
    log.put_back(log.take())
    for key_id, at in second:
        log.used(key_id, at, None)
    taken = {use.key_id: use.at_us for use in log.take()}
    dropped = log.take_dropped()
    assert len(taken) <= bound
    for key_id, at in taken.items():
        assert at == max(moment for key, moment in first + second if key == key_id)
    lost = [key for key, _ in first + second if key not in taken]
    assert dropped == len(lost)


@pytest.mark.parametrize("given_ip", [None, "192.0.2.7"])
def test_a_use_is_a_plain_value(given_ip: str | None) -> None:
    assert Use("key_a", 1, given_ip) == Use("key_a", 1, given_ip)
