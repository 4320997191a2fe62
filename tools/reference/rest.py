"""The reference of REST, from the document of OpenAPI."""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING, Any, cast

from keywright.api.rest.door import RestDoor
from tools.reference.text import code, marked, table

if TYPE_CHECKING:
    from collections.abc import Iterator

INTRODUCTION = """\
# All calls of REST

Every call with its parameters, body and answers, as a running server tells them to programs at `/openapi.json`.
[REST](../rest.md) says what all calls have in common, and [Errors](../errors.md) what each code means.
"""
RAISES = re.compile(r"\s*Raises `\w+`[^.]*\.")
# What FastAPI says of an answer of which nothing is said.
UNSAID = "Successful Response"
BOUNDS = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
)


def text() -> str:
    """Return the page."""
    document = RestDoor(cast("Any", None), "").document
    lines = [INTRODUCTION]
    for tag in document["tags"]:
        lines += [f"## {tag['name']}", "", marked(tag["description"]), ""]
        for method, path, operation in operations(document):
            if operation["tags"] == [tag["name"]]:
                lines += section(f"{method} {path}", operation)
    lines += ["## Objects", ""]
    for name, schema in document["components"]["schemas"].items():
        lines += shape(name, schema)
    return "\n".join(lines).rstrip() + "\n"


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each call with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def section(name: str, operation: dict[str, Any]) -> list[str]:
    """Return what the page says of one call."""
    lines = [f"### {name}", "", *(line for part in told(operation) for line in (marked(part), ""))]
    parameters = operation.get("parameters", [])
    lines += table(
        ("parameter", "in", "type", "what it says"),
        (
            (
                code(one["name"]),
                one["in"],
                kind(one["schema"]),
                sentence(one, one["schema"], required=one.get("required", False)),
            )
            for one in parameters
        ),
    )
    if "requestBody" in operation:
        (media, content), *_ = operation["requestBody"]["content"].items()
        lines += [f"Body, `{media}`: {kind(content['schema'])}", ""]
    lines += table(("status", "when", "answer"), (answer(*one) for one in operation["responses"].items()))
    return lines


def told(operation: dict[str, Any]) -> list[str]:
    """Return the paragraphs of a call's description, without what it says to those who write Python."""
    first, _, rest = operation["description"].partition("\n")
    parts = re.split(r"\n\s*\n", f"{first}\n{inspect.cleandoc(rest)}" if rest else first)
    return [found for part in parts if (found := RAISES.sub("", part).strip())]


def answer(status: str, response: dict[str, Any]) -> tuple[str, str, str]:
    """Return the row of an answer."""
    shapes = [
        kind(content["schema"]) for content in response.get("content", {}).values() if "schema" in content
    ]
    when = "" if response["description"] == UNSAID else marked(response["description"])
    return status, when, " or ".join(dict.fromkeys(shapes))


def shape(name: str, schema: dict[str, Any]) -> list[str]:
    """Return what the page says of one object."""
    lines = [f"### {name}", ""]
    if schema.get("description"):
        lines += [marked(schema["description"]), ""]
    if "enum" in schema:
        lines += [f"One of {', '.join(code(str(one)) for one in schema['enum'])}.", ""]
    sent = not name.endswith(("Out", "Error", "Refusal"))
    needed = set(schema.get("required", ())) if sent else set()
    fields = schema.get("properties", {})
    lines += table(
        ("field", "type", "what it says"),
        (
            (code(field), kind(one), sentence(one, one, required=field in needed))
            for field, one in fields.items()
        ),
    )
    return lines


def kind(schema: dict[str, Any]) -> str:
    """Return what values a schema takes, in a few words."""
    choices = next((schema[word] for word in ("anyOf", "oneOf", "allOf") if word in schema), None)
    if isinstance(schema.get("type"), list):
        choices = [{**schema, "type": one} for one in schema["type"]]
    if choices is not None:
        return " or ".join(dict.fromkeys(kind(one) for one in choices))
    if "const" in schema or "enum" in schema:
        return ", ".join(code(json.dumps(one)) for one in schema.get("enum", [schema.get("const")]))
    return single(schema)


def single(schema: dict[str, Any]) -> str:
    """Return what values a schema takes that leaves no choice."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    found, others = schema.get("type", "anything"), schema.get("additionalProperties")
    if found == "array":
        return f"list of {kind(schema['items'])}"
    if found == "object" and isinstance(others, dict):
        return f"object of {kind(others)}"
    return f"{found}, {schema['format']}" if "format" in schema else found


def sentence(one: dict[str, Any], schema: dict[str, Any], *, required: bool) -> str:
    """Return what is said of a field or parameter: its description, whether it is needed, and its bounds."""
    parts = [marked(one["description"])] if one.get("description") else []
    if required:
        parts.append("Needed.")
    elif schema.get("default") not in (None, "", []):
        parts.append(f"Default {code(json.dumps(schema['default']))}.")
    for least, most, unit in BOUNDS:
        if least in schema or most in schema:
            parts.append(between(schema.get(least), schema.get(most), unit))
    return " ".join(parts)


def between(least: float | None, most: float | None, unit: str) -> str:
    """Return a sentence about how much of something there may be."""
    if most is None:
        return f"At least {least}{unit}."
    return f"At most {most}{unit}." if least is None else f"{least} to {most}{unit}."
