"""What is done with keys beyond their life: a change of owner, and why a key may or may not do something."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.doors.scenarios.door import Operation, Refused
from tests.doors.scenarios.graphql_door import as_key, as_verdict, camel, snake

if TYPE_CHECKING:
    from tests.doors.scenarios.cli_door import CliDoor
    from tests.doors.scenarios.graphql_door import GraphqlDoor
    from tests.doors.scenarios.rest_door import RestDoor


def _transfer_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    body = {name: value for name, value in fields.items() if name != "id"}
    return door.call("POST", f"/v1/keys/{fields['id']}/transfer", json=body)


def _transfer_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    found = door.call(
        """mutation ($input: TransferApiKeyInput!) { transferApiKey(input: $input) {
            apiKey { id name state owner { id kind name } tenant { slug } } confirmed
            gained { actions resources } lost { actions resources }
        } }""",
        input=camel(fields),
    )
    return {**found, "key": as_key(found.pop("apiKey"))}


def _transfer_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    how = "--yes" if fields.get("confirm") else "--dry-run"
    return door.run("keys", "transfer", how, "--", fields["id"], fields["identity_id"])


def _explain_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    body = {name: value for name, value in fields.items() if name != "id"}
    return door.call("POST", f"/v1/keys/{fields['id']}/explain", json=body)


def _explain_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    found = door.call(
        """query ($input: ExplainApiKeyInput!) { explainApiKey(input: $input) {
            valid code keyId name identity { id kind name } tenant { slug }
            roles { role variables { name values } } scope { actions resources }
            explanation { check detail source policy { actions resources } }
        } }""",
        input=fields,
    )
    if found is None:
        raise Refused("not_found")
    return as_verdict(found)


def _explain_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    names = {"id": "key", "tenant": "where"}
    options = [f"--{names.get(name, name)}={value}" for name, value in fields.items()]
    return door.run("explain", *options, allow=frozenset({0, 1}))


def _import_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    return as_import(door.call("POST", "/v1/keys/import", json=fields))


def _import_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    asked = camel({"dry_run": fields["dry_run"]})
    found = door.call(
        """mutation ($input: ImportApiKeysInput!) { importApiKeys(input: $input) {
            created present refused dryRun apiKeys { outcome id refusal { code message field } }
        } }""",
        input={**asked, "apiKeys": [camel(item) for item in fields["items"]]},
    )
    items = [{**one, "outcome": one["outcome"].lower()} for one in found.pop("apiKeys")]
    return as_import({**snake(found), "items": items})


def _import_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    lines = "".join(f"{json.dumps(item)}\n" for item in fields["items"])
    how = ["--dry-run"] if fields["dry_run"] else []
    found = door.run("keys", "import", *how, "-", typed=lines, allow=frozenset({0, 8}))
    found["refusals"] = {one["line"] - 1: one["code"] for one in found["refusals"]}
    del found["report"]
    return found


def as_import(answer: dict[str, Any]) -> dict[str, Any]:
    """What every door says of an import: the counts, and the codes of those refused by their place."""
    items = answer.pop("items")
    assert all((one["id"] is None) is (one["outcome"] != "present") for one in items) or not answer["dry_run"]
    refusals = {
        index: one["refusal"]["code"] for index, one in enumerate(items) if one["outcome"] == "refused"
    }
    return {**answer, "refusals": refusals}


OPERATIONS = {
    "keys.import": Operation(_import_rest, _import_graphql, _import_cli),
    "keys.transfer": Operation(_transfer_rest, _transfer_graphql, _transfer_cli),
    "keys.explain": Operation(_explain_rest, _explain_graphql, _explain_cli),
}
