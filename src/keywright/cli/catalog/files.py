"""Catalog files: reading one, telling the faults in it at their lines, and writing one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from keywright.cli import values
from keywright.cli.exits import Exit, Failed
from keywright.cli.text import pretty_json, printable
from keywright.core.catalog import parse, to_plain
from keywright.core.errors import InvalidCatalog
from keywright.core.identities import is_slug
from keywright.services.catalog.reading import MAX_BYTES, Document, Place, UnreadableFile, read
from keywright.services.catalog.writing import as_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keywright.core.catalog import Catalog


@dataclass(frozen=True, slots=True, order=True)
class Wrong:
    """One fault, at its place in the file."""

    place: Place
    path: str
    code: str
    detail: str


class FaultyFile(Failed):
    """A catalog file has faults: each is told on a line, as `FILE:LINE:COLUMN: what is wrong (code)`."""

    def __init__(self, name: str, faults: Iterable[Wrong], facts: str = InvalidCatalog.code) -> None:
        self.faults = sorted(faults)
        count = len(self.faults)
        said = "1 fault" if count == 1 else f"{count} faults"
        super().__init__(f"{printable(name)} has {said}. ({facts})", Exit.REFUSED)
        self.lines = [_line(name, one.place, f"{one.detail} ({one.code})") for one in self.faults]

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the faults and then their count to standard error."""
        for line in self.lines:
            click.echo(line, file=file, err=True)
        super().show(file)


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """A catalog file: its name for people, and what stands in it."""

    name: str
    document: Document

    @property
    def plain(self) -> Mapping[str, Any]:
        """The catalog as plain data. Raises `FaultyFile` where the file holds something else than an object."""
        found = self.document.plain
        return found if isinstance(found, dict) else to_plain(self.parsed())

    @property
    def tenant(self) -> str | None:
        """The slug of the tenant that it is for, where it names one that there may be."""
        named = self.plain.get("tenant")
        return named if isinstance(named, str) and is_slug(named) else None

    @property
    def options(self) -> dict[str, str]:
        """By which place of the file each field of a request was given."""
        places = self.document.places.items()
        return {path: _line(self.name, place) for path, place in places if path.startswith("roles.")}

    def place(self, path: str) -> str:
        """Where in the file a path stands, for people."""
        return _line(self.name, self.document.place(path))

    def parsed(self) -> Catalog:
        """The catalog. Raises `FaultyFile`."""
        try:
            return parse(self.document.plain)
        except InvalidCatalog as wrong:
            faults = [
                Wrong(self.document.place(one.path), one.path, one.code, one.detail) for one in wrong.faults
            ]
            raise FaultyFile(self.name, faults) from None

    def located(self, fault: Mapping[str, Any]) -> Wrong:
        """A fault as a server tells it, at its place in the file."""
        path, code, detail = (str(fault.get(part, "")) for part in ("path", "code", "detail"))
        return Wrong(self.document.place(path), path, code, detail)


def opened(path: str) -> CatalogFile:
    """Read a file, or standard input by the name `-`. Raises `FaultyFile`, and a usage error where it is not there."""
    name = "<stdin>" if path == "-" else path
    try:
        return CatalogFile(name, read(_content(path)))
    except UnreadableFile as wrong:
        raise FaultyFile(name, [Wrong(wrong.place, "", wrong.code, wrong.detail)]) from None


def _content(path: str) -> bytes:
    if path == "-":
        return values.from_stdin("FILE").encode()
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise click.UsageError(f"FILE cannot be read: {error.strerror}.") from None


def text_of(document: Mapping[str, Any], form: str) -> str:
    """A catalog as YAML or JSON; what steers a terminal is escaped."""
    if form == "json":
        return pretty_json(document) + "\n"
    text = as_yaml(document)
    clean = all(line == printable(line) for line in text.split("\n"))
    return text if clean else as_yaml(document, ascii_only=True)


def saved(path: str, text: str) -> None:
    """Write a file. Raises a usage error where that cannot be done."""
    try:
        Path(path).expanduser().write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise click.UsageError(f"--output cannot be written: {error.strerror}.") from None


def _line(name: str, place: Place, text: str | None = None) -> str:
    where = f"{name}:{place.line}:{place.column}"
    return printable(where if text is None else f"{where}: {text}")
