"""`make bench`: how fast Keywright is, as ratios of one run, in parts that each run alone too."""

from __future__ import annotations

import argparse
import importlib
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import results
from bench.environments import CACHE, ROOT
from bench.machine import describe
from bench.options import Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.figures import Section

PARTS = (
    "verify",
    "dialects",
    "inprocess",
    "middleware",
    "agent",
    "cold",
    "large",
    "revocation",
    "memory",
    "start",
    "workers",
    "imports",
    "console",
)
_WITH_WRK = {"verify", "agent", "dialects", "middleware", "workers"}


def main() -> None:
    # Else the servers that run would be left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options, parts, folder = asked(sys.argv[1:])
    missed = False
    for name in parts:
        if name in _WITH_WRK and shutil.which("wrk") is None:
            sys.exit("This part needs wrk: apt-get install wrk, or brew install wrk.")
        run, began = describe(), time.monotonic()
        print(f"\n{name} …", file=sys.stderr)
        section: Section = importlib.import_module(f"bench.parts.{name}").run(options)
        print(f"\n{section.title} ({time.monotonic() - began:.0f} s)\n\n{results.text(section)}")
        results.write(folder, [results.Result(run, str(options), section)], PARTS)
        missed |= not all(target.met for target in section.targets)
    print(f"\nWritten to {folder}." + (" Some targets were missed." if missed else ""))


def asked(arguments: Sequence[str]) -> tuple[Options, list[str], Path]:
    """What the command line says: the options, the parts in their order, and where the results go."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of {', '.join(PARTS)} (all)")
    parser.add_argument("--seconds", type=int, help="length of a round of load (5)")
    parser.add_argument("--rounds", type=int, help="rounds of each, in turn (5)")
    parser.add_argument("--connections", type=int, default=32, help="connections of the load (32)")
    parser.add_argument(
        "--keys", type=int, help="keys in the large table (1000000; the target is for 10000000)"
    )
    parser.add_argument("--quick", action="store_true", help="a look in seconds, written to .bench/quick")
    parser.add_argument("--out", type=Path, help="where the results are written (bench/results)")
    given = parser.parse_args(arguments)
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    quick: bool = given.quick
    options = Options(
        seconds=given.seconds or (1 if quick else 5),
        rounds=given.rounds or (2 if quick else 5),
        connections=given.connections,
        keys=given.keys or (200_000 if quick else 1_000_000),
        quick=quick,
    )
    folder = given.out or (CACHE / "quick" if quick else ROOT / "bench" / "results")
    return options, [name for name in PARTS if name in given.parts or not given.parts], folder


if __name__ == "__main__":
    main()
