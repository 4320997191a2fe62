"""`keywright usage`, and how counts are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli.common import Command
from keywright.cli.connection import connected
from keywright.cli.output import Column, Output
from keywright.cli.times import Moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SPAN_OPTIONS: Final = {"since": "--since", "until": "--until", "by": "--by", "tenant": "--tenant"}
_OPTIONS: Final = {**SPAN_OPTIONS, "top": "--top"}
_BAR: Final = 20
_COLUMNS: Final = (
    Column("FROM"),
    Column("DECISIONS"),
    Column("VALID", goes=2),
    Column("REFUSED", goes=3),
    Column("", goes=1),
)
_KEYS: Final = (Column("KEY", shrink=24), Column("ID"), Column("DECISIONS"), Column("VALID", goes=1))
_PAST = Moment(past=True)
_SPAN: Final = (
    click.option("--since", type=_PAST, metavar="TIME", help="From then on: RFC 3339, or ago such as 7d."),
    click.option("--until", type=_PAST, metavar="TIME", help="Until then; as above. [default: now]"),
    click.option("--by", type=click.Choice(["hour", "day"]), help="Count by hours or days. [default: day]"),
)


def span_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a span: `since`, `until` and `by`."""
    for option in reversed(_SPAN):
        command = option(command)
    return command


@click.command("usage", cls=Command)
@span_options
@click.option("--top", type=int, metavar="N", help="How many of the busiest keys to name. [default: 10]")
def usage(**asked: Any) -> None:  # noqa: ANN401 - click passes by name
    """Show how often keys were used, and which the most.

    With --quiet only the ids of the busiest keys are printed.
    """
    output = Output()
    with connected(_OPTIONS) as client:
        found = client.usage.of_all(**asked)
    if output.as_json:
        output.json(found)
    elif output.quiet:
        for key in found["keys"]:
            output.line(key["id"])
    else:
        output.facts([("tenant", found["tenant"] or "none: global keys"), *counted(found)])
        show_buckets(output, found)
        if found["keys"]:
            output.line("")
            output.table(_KEYS, [_row(key) for key in found["keys"]])


def counted(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What there is to say of counts as a whole."""
    codes = ", ".join(f"{code} {number}" for code, number in found["totals"].items())
    return [
        ("span", f"{found['since']} to {found['until']}"),
        ("decisions", f"{found['total']} ({codes})" if codes else "none"),
    ]


def show_buckets(output: Output, found: Mapping[str, Any]) -> None:
    """Print a line for each hour or day that had decisions, with a bar as long as it had many."""
    most = max((bucket["total"] for bucket in found["buckets"]), default=0)
    if not most:
        return
    rows = []
    for bucket in found["buckets"]:
        total, valid = bucket["total"], bucket["counts"].get("VALID", 0)
        bar = "#" * max(1, round(_BAR * total / most))
        moment = bucket["at"][:10] if found["by"] == "day" else bucket["at"][:16].replace("T", " ")
        rows.append([moment, str(total), str(valid), str(total - valid), bar])
    output.line("")
    output.table(_COLUMNS, rows)


def _row(key: Mapping[str, Any]) -> list[str]:
    return [key["name"] or "(deleted)", key["id"], str(key["count"]), str(key["valid"])]
