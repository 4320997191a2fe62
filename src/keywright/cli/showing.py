"""Showing one thing, or a page of a list, in the form that the options ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.cli.output import Column, Output
from keywright.cli.receipts import tell_receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from keywright.client import Page

Thing = dict[str, Any]


def show_one(thing: Thing, bare: str, facts: Iterable[tuple[str, str | None]]) -> None:
    """Show one thing: as JSON, as its bare name or id, or as facts, and the receipt of its change where it has one."""
    output = Output()
    if output.as_json:
        output.json(thing)
    elif output.quiet:
        output.line(bare)
    else:
        output.facts(facts)
        tell_receipt(output, thing.get("receipt"))


def show_page(
    page: Page,
    columns: Sequence[Column],
    row: Callable[[Thing], list[str]],
    bare: Callable[[Thing], str],
    nothing: str,
) -> None:
    """Show a page: as JSON, as bare names or ids on a line each, or as a table; `nothing` is said of an empty one."""
    output = Output()
    if output.as_json:
        output.json({"items": page.items, "next_cursor": page.next_cursor})
        return
    if output.quiet:
        for thing in page.items:
            output.line(bare(thing))
    elif page.items:
        output.table(columns, [row(thing) for thing in page.items])
    else:
        output.note(nothing)
    if page.next_cursor is not None:
        output.note(f"There are more. Add --all, or --cursor {page.next_cursor} for the next page.")


def show_deleted(
    name: str, by: str = "id", receipt: Thing | None = None, *, verb: str = "deleted", done: str = "Revoked"
) -> None:
    """Say that something was deleted, and where that is true already."""
    output = Output()
    if output.as_json:
        output.json({by: name, verb: True} | ({} if receipt is None else {"receipt": receipt}))
    elif not output.quiet:
        output.line(f"{verb.capitalize()} {name}.")
        tell_receipt(output, receipt, done)
