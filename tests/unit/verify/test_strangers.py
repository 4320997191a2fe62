"""How many unknown tokens one address may have looked up."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from keywright.verify import Strangers
from keywright.verify import strangers as module
from keywright.verify.strangers import BURST, PER_SECOND

if TYPE_CHECKING:
    import pytest

HERE, THERE = ip_address("192.0.2.7"), ip_address("192.0.2.8")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_after_a_burst_an_address_waits_and_others_do_not() -> None:
    clock = Clock()
    strangers = Strangers(clock)
    for _ in range(BURST):
        assert strangers.admits(HERE)
        strangers.note(HERE)
    assert not strangers.admits(HERE)
    assert strangers.admits(THERE)
    assert strangers.admits(None)
    clock.now += 1.001 / PER_SECOND
    assert strangers.admits(HERE)
    strangers.note(HERE)
    assert not strangers.admits(HERE)
    clock.now += BURST / PER_SECOND
    assert strangers.admits(HERE)


def test_what_comes_from_nowhere_is_not_counted() -> None:
    strangers = Strangers(Clock())
    for _ in range(10 * BURST):
        strangers.note(None)
    assert strangers.admits(None)


def test_an_ipv6_customer_counts_as_one_and_is_no_ipv4_address() -> None:
    strangers = Strangers(Clock())
    for one in range(BURST):
        strangers.note(ip_address(f"2001:db8:0:1::{one:x}"))
    assert not strangers.admits(ip_address("2001:db8:0:1:ffff::1"))
    assert strangers.admits(ip_address("2001:db8:0:2::1"))
    alike = IPv6Address(int(HERE) << 64)
    for _ in range(BURST):
        strangers.note(alike)
    assert not strangers.admits(alike)
    assert strangers.admits(HERE)


def test_the_addresses_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ADDRESSES", 2)
    clock = Clock()
    strangers = Strangers(clock)
    for _ in range(BURST):
        strangers.note(HERE)
    strangers.note(THERE)
    clock.now += 0.2  # THERE has emptied, HERE has not
    strangers.note(ip_address("192.0.2.9"))
    for _ in range(2):
        strangers.note(HERE)
    assert not strangers.admits(HERE)
    for _ in range(BURST):
        strangers.note(HERE)
        strangers.note(ip_address("192.0.2.9"))
    strangers.note(ip_address("192.0.2.10"))
    assert len(strangers._empty_at) == 1
