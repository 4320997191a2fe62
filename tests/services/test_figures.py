"""What a process says of its own work."""

from __future__ import annotations

import pytest

from keywright.ops.metrics import Metrics
from keywright.services.figures import WINDOW_SECONDS, Watch
from tests.support.house import House, ManualClock
from tests.support.nodes import a_node


class Now:
    """A boot time that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def test_nothing_is_claimed_of_what_was_not_seen() -> None:
    found = Watch(a_node(ManualClock()), Metrics()).look()
    assert (found.decisions, found.from_memory, found.per_second) == (0, None, None)


def test_a_rate_is_that_of_the_last_minute() -> None:
    metrics, node, now = Metrics(), a_node(ManualClock()), Now()
    node.boottime = now
    watch = Watch(node, metrics)
    watch.look()
    rates = []
    for asked in (10, 20, 30):
        now.seconds += WINDOW_SECONDS / 2
        for _ in range(asked):
            metrics.decision("VALID", "verify")
        rates.append(watch.look().per_second)
    assert rates == [10 / 30, 30 / 60, 50 / 60]
    now.seconds += WINDOW_SECONDS * 2
    assert watch.look().per_second == 0


def test_looks_close_together_do_not_shorten_the_span() -> None:
    metrics, node, now = Metrics(), a_node(ManualClock()), Now()
    node.boottime = now
    watch = Watch(node, metrics)
    watch.look()
    now.seconds += 0.5
    assert watch.look().per_second is None
    now.seconds += 9.5
    metrics.decision("VALID", "verify")
    assert watch.look().per_second == pytest.approx(0.1)


def test_reads_for_other_ends_make_no_share_below_nothing() -> None:
    metrics = Metrics()
    for _ in range(4):
        metrics.decision("VALID", "verify")
    metrics.looked_up()
    watch = Watch(a_node(ManualClock()), metrics)
    assert watch.look().from_memory == 0.75
    for _ in range(9):
        metrics.looked_up()
    assert watch.look().from_memory == 0


@pytest.mark.anyio
async def test_the_services_tell_them(home: House) -> None:
    home.metrics.decision("VALID", "verify")
    found = home.services.figures()
    assert (found.decisions, found.cached_keys, found.cached_bytes) == (1, 0, home.node.cached_bytes)
