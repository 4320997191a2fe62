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


def given_role(text: str, option: str) -> dict[str, Any]:
    """A role to be given, from `editor`, `editor:language=cs,en` or JSON; several variables are joined by colons.

    JSON is for values in which a comma stands: `{"role": "editor", "variables": {"language": ["a,b"]}}`.
    """
    if text.lstrip().startswith("{"):
        return _object(text, option)
    role, *parts = text.split(":")
    variables: dict[str, list[str]] = {}
    for part in parts:
        name, equals, given = part.partition("=")
        if not equals or not name or name in variables:
            raise click.UsageError(f"{option} is a role with its variables: editor:language=cs,en.")
        variables[name] = given.split(",")
    return {"role": role, "variables": variables}


def given_variables(texts: Sequence[str], option: str) -> dict[str, list[str]]:
    """Values of a role's variables from `language=cs,en` or JSON objects; those of one name add up."""
    found: dict[str, list[str]] = {}
    for text in texts:
        if text.lstrip().startswith("{"):
            found |= _object(text, option)
            continue
        name, equals, given = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} is a variable with its values: language=cs,en.")
        found.setdefault(name, []).extend(given.split(","))
    return found


def declared_variables(texts: Sequence[str], option: str) -> dict[str, Any]:
    """Variables that a role declares, from `language`, `language=ENTITY` or JSON objects."""
    found: dict[str, Any] = {}
    for text in texts:
        if text.lstrip().startswith("{"):
            found |= _object(text, option)
            continue
        name, equals, entity = text.partition("=")
        if not name or (equals and not entity):
            raise click.UsageError(
                f"{option} is a variable's name, or with a type of entity: language=locale."
            )
        found[name] = {"entity": entity or None}
    return found


def policies(texts: Sequence[str], option: str) -> list[Any]:
    """Policies from `actions=a,b;resources=c`, JSON objects or lists, and files of those named as @file."""
    found: list[Any] = []
    for given in texts:
        text = _text(given, option)
        if given is not text or text.lstrip()[:1] in {"{", "["}:
            value = _json(text, option)
            found += value if isinstance(value, list) else [value]
        else:
            found.append(_policy(text, option))
    return found


def _policy(text: str, option: str) -> dict[str, list[str]]:
    parts = [part.partition("=") for part in text.split(";")]
    found = {name.strip(): given.split(",") for name, _, given in parts}
    if "actions" not in found or not found.keys() <= {"actions", "resources"} or len(found) < len(parts):
        raise click.UsageError(
            f"{option} is a policy: 'actions=article:read,article:list;resources=article:cs:**', or JSON."
        )
    return found


def _object(text: str, option: str) -> dict[str, Any]:
    found = _json(text, option)
    assert isinstance(found, dict)  # noqa: S101 - what begins with a brace is an object
    return found


def json_object(given: str, what: str) -> dict[str, Any]:
    """A JSON object, or the one in a file that is named as @file."""
    found = _json(_text(given, what), what)
    if not isinstance(found, dict):
        raise click.UsageError(f"{what} is a JSON object, or @file.")
    return found


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
