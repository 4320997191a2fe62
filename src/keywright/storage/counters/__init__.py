"""What counts uses against limits: in the memory of one process, or where all nodes count together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.storage.counters.host import HostRemote, host_counters
from keywright.storage.counters.memory import MemoryCounters
from keywright.storage.counters.shared import RemoteAway, SharedCounters

if TYPE_CHECKING:
    from pathlib import Path

    from keywright.ops.metrics import Metrics

__all__ = ["MemoryCounters", "RemoteAway", "SharedCounters", "counters_of", "host_counters", "redis_answers"]


def counters_of(
    redis_url: str | None, metrics: Metrics, *, host: Path | None = None
) -> MemoryCounters | SharedCounters:
    """The counters of one node: in Redis where there is one, else its own. Nothing is opened before the first use.

    `host` is the socket of `keywright.storage.counters.host`, by which the processes of one host count together
    without Redis.
    """
    if redis_url is None:
        return MemoryCounters() if host is None else SharedCounters(HostRemote(host), metrics)
    from keywright.storage.counters.redis import RedisRemote  # noqa: PLC0415 - a library that few installations load

    return SharedCounters(RedisRemote(redis_url), metrics)


async def redis_answers(redis_url: str) -> None:
    """Have Redis count something that concerns nobody. Raises `RemoteAway`, whose cause says why it does not."""
    from keywright.storage.counters.redis import RedisRemote  # noqa: PLC0415 - as above

    remote = RedisRemote(redis_url)
    try:
        await remote.probe()
    finally:
        await remote.close()
