"""Values that are more than a word: JSON, files, policies, and what comes in by standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

_STDIN_USED = "keywright.stdin"


def from_stdin(what: str) -> str:
    """Read standard input to its end, without the line end. Raises a usage error when it was read before."""
    used = click.get_current_context().meta.setdefault(_STDIN_USED, what)
    if used is not what:
        raise click.UsageError(f"Only one of {used} and {what} can be read from standard input.")
    try:
        return sys.stdin.buffer.read().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise click.UsageError(f"{what} on standard input is not UTF-8.") from None


def scope(text: str | None, actions: Sequence[str], resources: Sequence[str]) -> list[Any] | None:
    """A scope from `--scope`, or as one policy from `--action` and `--resource`; None when none is given."""
    if text is not None:
        if actions or resources:
            raise click.UsageError("Give either --scope, or --action and --resource.")
        found = _json(_text(text, "--scope"), "--scope")
        if not isinstance(found, list):
            raise click.UsageError('--scope is a JSON list of policies: [{"actions": ["article:read"]}].')
        return found
    if not actions:
        if resources:
            raise click.UsageError("--resource narrows an --action, and none is given.")
        return None
    return [{"actions": list(actions), "resources": list(resources) or None}]


def metadata(texts: Sequence[str]) -> dict[str, Any] | None:
    """Metadata from JSON objects, files of them, and `key=value`; later ones add to the former."""
    merged: dict[str, Any] = {}
    for text in texts:
        given = _text(text, "--metadata")
        key, equals, value = given.partition("=")
        if given is text and not given.lstrip().startswith("{"):
            if not equals or not key:
                raise click.UsageError("--metadata is a JSON object, @file or key=value.")
            merged[key] = value
            continue
        found = _json(given, "--metadata")
        if not isinstance(found, dict):
            raise click.UsageError("--metadata is a JSON object, @file or key=value.")
        merged |= found
    return merged if texts else None


def _text(given: str, option: str) -> str:
    """The text itself, or what stands in the file that it names as @file (@- is standard input)."""
    if not given.startswith("@"):
        return given
    if given == "@-":
        return from_stdin(option)
    try:
        return Path(given[1:]).expanduser().read_text("utf-8-sig")
    except OSError as error:
        raise click.UsageError(f"The file that {option} names cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"The file that {option} names is not UTF-8.") from None


def _json(text: str, option: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise click.UsageError(
            f"{option} is not valid JSON: line {error.lineno}, column {error.colno}."
        ) from None
    except (RecursionError, ValueError):
        raise click.UsageError(f"{option} holds a number or a depth that JSON does not have.") from None


def _refuse(_constant: str) -> None:
    """Python reads NaN and Infinity, which are no JSON."""
    raise ValueError
