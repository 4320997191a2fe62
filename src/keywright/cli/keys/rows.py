"""The rows of a file of keys that are to be imported."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final

import click

from keywright.cli.exits import Exit, Failed
from keywright.cli.values import given_role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TEXTS: Final = frozenset(
    {"name", "token_hash", "description", "handle", "identity_id", "template", "prefix"}
    | {"not_before", "expires_at"}
)
_STRUCTURES: Final = frozenset({"scope", "allowed_cidrs", "metadata", "limits", "credits", "memberships"})
_ROLE: Final = "role"
COLUMNS: Final = _TEXTS | _STRUCTURES | {_ROLE}
_LONGEST: Final = 1 << 20
"""More characters than any request may have."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its line number: the key that it asks for, or the field and the sentence that say what is wrong."""

    line: int
    item: dict[str, Any] = field(default_factory=dict)
    fault: tuple[str | None, str] | None = None


class _Faulty(Exception):
    """A row that cannot be read."""

    def __init__(self, name: str | None, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = (name, sentence)


def rows(source: IO[str], *, as_csv: bool) -> Iterator[Row]:
    """The rows of a CSV file with a head, or of a file with a JSON object on each line; empty lines are left out.

    Raises `Failed` where the file as a whole cannot be read.
    """
    try:
        yield from _of_csv(source) if as_csv else _of_lines(source)
    except UnicodeDecodeError:
        raise Failed("The file is not UTF-8.", Exit.USAGE) from None
    except csv.Error as error:
        raise Failed(f"The file is not CSV: {error}.", Exit.USAGE) from None


def _of_lines(source: Iterable[str]) -> Iterator[Row]:
    for number, text in enumerate(source, 1):
        if text.strip():
            yield _read(number, lambda text=text: _from_line(text))


def _from_line(text: str) -> dict[str, Any]:
    found = _json(text, None)
    if not isinstance(found, dict):
        raise _Faulty(None, "The line is no JSON object.")
    unknown = sorted(found.keys() - COLUMNS)
    if unknown:
        raise _Faulty(unknown[0], "There is no field of this name.")
    role = found.pop(_ROLE, None)
    return found if role is None else {**found, **_memberships(found, role)}


def _of_csv(source: IO[str]) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST)
    reader = csv.reader(source, strict=True)
    head = [name.strip() for name in next(reader, [])]
    unknown = sorted(set(head) - COLUMNS)
    if unknown or len(set(head)) < len(head) or not {"name", "token_hash"} <= set(head):
        told = f" {', '.join(unknown)} is none." if unknown else ""
        raise Failed(
            "The first line of the file names its columns, each once, with name and token_hash among them."
            + told,
            Exit.USAGE,
            f"Columns are: {', '.join(sorted(COLUMNS))}.",
        )
    for cells in reader:
        if cells:
            yield _read(reader.line_num, lambda cells=cells: _from_cells(head, cells))


def _from_cells(head: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(head):
        raise _Faulty(None, f"The row has {len(cells)} cells, and the first line {len(head)}.")
    given = {name: cell for name, cell in zip(head, cells, strict=True) if cell}
    role = given.pop(_ROLE, None)
    found = {name: _json(cell, name) if name in _STRUCTURES else cell for name, cell in given.items()}
    return found if role is None else {**found, **_memberships(found, role)}


def _memberships(found: dict[str, Any], role: object) -> dict[str, Any]:
    if "memberships" in found or not isinstance(role, str):
        raise _Faulty(_ROLE, "Give either memberships, or role as a text such as editor:language=cs,en.")
    try:
        return {"memberships": [given_role(role, _ROLE)]}
    except click.UsageError as error:
        raise _Faulty(_ROLE, error.message) from None


def _json(text: str, name: str | None) -> object:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _Faulty(name, "This is not JSON.") from None


def _refuse(_constant: str) -> None:
    """Python reads NaN and Infinity, which are no JSON."""
    raise ValueError


def _read(line: int, make: Any) -> Row:  # noqa: ANN401 - makes the key of the row
    try:
        return Row(line, make())
    except _Faulty as faulty:
        return Row(line, fault=faulty.fault)
