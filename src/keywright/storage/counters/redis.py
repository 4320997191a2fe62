"""Counters in Redis or Valkey: one script and one round trip for all buckets of a use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from keywright.core.gcra import SECOND_US
from keywright.core.limits import MAX_USES, Bucket, Level, Limit
from keywright.storage.counters.shared import RemoteAway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

CONNECTIONS = 32
SECONDS = 2.0
"""The longest that anything takes; who asks is mostly less patient."""
_PROBE = (Bucket(Level.KEY, "probe", Limit("probe", MAX_USES, 1)),)
# One tag for all keys puts them into one slot of a cluster: buckets of several owners are counted in one step.
_PREFIX: Final = "{keywright}:"

# A bucket is stored as when it will have emptied: whole microseconds of the server's clock, and parts of one, of
# which the limit says how many make a whole. Numbers stay below 2^53, up to which Lua's are exact.
_READ: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local function backlog(held, window)
  if not held then return 0, 0 end
  local us, parts = string.match(held, '^(%d+) (%d+)$')
  us, parts = tonumber(us) - now, tonumber(parts)
  if us < 0 then return 0, 0 end
  -- More than the bucket holds: the server's clock was set back.
  if us >= window then return window, 0 end
  return us, parts
end
local function store(key, us, parts)
  redis.call('SET', key, string.format('%.0f %.0f', now + us, parts), 'PX', math.floor(us / 1000) + 2)
end
"""
# KEYS: the buckets. ARGV: 1 to charge, then for each bucket the limit, the window, and what the use is worth as whole
# microseconds and parts. Answers the backlog of each bucket before the use, as whole microseconds and parts.
_TAKE: Final = (
    _READ
    + """
local held = redis.call('MGET', unpack(KEYS))
local answer, after, room = {}, {}, true
for i = 1, #KEYS do
  local at = 4 * i - 3
  local limit, window = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local us, parts = backlog(held[i], window)
  answer[2 * i - 1], answer[2 * i] = us, parts
  us, parts = us + tonumber(ARGV[at + 3]), parts + tonumber(ARGV[at + 4])
  if parts >= limit then us, parts = us + 1, parts - limit end
  if us > window or (us == window and parts > 0) then room = false end
  after[2 * i - 1], after[2 * i] = us, parts
end
if room and ARGV[1] == '1' then
  for i = 1, #KEYS do store(KEYS[i], after[2 * i - 1], after[2 * i]) end
end
return answer
"""
)
# The same arguments; what a bucket has emptied since is not given back too.
_GIVE_BACK: Final = (
    _READ
    + """
for i = 1, #KEYS do
  local at = 4 * i - 3
  local us, parts = backlog(redis.call('GET', KEYS[i]), tonumber(ARGV[at + 2]))
  us, parts = us - tonumber(ARGV[at + 3]), parts - tonumber(ARGV[at + 4])
  if parts < 0 then us, parts = us - 1, parts + tonumber(ARGV[at + 1]) end
  if us < 0 then redis.call('DEL', KEYS[i]) else store(KEYS[i], us, parts) end
end
"""
)


class RedisRemote:
    """Shared counters in Redis 7, Valkey 8 or anything that speaks like them; see `Remote`.

    Time is the server's own, so that the nodes' clocks do not matter. The keys expire when their buckets have emptied.
    """

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=SECONDS,
            socket_connect_timeout=SECONDS,
            socket_timeout=SECONDS,
            # A use that was sent twice would be charged twice.
            retry=Retry(NoBackoff(), 0),
            client_name="keywright",
        )
        self._redis: Redis = Redis(connection_pool=pool)
        self._take = self._redis.register_script(_TAKE)
        self._give_back = self._redis.register_script(_GIVE_BACK)

    async def take(self, buckets: Sequence[Bucket], cost: int) -> Sequence[int]:
        """See `Remote`."""
        charge = cost > 0 and all(cost <= bucket.parts for bucket in buckets)
        arguments = [int(charge), *_arguments(buckets, cost if charge else 1)]
        found = await _answer(self._take(keys=_keys(buckets), args=arguments))
        return [
            us * bucket.parts + part
            for bucket, us, part in zip(buckets, found[::2], found[1::2], strict=True)
        ]

    async def give_back(self, buckets: Sequence[Bucket], cost: int) -> None:
        """See `Remote`."""
        await _answer(self._give_back(keys=_keys(buckets), args=[0, *_arguments(buckets, cost)]))

    async def probe(self) -> None:
        """See `Remote`."""
        await self.take(_PROBE, 1)

    async def close(self) -> None:
        """See `Remote`."""
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()


def _keys(buckets: Sequence[Bucket]) -> list[str]:
    return [_PREFIX + bucket.key for bucket in buckets]


def _arguments(buckets: Sequence[Bucket], cost: int) -> list[int]:
    arguments: list[int] = []
    for bucket in buckets:
        us, parts = divmod(cost * bucket.worth, bucket.parts)
        arguments += (bucket.parts, bucket.limit.window_seconds * SECOND_US, us, parts)
    return arguments


async def _answer(call: Awaitable[Any]) -> Any:  # noqa: ANN401 - whatever the script answers
    try:
        return await call
    except (RedisError, OSError) as error:
        raise RemoteAway from error
