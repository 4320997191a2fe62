"""docs/catalog.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from keywright.core.catalog import parse, parsing, spots, to_plain
from keywright.core.errors import InvalidCatalog, concrete_errors
from keywright.core.own_actions import OWN_RESOURCE_TYPES
from keywright.core.routes import MAX_ROUTES, RouteTable
from keywright.services.catalog import MAX_AUDITED, MAX_NARROWED, reading

PAGE = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text("utf-8")
EXAMPLE = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]


def rows(head: str) -> list[list[str]]:
    lines = PAGE.split(f"\n| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]


def test_the_example_is_a_catalog_with_every_field() -> None:
    plain = reading.read(EXAMPLE.encode()).plain
    catalog = parse(plain)
    assert catalog.tenant == "my-blog"
    told = [row[0].strip("`") for row in rows("field | what it says")]
    assert list(to_plain(catalog)) == told
    assert re.search(r"article:cs:42` is known and `article:cz:42` is not", PAGE)


def test_every_field_of_a_part_is_told() -> None:
    told = {row[0].strip("`"): row[1] for row in rows("field | what it says")}
    for section, part in (
        ("actions", {"actions": [{"name": "a", "x": 1}]}),
        ("resource_types", {"resource_types": [{"name": "a", "x": 1}]}),
        ("entities", {"entities": {"a": [{"id": "a", "x": 1}]}}),
        ("roles", {"roles": {"a": {"x": 1}}}),
        ("key_templates", {"key_templates": {"a": {"x": 1}}}),
        ("routes", {"routes": [{"match": "GET /", "action": "a", "x": 1}]}),
    ):
        with pytest.raises(InvalidCatalog):
            parse(part)
        known = {
            "actions": ("name", "group", "description"),
            "resource_types": ("name", "description", "segments"),
            "entities": ("id", "label"),
            "roles": ("description", "variables", "policies"),
            "key_templates": (
                *("description", "scope", "expires_in", "allowed_cidrs", "metadata", "limits", "credits"),
                "prefix",
            ),
            "routes": ("match", "action", "resource"),
        }[section]
        assert all(f"`{name}`" in told[section] for name in known)


def test_the_limits_are_those_of_the_code() -> None:
    assert {row[0]: int(row[1]) for row in rows("of one catalog | at most")} == {
        "actions": parsing.MAX_ACTIONS,
        "resource types": parsing.MAX_RESOURCE_TYPES,
        "types of entities": parsing.MAX_ENTITY_TYPES,
        "entities in all": parsing.MAX_ENTITIES,
        "roles": parsing.MAX_ROLES,
        "key templates": parsing.MAX_KEY_TEMPLATES,
        "routes": MAX_ROUTES,
        "bytes of the file": reading.MAX_BYTES,
    }
    assert f"up to {spots.MAX_FAULTS}." in PAGE
    assert f"first {MAX_NARROWED} memberships" in PAGE
    assert f"up to {MAX_AUDITED} of the differences" in PAGE
    assert f"no more than {reading.MAX_NODES:,} values" in PAGE


def test_codes_and_own_words_are_told() -> None:
    codes = {spots.DUPLICATE, reading.MALFORMED, parsing.INVALID_ROUTE, parsing.UNREACHED_ROUTE}
    assert {row[0].strip("`") for row in rows("code | what it says")} == codes
    assert not codes & {error.code for error in concrete_errors()}
    own = PAGE.split("Keywright's own (")[1].split(")")[0]
    assert set(re.findall(r"`(\w+)`", own)) == OWN_RESOURCE_TYPES


def test_the_routes_of_the_page_say_what_it_says() -> None:
    table = RouteTable.compile(parse(reading.read(EXAMPLE.encode()).plain).routes)
    told = rows("request | action | resource")
    assert told
    for request, action, resource in told:
        method, path = request.strip("`").split(" ")
        found = table.match(method, path)
        if found is None:
            assert (action, resource) == ("none, it is refused", "")
        else:
            assert (action.strip("`"), resource.strip("`") or None) == found
