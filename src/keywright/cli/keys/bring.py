"""`keywright keys import`."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers
from keywright.cli.common import Command
from keywright.cli.connection import connected
from keywright.cli.exits import Exit, Failed
from keywright.cli.files import opened
from keywright.cli.keys.rows import rows
from keywright.cli.keys.sending import Refused, send
from keywright.cli.output import Output
from keywright.cli.progress import Progress
from keywright.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from keywright.cli.keys.rows import Row
    from keywright.cli.keys.sending import Sent
    from keywright.client import Client

MAX_BATCH: Final = 1_000
_MAX_PARALLEL: Final = 16
_MOST_BYTES: Final = 900_000
"""Somewhat less than a request may have."""
_SHOWN: Final = 20
_OPTIONS: Final = {"tenant": "--tenant"}


@dataclass(slots=True)
class _Tally:
    """How far an import is."""

    lines: int = 0
    created: int = 0
    present: int = 0
    refused: int = 0
    refusals: list[Refused] = field(default_factory=list)
    """The first few."""

    def add(self, sent: Sent) -> None:
        """Count what became of a batch."""
        self.lines += sent.created + sent.present + len(sent.refused)
        self.created += sent.created
        self.present += sent.present
        self.refused += len(sent.refused)
        self.refusals += sent.refused[: max(0, _SHOWN - len(self.refusals))]

    def in_words(self, *, dry_run: bool) -> str:
        """The tally in a sentence."""
        made = "would be made" if dry_run else "made"
        return (
            f"{self.lines:,} keys: {self.created:,} {made}, {self.present:,} there already, "
            f"{self.refused:,} refused."
        )


@click.command("import", cls=Command)
@click.argument("path", metavar="FILE", shell_complete=offers.files)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    help="CSV, or a JSON object a line. [default: by the file's name, else jsonl]",
)
@click.option("--dry-run", is_flag=True, help="Judge every key, and make none.")
@click.option(
    "--batch",
    type=click.IntRange(1, MAX_BATCH),
    default=MAX_BATCH,
    metavar="N",
    help="How many keys are made at once. [default: 1000]",
)
@click.option(
    "--parallel",
    type=click.IntRange(1, _MAX_PARALLEL),
    default=4,
    metavar="N",
    help="How many such batches are on their way at once. [default: 4]",
)
@click.option(
    "--report",
    metavar="FILE",
    help="Write the refused lines to this file, as CSV.",
    shell_complete=offers.files,
)
def import_keys(
    path: str,
    form: str | None,
    dry_run: bool,  # noqa: FBT001 - click passes by name
    batch: int,
    parallel: int,
    report: str | None,
) -> int:
    """Make keys of a file of names and token hashes, whose tokens are elsewhere already.

    FILE has a key a line, as CSV with a head or as JSON; - is standard input. Each key is judged by itself, and
    one that is refused keeps none of the others from being made. Importing a file again goes on where it ended.
    """
    output = Output()
    as_csv = form == "csv" if form else path.lower().endswith(".csv")
    tally = _Tally()
    with connected(_OPTIONS) as client, _source(path) as source, opened(report) as out:
        write = None if report is None else _writer(out)
        progress = Progress(0 if path == "-" else Path(path).stat().st_size)
        try:
            for sent in _sent(
                client, _batches(rows(source, as_csv=as_csv), batch), parallel, dry_run=dry_run
            ):
                tally.add(sent)
                if write is not None:
                    write.writerows([one.line, one.code, one.field or "", one.detail] for one in sent.refused)
                read = source.buffer.tell() if isinstance(source, io.TextIOWrapper) and path != "-" else 0
                progress.show(read, tally.in_words(dry_run=dry_run))
        except BaseException:
            progress.clear()
            if not tally.lines:
                raise
            told = tally.in_words(dry_run=dry_run)
            click.echo(f"Broken off after {told} Import the file again to go on.", err=True)
            raise
        progress.clear()
    _tell(output, tally, report, dry_run=dry_run)
    return Exit.REFUSED if tally.refused else Exit.OK


def _sent(client: Client, batches: Iterable[list[Row]], parallel: int, *, dry_run: bool) -> Iterator[Sent]:
    """What becomes of the batches, in their order, so many of which are on their way at once."""
    waiting: deque[Future[Sent]] = deque()
    with ThreadPoolExecutor(parallel) as pool:
        try:
            for batch in batches:
                waiting.append(pool.submit(send, client, batch, dry_run=dry_run))
                if len(waiting) >= parallel:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def _batches(found: Iterable[Row], most: int) -> Iterator[list[Row]]:
    """Rows together, as many as one request may hold."""
    batch: list[Row] = []
    size = 0
    for row in found:
        more = len(json.dumps(row.item)) + 2
        if batch and (len(batch) >= most or size + more > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += more
    if batch:
        yield batch


def _source(path: str) -> AbstractContextManager[IO[str]]:
    if path == "-":
        return nullcontext(io.TextIOWrapper(sys.stdin.buffer, "utf-8-sig", newline=""))
    try:
        return Path(path).open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise Failed(f"{printable(path)} cannot be read: {error.strerror}.", Exit.USAGE) from None


def _writer(out: IO[str] | None) -> Any:  # noqa: ANN401 - the csv module's own class has no name
    writer = csv.writer(out or sys.stdout, lineterminator="\n")
    writer.writerow(["line", "code", "field", "detail"])
    return writer


def _tell(output: Output, tally: _Tally, report: str | None, *, dry_run: bool) -> None:
    if output.as_json:
        output.json(
            {
                "created": tally.created,
                "present": tally.present,
                "refused": tally.refused,
                "dry_run": dry_run,
                "refusals": [one.as_json() for one in tally.refusals],
                "report": report,
            }
        )
        return
    if output.quiet:
        return
    output.line(tally.in_words(dry_run=dry_run))
    if report is not None:
        return
    for one in tally.refusals:
        output.note(printable(f"Line {one.line}: {one.place}{one.detail} ({one.code})"))
    if tally.refused > len(tally.refusals):
        output.note(
            f"{tally.refused - len(tally.refusals):,} more lines were refused. --report FILE has all of them."
        )
