"""The commands of `keywright catalog`."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers
from keywright.cli.asking import confirmed
from keywright.cli.catalog.files import CatalogFile, FaultyFile, opened, saved, text_of
from keywright.cli.common import PRINTING, Command, assume
from keywright.cli.connection import connected
from keywright.cli.exits import Exit
from keywright.cli.output import Output
from keywright.cli.policies import in_words
from keywright.cli.receipts import no_wait, tell_receipt, waits
from keywright.cli.text import printable
from keywright.client import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keywright.client import Client

_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}
_SECTIONS: Final = ("actions", "resource_types", "entities", "roles", "key_templates", "routes")


@click.command("validate", cls=Command, common=PRINTING)
@click.argument("file", shell_complete=offers.files)
def validate(file: str) -> int:
    """Look for faults in a catalog file, without a server. FILE is YAML or JSON; - reads standard input.

    Each fault is told on a line, as FILE:LINE:COLUMN: what is wrong (code).
    """
    output = Output()
    try:
        found = opened(file).parsed()
    except FaultyFile as wrong:
        if not output.as_json:
            raise
        faults = [
            {"line": one.place.line, "column": one.place.column}
            | {"path": one.path, "code": one.code, "detail": one.detail}
            for one in wrong.faults
        ]
        output.json({"valid": False, "faults": faults})
        return wrong.code
    if output.as_json:
        output.json({"valid": True, "faults": []})
    elif not output.quiet:
        counts = [(name.replace("_", " "), len(getattr(found, name))) for name in _SECTIONS]
        said = ", ".join(f"{count} {name}" for name, count in counts if count)
        output.line(f"No faults: {said or 'nothing in it'}.")
    return Exit.OK


@click.command("diff", cls=Command)
@click.argument("file", shell_complete=offers.files)
def diff(file: str) -> None:
    """Show what applying a catalog file would change, and whom it would leave with less.

    FILE is YAML or JSON; - reads standard input. The tenant that the file names is asked about, unless
    another one is given.
    """
    found = opened(file)
    with _server(found) as client:
        answer = client.catalog.diff(found.plain)
    output = Output()
    if output.as_json:
        output.json(answer)
        return
    for line in _told(answer, bare=output.quiet):
        output.line(line)


@click.command("apply", cls=Command)
@click.argument("file", shell_complete=offers.files)
@click.option(
    "--revision", type=int, metavar="NUMBER", help="Apply it to this revision alone, 0 for none at all."
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@no_wait
def apply(file: str, revision: int | None, yes: bool) -> int:  # noqa: FBT001 - click passes by name
    """Apply a catalog file. Without --yes it shows the difference and asks.

    FILE is YAML or JSON; - reads standard input. The tenant that the file names is the one it is applied to,
    unless another one is given, and then both must be the same.
    """
    found = opened(file)
    output = Output()
    with _server(found) as client:
        if not yes:
            answer = client.catalog.diff(found.plain)
            revision = answer["revision"] if revision is None else revision
            for line in _told(answer):
                click.echo(printable(line), err=True)
            if answer["changes"] and not confirmed("Apply this?", yes=yes, nothing="Nothing was applied."):
                return Exit.NO
        applied = client.catalog.apply(found.plain, expected_revision=revision, wait=waits())
    if output.as_json:
        output.json(applied)
    elif output.quiet:
        output.line(str(applied["catalog"]["revision"]))
    else:
        for line in _told(applied) if yes else ():
            output.line(line)
        if applied["changes"]:
            output.line(f"Applied as revision {applied['catalog']['revision']}.")
        tell_receipt(output, applied["receipt"])
    return Exit.OK


@click.command("export", cls=Command)
@click.option(
    "--output",
    "-o",
    "path",
    metavar="FILE",
    help="Write to this file, and not to standard output.",
    shell_complete=offers.files,
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json"]),
    help="How it is written. [default: by the file's name, else yaml]",
)
def export(path: str | None, form: str | None) -> None:
    """Write the catalog as it stands, with every role that the tenant defines.

    Applying it again changes nothing, but that roles made beside the catalog are then its own.
    """
    with connected({"tenant": "--tenant"}) as client:
        answer = client.catalog.get()
    output = Output()
    guessed = "json" if path is not None and Path(path).suffix == ".json" else "yaml"
    if path is not None:
        saved(path, text_of(answer["document"], form or guessed))
    if output.as_json:
        output.json(answer)
    elif path is None:
        click.echo(text_of(answer["document"], form or guessed), nl=False)
    else:
        output.note(f"Wrote {printable(path)}.")


@contextmanager
def _server(found: CatalogFile) -> Iterator[Client]:
    """A client for the tenant of a file; the faults that the server finds become those of the file."""
    options = {"tenant": "--tenant", "expected_revision": "--revision", **found.options}
    if assume("tenant", "KEYWRIGHT_TENANT", found.tenant):
        options["tenant"] = found.place("tenant")
    with connected(options) as client:
        try:
            yield client
        except BadInput as error:
            faults = error.extras.get("faults")
            if not isinstance(faults, list):
                raise
            facts = error.code if error.request_id is None else f"{error.code}, request {error.request_id}"
            located = [found.located(one) for one in faults if isinstance(one, dict)]
            raise FaultyFile(found.name, located, printable(facts)) from None


def _told(answer: dict[str, Any], *, bare: bool = False) -> Iterator[str]:
    """What changes, on a line each, and whom it leaves with less."""
    changes = answer["changes"]
    if not changes and not bare:
        yield "Nothing changes."
    for one in changes:
        what = f"{_SIGNS[one['kind']]} {one['section']} {one['name']}".rstrip()
        yield what if bare else f"{what}{_said(one)}"
    if bare or not answer["narrowed_total"]:
        return
    total = answer["narrowed_total"]
    yield f"Left with less: {total} {'membership' if total == 1 else 'memberships'}."
    for one in answer["narrowed"]:
        yield f"  {one['identity_name']} ({one['identity_id']}) as {one['role']}: no {in_words(one['lost'])}"
    if total > len(answer["narrowed"]) > 0:
        yield f"  and {total - len(answer['narrowed'])} more"


def _said(change: dict[str, Any]) -> str:
    """What was said of something and what is said now, in the fields that differ."""
    before, after = change["before"] or {}, change["after"] or {}
    parts = []
    for name in dict.fromkeys((*before, *after)):
        old, new = (_json(one.get(name)) for one in (before, after))
        if old != new:
            parts.append(f"{name} {new}" if old is None else f"{name} {old} -> {new or 'none'}")
    return f": {'; '.join(parts)}" if parts and change["kind"] != "removed" else ""


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
