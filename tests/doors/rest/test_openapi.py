"""The OpenAPI document is valid, complete, and says what the use cases say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from keywright.api.rest.door import RestDoor
from keywright.services.work import Reach
from keywright.web.errors import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

# The routes are the same whatever they call, and no test here calls them.
DOOR = RestDoor(cast("Any", None), "1.2.3")
DOCUMENT = DOOR.document
OPERATIONS = {
    (method.upper(), path): operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
VERIFY = {("POST", "/v1/verify"), ("POST", "/v1/verify/batch")}
INTROSPECT, REVOKE = ("POST", "/v1/introspect"), ("POST", "/v1/revoke")
AUTHORIZE = ("GET", "/v1/authorize")
GATEWAYS = {AUTHORIZE, INTROSPECT, REVOKE}
"""What speaks to gateways and OAuth tooling in their own forms."""
OPEN = {
    REVOKE,
    ("POST", "/v1/sessions"),
    ("POST", "/v1/sessions/passkey-options"),
    ("POST", "/v1/sign-on/start"),
    ("POST", "/v1/sign-on/finish"),
}
"""What needs no credential, because it makes or unmakes one."""
ACCEPT = ("POST", "/v1/invitations/accept")
"""What a credential changes and none is needed for."""
EXPORT = ("GET", "/v1/audit/export")
"""A list's use case again, as a stream."""
operations = pytest.mark.parametrize(
    ("place", "operation"), OPERATIONS.items(), ids=[" ".join(place) for place in OPERATIONS]
)


def walk(node: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield at, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in children:
        yield from walk(child, f"{at}/{name}")


def check(schema: dict[str, Any], value: object) -> None:
    """Raise unless a value fits a schema of the document."""
    whole = {"components": DOCUMENT["components"], "allOf": [schema]}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)


def test_it_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["info"]["version"] == "1.2.3"
    errors = [
        f"{error.instance_path}: {error.message}" for error in OPENAPI_31_VALIDATOR.iter_errors(DOCUMENT)
    ]
    assert errors == []


def test_each_schema_is_a_json_schema() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert schema["description"].endswith("."), name


def test_each_reference_leads_somewhere_and_each_schema_is_used() -> None:
    named = {node["$ref"] for _, node in walk(DOCUMENT) if "$ref" in node}
    assert named == {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}


def test_it_holds_the_declared_routes_and_verify() -> None:
    assert set(OPERATIONS) - VERIFY - GATEWAYS - OPEN - {ACCEPT} == {
        (method, f"/v1{path}") for method, path in DOOR.declared
    }


def test_operation_ids_are_unique_and_those_of_the_use_cases() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)
    for (method, path), use in DOOR.declared.items():
        name = "audit.export" if (method, f"/v1{path}") == EXPORT else use.name
        assert OPERATIONS[method, f"/v1{path}"]["operationId"] == name


@operations
def test_each_operation_is_told_in_sentences(place: tuple[str, str], operation: dict[str, Any]) -> None:
    assert operation["summary"].endswith(".")
    assert operation["description"].startswith(operation["summary"])
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    for status, answer in operation["responses"].items():
        assert answer["description"], (place, status)
    for parameter in operation["parameters"] if operation.get("parameters") else ():
        if parameter["in"] != "query":
            assert parameter["description"].endswith("."), parameter["name"]
        assert {"type": "null"} not in parameter["schema"].get("anyOf", ()), parameter["name"]


@operations
def test_each_operation_says_what_permission_it_needs(
    place: tuple[str, str], operation: dict[str, Any]
) -> None:
    use = DOOR.declared.get((place[0], place[1].removeprefix("/v1")))
    needed = "keys:verify" if place in {*VERIFY, INTROSPECT} else None if use is None else use.permission
    assert operation["x-permission"] == needed
    if needed is not None:
        assert f"`{needed}`" in operation["description"]


@operations
def test_each_operation_but_the_open_ones_needs_a_credential(
    place: tuple[str, str], operation: dict[str, Any]
) -> None:
    schemes = set(DOCUMENT["components"]["securitySchemes"])
    security = operation.get("security", DOCUMENT["security"])
    if place in OPEN:
        assert security == []
    else:
        assert {name for one in security for name in one} == schemes
        assert ({} in security) is (place == ACCEPT)
        assert "401" in operation["responses"]
        assert "403" in operation["responses"]


@operations
def test_the_headers_that_change_the_outcome_are_told(
    place: tuple[str, str], operation: dict[str, Any]
) -> None:
    named = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "header"}
    use = DOOR.declared.get((place[0], place[1].removeprefix("/v1")))
    tenant = place in {*VERIFY, INTROSPECT} or (use is not None and use.reach in {Reach.TENANT, Reach.EITHER})
    creates = use is not None and "201" in operation["responses"]
    assert ("Keywright-Tenant" in named) is tenant
    assert ("Idempotency-Key" in named) is creates
    assert len(named) == tenant + creates


@operations
def test_what_nodes_have_to_hear_of_has_a_receipt(place: tuple[str, str], operation: dict[str, Any]) -> None:
    use = DOOR.declared.get((place[0], place[1].removeprefix("/v1")))
    touches = use is not None and use.touches
    assert ("wait" in {one["name"] for one in operation.get("parameters", ())}) is touches
    answer = next(one for status, one in operation["responses"].items() if status.startswith("2"))
    reference = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    schema = DOCUMENT["components"]["schemas"].get(reference.rpartition("/")[2], {})
    assert ("receipt" in schema.get("required", ())) is touches


@operations
def test_refusals_are_problems_and_every_answer_has_the_request_id(
    place: tuple[str, str], operation: dict[str, Any]
) -> None:
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    for status, answer in operation["responses"].items():
        assert answer["headers"]["X-Request-Id"]["required"] is True
        if status == "204":
            assert "content" not in answer
        elif place in GATEWAYS:
            assert_gateway_answer(place, status, answer, problem)
        elif status.startswith("2") or (status == "503" and place in VERIFY):
            media_type = "application/x-ndjson" if place == EXPORT else "application/json"
            assert set(answer["content"]) == {media_type}
        else:
            assert answer["content"] == problem
        # A verdict is answered with 200, also one that says when to come again.
        limited = operation["operationId"] == "verify" and status == "200"
        assert ("Retry-After" in answer["headers"]) is (limited or status in {"429", "503"})
        assert ("RateLimit" in answer["headers"]) is limited or place in GATEWAYS
        assert ("WWW-Authenticate" in answer["headers"]) is (status == "401")


def assert_gateway_answer(
    place: tuple[str, str], status: str, answer: dict[str, Any], problem: dict[str, Any]
) -> None:
    """OAuth's form of a refusal, or the code of a decision; what cannot be read is a problem everywhere."""
    if status == "200":
        assert set(answer.get("content", {})) == (set() if place == REVOKE else {"application/json"})
    elif status in {"413", "422"} or (status == "400" and place == AUTHORIZE):
        assert answer["content"] == problem
    else:
        schema = "AuthorizeRefusal" if place == AUTHORIZE else "OAuthError"
        own = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
        assert answer["content"] == (problem | own if status == "400" else own)


def test_bodies_take_no_unknown_fields() -> None:
    for place, operation in OPERATIONS.items():
        if "requestBody" in operation and place not in GATEWAYS:
            reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            schema = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]
            assert schema["additionalProperties"] is False
            assert operation["requestBody"]["required"] is True


@pytest.mark.parametrize(
    "name", [name for name in DOCUMENT["components"]["schemas"] if name.endswith("Patch")]
)
def test_what_is_left_out_of_a_change_has_no_default(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    assert all("default" not in field for field in schema["properties"].values())
    # The one thing that can be changed of a membership is asked for.
    assert schema.get("required", []) == (["variables"] if name == "MembershipPatch" else [])


def test_examples_are_valid() -> None:
    checked = 0
    for at, node in walk(DOCUMENT):
        if isinstance(node.get("examples"), list):
            for example in node["examples"]:
                check(node, example)
                checked += 1
        if "example" in node and "schema" in node:
            check(node["schema"], node["example"])
            checked += 1
        assert not isinstance(node.get("examples"), dict), at
    assert checked > 10


@pytest.mark.parametrize(
    "name",
    [name for name in DOCUMENT["components"]["schemas"] if name.endswith("Out") and name != "VerdictOut"],
)
def test_moments_in_answers_are_date_times(name: str) -> None:
    fields = DOCUMENT["components"]["schemas"][name]["properties"]
    for field, schema in fields.items():
        if field.endswith("_at") or field in {"at", "not_before"}:
            kinds = schema.get("anyOf", [schema])
            assert {"type": "string", "format": "date-time"}.items() <= kinds[0].items(), field


def test_patterns_are_those_of_ecma_262() -> None:
    # JSON Schema's patterns are read by many engines; \A, \Z, (?P…) and possessive quantifiers are not in all.
    for at, node in walk(DOCUMENT):
        if isinstance(node.get("pattern"), str):
            assert re.fullmatch(r"\^.*\$", node["pattern"]), at
            assert not re.search(r"\\[AZz]|\(\?P|\+\+", node["pattern"]), at
