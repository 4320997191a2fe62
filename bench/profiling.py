"""Where the time of a warm `/v1/verify` goes: `python -m bench.profiling`, without a server or a network around it.

Prints the processor time of one call of the ASGI application and of a constant one, and then the functions that it
went to. The profiler makes small functions look dearer than they are: the order counts, not the numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import tempfile
from pathlib import Path

from bench.constant import app as constant
from bench.inside import Request, installation, processor_us

# So few at a time that the node's lease is renewed in between.
_CALLS, _ROUNDS, _BREATH = 2_000, 9, 0.02


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profiling", description=__doc__)
    parser.add_argument("--lines", type=int, default=45, help="functions to show (45)")
    parser.add_argument("--sort", default="tottime", help="tottime or cumtime (tottime)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_profile(Path(folder), given.lines, given.sort))


async def _profile(folder: Path, lines: int, sort: str) -> None:
    async with installation(folder) as home:
        asker = await home.new_key(name="gateway", scope=[{"actions": ["keys:verify"]}])
        token = await home.new_key(name="app", scope=[{"actions": ["article:read"]}])
        body = json.dumps({"token": token, "action": "article:read"}).encode()
        ask = Request(home.app, "/v1/verify", asker, body)
        answer = await ask()
        if answer.get("valid") is not True:
            raise SystemExit(f"The verification failed: {answer}")
        least = await _least(Request(constant, "/", asker, body))
        ours = await _least(ask)
        print(f"The constant application: {least:.2f} µs a call. Keywright: {ours:.2f} µs.")
        profiler = cProfile.Profile()
        profiler.enable()
        await processor_us(ask.run, _CALLS)
        profiler.disable()
        pstats.Stats(profiler).sort_stats(sort).print_stats(lines)


async def _least(request: Request) -> float:
    """The least of some rounds: what else runs on the machine can only add to it."""
    found = []
    for _ in range(_ROUNDS):
        await asyncio.sleep(_BREATH)
        found.append(await processor_us(request.run, _CALLS))
    return min(found)


if __name__ == "__main__":
    main()
