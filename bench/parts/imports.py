"""How many keys a second `keywright keys import` brings in."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.figures import Bar, Plot, Row, Section, Table, Target, exactly
from bench.installation import COMMAND, keywright, migrate, new_root, postgres, scratch, settings

if TYPE_CHECKING:
    from pathlib import Path

    from bench.options import Options

QUICK, FULL = 20_000, 1_000_000
LONGEST = 300.0
"""Seconds that a million may take on PostgreSQL."""
_ABOUT = """\
`keywright keys import` of a CSV file with name, token hash, expiry and metadata of each key, in batches of 1,000 with
four on their way, into an empty table on PostgreSQL and on SQLite; from the start of the command to its end. Then the
same file once more, when every key is there already. Command, server and database share the machine."""


@dataclass(frozen=True, slots=True)
class Imported:
    """So many keys in so many seconds, and what the server computed for them."""

    count: int
    seconds: float
    cpu_seconds: float


def run(options: Options) -> Section:
    """Each engine in turn, once."""
    count = QUICK if options.quick else FULL
    found: dict[str, Imported] = {}
    with scratch() as folder:
        path = folder / "keys.csv"
        _write(path, count)
        with postgres(folder) as server:
            for name, url in (("PostgreSQL", server.create_database()), ("SQLite", None)):
                place = folder / name
                place.mkdir()
                root = new_root()
                migrate(settings(place, root, url))
                with keywright(place, root=root, database_url=url) as home:
                    for again in (False, True):
                        before = home.server.cpu_seconds()
                        seconds = _imported(path, home.server.port, home.root, count, again=again)
                        spent = home.server.cpu_seconds() - before
                        found[f"{name}, the same again" if again else name] = Imported(count, seconds, spent)
    return section(found, count)


def section(found: dict[str, Imported], count: int) -> Section:
    """The table, plot and target of what was measured."""
    rates = {label: exactly(one.count / one.seconds, "/s") for label, one in found.items()}
    return Section(
        name="imports",
        title=f"Importing {count:,} keys",
        about=_ABOUT,
        tables=(
            Table(
                ("", "keys", "a million takes", "CPU of the server a key"),
                tuple(
                    Row(
                        label,
                        (
                            str(rates[label]),
                            f"{FULL / rates[label].value:.0f} s",
                            str(exactly(one.cpu_seconds / one.count * 1_000_000, "µs")),
                        ),
                        ours=True,
                    )
                    for label, one in found.items()
                ),
            ),
        ),
        plots=(
            Plot(
                "imports",
                "Imported keys a second",
                tuple(Bar(label, one, ours=True) for label, one in rates.items()),
                more_is_better=True,
            ),
        ),
        targets=(
            Target(
                "a million keys on PostgreSQL, at this rate",
                exactly(FULL / rates["PostgreSQL"].value, "s"),
                LONGEST,
            ),
        ),
    )


def _write(path: Path, count: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "token_hash", "expires_at", "metadata"])
        for number in range(count):
            digest = hashlib.sha256(f"imported-{number}".encode()).hexdigest()
            writer.writerow([f"Key {number}", digest, "2090-01-01T00:00:00Z", '{"team": "search"}'])


def _imported(path: Path, port: int, root: str, count: int, *, again: bool) -> float:
    """Seconds that the command takes."""
    env = {
        "PATH": os.environ["PATH"],
        "KEYWRIGHT_URL": f"http://127.0.0.1:{port}",
        "KEYWRIGHT_API_KEY": root,
        "KEYWRIGHT_TENANT": "default",
    }
    began = time.monotonic()
    done = subprocess.run(
        [COMMAND, "keys", "import", "--json", str(path)], env=env, check=True, capture_output=True
    )
    passed = time.monotonic() - began
    found = json.loads(done.stdout)
    if found["present" if again else "created"] != count:
        raise RuntimeError(f"Not all keys were imported: {found}")
    return passed
