"""The reference is as the code has it, leaves nothing out, and is written by one tool."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from keywright.api.graphql.schema import build_schema
from keywright.settings import SETTINGS
from tests.cli.test_docs import ALL
from tests.doors.rest.test_openapi import DOCUMENT, OPERATIONS
from tools.reference import __main__ as tool
from tools.reference.rest import kind, sentence
from tools.reference.text import marked, table

if TYPE_CHECKING:
    from pathlib import Path

HEADING = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)


def headings(page: str) -> list[str]:
    return HEADING.findall((tool.DOCS / page).read_text("utf-8"))


def test_running_the_tool_changes_nothing() -> None:
    assert tool.stale(tool.DOCS) == []
    assert tool.main(["--check"]) == 0


def test_every_command_is_there_with_its_options() -> None:
    page = (tool.DOCS / "reference/cli.md").read_text("utf-8")
    assert headings("reference/cli.md")[1:] == [path for path, _, _ in ALL]
    flags = {setting.flag for setting in SETTINGS}
    for path, command, _ in ALL:
        section = page.split(f"\n## {path}\n")[1].split("\n## ")[0]
        for param in command.params:
            for word in param.opts:
                assert not word.startswith("-") or word in flags or f"{word}" in section, (path, word)


def test_every_call_and_object_of_rest_is_there() -> None:
    found = headings("reference/rest.md")
    assert {f"{method} {path}" for method, path in OPERATIONS} <= set(found)
    assert set(DOCUMENT["components"]["schemas"]) <= set(found)
    assert len(found) == len({one.lower() for one in found})


def test_every_field_and_type_of_graphql_is_there() -> None:
    found = headings("reference/graphql.md")
    schema = build_schema()
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    fields = {f"query {name}" for name in schema.query_type.fields}
    fields |= {f"mutation {name}" for name in schema.mutation_type.fields}
    usual = {"ID", "String", "Int", "Float", "Boolean", "Query", "Mutation"}
    types = {name for name in schema.type_map if not name.startswith("__")} - usual
    assert set(found) == fields | types | {"Queries", "Mutations", "Types"}
    assert len(found) == len({one.lower() for one in found})


def test_what_is_not_as_the_code_has_it_is_told(tmp_path: Path) -> None:
    for name, (passage, text) in tool.PASSAGES.items():
        page = f"# Page\n<!-- {passage}: written by tools/reference -->\nwhat was\n<!-- end of {passage} -->\nbehind\n"
        (tmp_path / name).write_text(page, "utf-8")
        fresh = tool.replaced(page, passage, text())
        assert fresh.startswith("# Page\n<!-- ")
        assert fresh.endswith(f"<!-- end of {passage} -->\nbehind\n")
        assert "what was" not in fresh
        assert text().strip() in fresh
    assert {path.name for path in tool.stale(tmp_path)} == {
        "settings.md",
        "metrics.md",
        "cli.md",
        "rest.md",
        "graphql.md",
        "errors.md",
        "permissions.md",
    }
    with pytest.raises(ValueError, match="metrics"):
        tool.replaced("no comments", "metrics", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on\n  two lines", "on two lines"),
        ("`a|b` or <c> and *d*", r"`a\|b` or &lt;c> and \*d\*"),
        ("`*` alone", "`*` alone"),
        ("one ` tick", "one ` tick"),
    ],
    ids=["lines", "markup", "code", "tick"],
)
def test_texts_show_as_they_are(text: str, expected: str) -> None:
    assert marked(text) == expected


def test_a_table_without_rows_is_none() -> None:
    assert table(("a", "b"), []) == []
    assert table(("a", "b"), [("1", "2")]) == ["| a | b |", "|---|---|", "| 1 | 2 |", ""]


def test_what_a_field_takes_is_said_in_words() -> None:
    reference = {"$ref": "#/components/schemas/KeyOut"}
    assert kind({"type": "array", "items": reference}) == "list of [KeyOut](#keyout)"
    assert (
        kind({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]})
        == "string, date-time or null"
    )
    assert kind({"type": ["integer", "null"]}) == "integer or null"
    assert kind({"const": "x"}) == '`"x"`'
    assert kind({"type": "object", "additionalProperties": {"type": "integer"}}) == "object of integer"
    assert kind({}) == "anything"
    bounds = {"minimum": 1, "maxLength": 5, "minItems": 2, "maxItems": 3, "default": "a"}
    assert (
        sentence({}, bounds, required=False)
        == 'Default `"a"`. At least 1. At most 5 characters. 2 to 3 items.'
    )
    assert sentence({"description": "It."}, {}, required=True) == "It. Needed."
