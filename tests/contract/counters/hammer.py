"""A process that uses one limited key as fast as it can, and says how many uses came through.

Arguments: the URL of Redis, the bucket's owner, its limit, and how often to try. It waits for a line before it begins.
"""

from __future__ import annotations

import asyncio
import sys

from keywright.core.limits import Bucket, Level, Limit
from keywright.ops.metrics import Metrics
from keywright.storage.counters import SharedCounters
from keywright.storage.counters.redis import RedisRemote

TAKERS = 8
YEAR = 31_536_000


async def main(url: str, subject: str, limit: int, tries: int) -> None:
    # A busy machine may take any time to answer.
    counters = SharedCounters(RedisRemote(url), Metrics(), patience=60)
    buckets = (
        Bucket(Level.KEY, subject, Limit("all", limit, YEAR)),
        Bucket(Level.TENANT, subject, Limit("more", 2 * limit, YEAR)),
    )
    await counters.take(buckets, 0)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()

    async def use() -> tuple[int, int]:
        through = alone = 0
        for _ in range(tries // TAKERS):
            taken = await counters.take(buckets, 1)
            through += taken.allowed
            alone += taken.local
        return through, alone

    counted = await asyncio.gather(*(use() for _ in range(TAKERS)))
    await counters.close()
    sys.stdout.write(f"{sum(through for through, _ in counted)} {sum(alone for _, alone in counted)}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
