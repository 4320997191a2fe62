"""`keywright keys usage`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers
from keywright.cli.common import Command
from keywright.cli.keys.each import for_each
from keywright.cli.output import Column
from keywright.cli.policies import in_words
from keywright.cli.times import relative
from keywright.cli.usage import SPAN_OPTIONS, counted, show_buckets, span_options

if TYPE_CHECKING:
    from keywright.cli.output import Output
    from keywright.client import Client

_COLUMNS: Final = (Column("ACTION"), Column("TIMES"), Column("LAST", goes=1))


@click.command("usage", cls=Command)
@click.argument("ids", nargs=-1, required=True, metavar="KEY...", shell_complete=offers.keys)
@span_options
def usage(ids: tuple[str, ...], **span: Any) -> int:  # noqa: ANN401 - click passes by name
    """Show how keys were used, and what of their scope was not needed.

    KEY is an id or a handle. The actions are all that are kept, whatever the span.
    """

    def read(client: Client, key_id: str) -> dict[str, Any]:
        return client.usage.of_key(key_id, **span)

    return for_each(ids, read, _tell, SPAN_OPTIONS)


def _tell(output: Output, found: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    origin = "" if found["last_used_ip"] is None else f" from {found['last_used_ip']}"
    output.facts(
        [
            ("name", found["name"]),
            ("id", found["key_id"]),
            *counted(found),
            ("last used", f"{relative(found['last_used_at'], now)}{origin}"),
            ("not needed", in_words(found["unexercised"]) if found["unexercised"] else None),
        ]
    )
    show_buckets(output, found)
    if found["exercised"]:
        output.line("")
        rows = [
            [one["action"], str(one["count"]), relative(one["last_at"], now)] for one in found["exercised"]
        ]
        output.table(_COLUMNS, rows)
    output.line("")
