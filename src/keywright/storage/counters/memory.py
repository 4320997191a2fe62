"""Counters in the memory of one process."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from keywright.core.gcra import judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.limits import Bucket, Taken

MAX_BUCKETS = 200_000
"""Some 50 MB. Buckets that have emptied take no room for long, so that this many must be in use at one time."""
LOOKED_AT = 2


def monotonic_us() -> int:
    """Microseconds of a clock that nobody sets."""
    return time.monotonic_ns() // 1000


class MemoryCounters:
    """Counts by itself, see `Counters`; no call waits for anything.

    Bounded: a bucket that has emptied counts like one that never was, and is forgotten as new ones come. When there are
    `max_buckets` of them in use, a new one displaces one of them.
    """

    __slots__ = ("_cells", "_max_buckets", "_now_us")

    def __init__(self, now_us: Callable[[], int] = monotonic_us, *, max_buckets: int = MAX_BUCKETS) -> None:
        self._now_us = now_us
        self._max_buckets = max_buckets
        # When a bucket will have emptied, in its parts since the clock's zero, and how many of them make a microsecond.
        self._cells: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._cells)

    async def take(self, buckets: tuple[Bucket, ...], cost: int) -> Taken:
        """See `Counters`."""
        return self.count(buckets, cost)[0]

    def count(self, buckets: tuple[Bucket, ...], cost: int) -> tuple[Taken, list[int]]:
        """What `take` does, and the backlogs (in parts) by which it judged."""
        now = self._now_us()
        cells = self._cells
        backlogs = []
        for bucket in buckets:
            cell = cells.get(bucket.key)
            backlogs.append(0 if cell is None else max(0, cell[0] - now * cell[1]))
        taken = judge(buckets, backlogs, cost)
        if cost and taken[1] is None:  # by its place, which takes half as long as by its name
            for at, bucket in enumerate(buckets):
                key = bucket.key
                if key not in cells:
                    self._make_room(now)
                parts = bucket.parts
                cells[key] = (now * parts + backlogs[at] + cost * bucket.worth, parts)
        return taken, backlogs

    async def give_back(self, buckets: tuple[Bucket, ...], cost: int) -> None:
        """See `Counters`. What a bucket has emptied since is not given back too."""
        for bucket in buckets:
            cell = self._cells.get(bucket.key)
            if cell is not None:
                self._cells[bucket.key] = (cell[0] - cost * bucket.worth, cell[1])

    async def close(self) -> None:
        """There is nothing to let go of."""

    def adopt(self, bucket: Bucket, backlog: int) -> None:
        """Count a bucket on from a backlog (in parts) that somebody else knows."""
        now = self._now_us()
        if bucket.key not in self._cells:
            self._make_room(now)
        self._cells[bucket.key] = (now * bucket.parts + backlog, bucket.parts)

    def _make_room(self, now: int) -> None:
        """Forget what has emptied among the first few, and put the others last, so that all have their turn."""
        cells = self._cells
        for _ in range(min(LOOKED_AT, len(cells))):
            key, cell = cells.popitem(last=False)
            if cell[0] > now * cell[1]:
                cells[key] = cell
        if len(cells) >= self._max_buckets:
            cells.popitem(last=False)
