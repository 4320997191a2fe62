"""`keywright keys export`."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers
from keywright.cli.common import Command, given
from keywright.cli.connection import connected
from keywright.cli.files import opened
from keywright.cli.keys.list import OPTIONS, filter_options
from keywright.cli.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

COLUMNS: Final = (
    "id",
    "name",
    "handle",
    "description",
    "tenant",
    "identity_id",
    "identity",
    "state",
    "active",
    "prefix",
    "hint",
    "last_seven",
    "scope",
    "allowed_cidrs",
    "metadata",
    "limits",
    "credits",
    "not_before",
    "expires_at",
    "created_at",
    "created_by",
    "last_used_at",
    "last_used_ip",
)
"""The columns of a CSV file, of which no one holds a token or its hash."""
_PAGE: Final = 200


@click.command("export", cls=Command)
@filter_options
@click.option(
    "-o",
    "--output",
    "path",
    metavar="FILE",
    help="Write to this file instead of standard output.",
    shell_complete=offers.files,
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    help="CSV, or a JSON object a line. [default: by the file's name, else jsonl]",
)
def export(path: str | None, form: str | None, **filters: Any) -> None:  # noqa: ANN401 - click's own
    """Write keys to a file, with all that is known of them; tokens are not, and their hashes are left out.

    With --json it is a JSON object a line, whatever the file's name.

    A file appears only when it is whole; what goes to standard output may break off, and then it ends with an error.
    """
    if given("json") and form == "csv":
        raise click.UsageError("Give either --json or --format csv.")
    named_csv = (path or "").lower().endswith(".csv")
    as_csv = form == "csv" if form else named_csv and not given("json")
    with connected(OPTIONS) as client, opened(path) as out:
        put = _csv(out or sys.stdout) if as_csv else _lines(out)
        with Progress(beside=out is None) as progress:
            for count, key in enumerate(client.keys.list(limit=_PAGE, **filters), 1):
                put(key)
                progress.show(count, f"{count:,} keys written.")


def _lines(out: IO[str] | None) -> Callable[[dict[str, Any]], None]:
    return lambda key: click.echo(json.dumps(key, ensure_ascii=True), file=out)


def _csv(out: IO[str]) -> Callable[[dict[str, Any]], None]:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    return lambda key: writer.writerow([_cell(key[name]) for name in COLUMNS])


def _cell(value: object) -> str:
    """A field as a cell: texts as they are, all else that is not null as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
