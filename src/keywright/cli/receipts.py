"""Receipts on the command line: whether to wait for one, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from keywright.cli.output import Output

_META: Final = "keywright.no_wait"


def _keep(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's own
    ctx.meta[_META] = value


no_wait = click.option(
    "--no-wait",
    is_flag=True,
    expose_value=False,
    callback=_keep,
    help="Do not wait until the change is true on every node.",
)
"""Gives a command the option; `waits` says whether it was left out."""


def waits() -> bool:
    """Whether to wait until a change is true on every node."""
    return not click.get_current_context().meta[_META]


def tell_receipt(output: Output, receipt: dict[str, Any] | None, done: str = "In effect") -> None:
    """Tell a person where a change is true; nothing where no node had to hear of it."""
    if receipt is not None:
        output.note(in_words(receipt, done))


def in_words(receipt: dict[str, Any], done: str) -> str:
    """What a receipt says, in a sentence or two."""
    nodes = receipt["nodes"]
    epoch = f"(epoch {receipt['epoch']})"
    if not receipt["complete"]:
        knowing = sum(one["outcome"] != "pending" for one in nodes)
        return f"{done} on {knowing} of {_counted(nodes)}, and on all by {receipt['effective_by']} {epoch}."
    lost = sum(one["outcome"] == "expired" for one in nodes)
    where = "the only node" if len(nodes) == 1 else f"all {_counted(nodes)}"
    after = f"{done} on {where} after {receipt['waited_ms']} ms {epoch}."
    if not lost:
        return after
    leases = "its lease has" if lost == 1 else "their leases have"
    return f"{after} {lost} did not answer, and {leases} run out."


def _counted(nodes: list[dict[str, Any]]) -> str:
    return "1 node" if len(nodes) == 1 else f"{len(nodes)} nodes"
