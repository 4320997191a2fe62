"""The catalog on every door."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.doors.scenarios.door import Operation
from tests.doors.scenarios.graphql_door import snake

if TYPE_CHECKING:
    from tests.doors.scenarios.cli_door import CliDoor
    from tests.doors.scenarios.graphql_door import GraphqlDoor
    from tests.doors.scenarios.rest_door import RestDoor

_VIEW = "document apiRoles revision appliedAt appliedBy"
_DIFF = """revision changes { section name kind before after } narrowedTotal
narrowed { identityId identityName role lost { actions resources } }"""


def _shown_diff(found: dict[str, Any]) -> dict[str, Any]:
    diff = snake(found)
    changes = [{**one, "kind": one["kind"].lower()} for one in diff["changes"]]
    return {**diff, "changes": changes, "narrowed": [snake(one) for one in diff["narrowed"]]}


def _diff_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = f"query ($input: CatalogDiffInput!) {{ catalogDiff(input: $input) {{ {_DIFF} }} }}"
    return _shown_diff(door.call(document, input=fields))


def _apply_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    return door.call("PUT", "/v1/catalog", json=fields)


def _apply_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = f"""mutation ($input: ApplyCatalogInput!) {{
        applyCatalog(input: $input) {{ catalog {{ {_VIEW} }} diff {{ {_DIFF} }} }}
    }}"""
    given = {"document": fields["document"]}
    if "expected_revision" in fields:
        given["expectedRevision"] = fields["expected_revision"]
    applied = door.call(document, input=given)
    return {"catalog": snake(applied["catalog"]), **_shown_diff(applied["diff"])}


def _apply_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    given = [f"--revision={fields['expected_revision']}"] if "expected_revision" in fields else []
    return door.run("catalog", "apply", "--yes", *given, "-", typed=json.dumps(fields["document"]))


OPERATIONS = {
    "catalog.get": Operation(
        rest=lambda door, _: door.call("GET", "/v1/catalog"),
        graphql=lambda door, _: snake(door.call(f"{{ catalog {{ {_VIEW} }} }}")),
        cli=lambda door, _: door.run("catalog", "export"),
    ),
    "catalog.diff": Operation(
        rest=lambda door, fields: door.call("POST", "/v1/catalog/diff", json=fields),
        graphql=_diff_graphql,
        cli=lambda door, fields: door.run("catalog", "diff", "-", typed=json.dumps(fields["document"])),
    ),
    "catalog.apply": Operation(_apply_rest, _apply_graphql, _apply_cli),
}
