"""Whatever stands in an argument: an answer in the API's own form, no status of 500, and nothing half-written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLNonNull, get_named_type, is_input_object_type

from keywright.dialects.prefect.schema import build_schema
from tests.dialects.prefect.world import CREATE_KEY

if TYPE_CHECKING:
    from graphql import GraphQLField

    from tests.dialects.prefect.world import World

VALUES: tuple[Any, ...] = (
    None,
    "",
    " ",
    "\x00",
    "\n",
    "x" * 300,
    "x" * 70_000,
    "\ud800",
    "ä💥",
    "%",
    "none",
    "key_none",
    "2015-10-21T13:00:00+00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "00000000-0000-0000-0000-000000000000",
    "{00000000-0000-0000-0000-000000000000}",
    -1,
    0,
    2**31,
    1.5,
    True,
    [],
    [None],
    ["", "\x00"],
    ["x"] * 60,
    {},
    {"_eq": None},
    {"_eq": "\x00", "_in": []},
    {"a": 1},
)
SCHEMA = build_schema()
GOOD = {"input": {"name": "a", "type": "a", "scope": "USER"}}


def arguments() -> list[tuple[str, str, str, str | None]]:
    """Each argument of a root field, and each field of one that is an object."""
    found: list[tuple[str, str, str, str | None]] = []
    for kind, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type)):
        assert root is not None
        for name, field in root.fields.items():
            for argument, declared in field.args.items():
                found.append((kind, name, argument, None))
                inner = get_named_type(declared.type)
                if is_input_object_type(inner):
                    found += [(kind, name, argument, one) for one in inner.fields]
    return found


def asked(kind: str, name: str, argument: str) -> str:
    """An operation with one variable for one argument; required ones beside it do not exist in this schema."""
    root = SCHEMA.query_type if kind == "query" else SCHEMA.mutation_type
    assert root is not None
    field: GraphQLField[Any, Any] = root.fields[name]
    selected = "" if name == "hello" else "{ __typename }"
    return f"{kind}($it: {field.args[argument].type}) {{ {name}({argument}: $it) {selected} }}"


def sound(name: str, inner: str) -> dict[str, Any]:
    """An input in which all but one field is as it should be, as far as that goes without ids."""
    assert SCHEMA.mutation_type is not None
    declared = get_named_type(SCHEMA.mutation_type.fields[name].args["input"].type)
    assert isinstance(declared, GraphQLInputObjectType)
    required = [one for one, field in declared.fields.items() if isinstance(field.type, GraphQLNonNull)]
    nothing = "00000000-0000-0000-0000-000000000000"
    return {one: GOOD["input"].get(one, nothing) for one in required if one != inner}


@pytest.mark.parametrize(("kind", "name", "argument", "inner"), arguments())
def test_any_value_in_any_argument(
    world: World, kind: str, name: str, argument: str, inner: str | None
) -> None:
    query = asked(kind, name, argument)
    body = []
    for value in VALUES:
        given = value
        if inner is not None:
            given = {inner: value} | (sound(name, inner) if kind == "mutation" else {})
        body.append({"query": query, "variables": {"it": given}})
    for one in range(0, len(body), 50):
        sent = json.dumps(body[one : one + 50]).replace("\\ud800", "\\\\ud800").encode()
        answer = world.post(sent, world.admin.token)
        assert answer.status_code == 200, answer.text
        for found in answer.json():
            for error in found.get("errors", ()):
                assert error["extensions"]["code"] in {"BAD_USER_INPUT", "FORBIDDEN", "UNAUTHENTICATED"}
                assert "x" * 40 not in str(error)
    assert '"level": "error"' not in world.keywright.process.errors()


@pytest.mark.parametrize("header", ["X_PREFECT_CORE_VERSION", "X_PREFECT_AGENT_ID", "X_PREFECT_TENANT_ID"])
@pytest.mark.parametrize("value", ["", "x", "x" * 5000, "../..", "'; --"], ids=range(5))
def test_any_value_in_a_header(world: World, header: str, value: str) -> None:
    body = [
        {"query": 'mutation { register_agent(input: {type: "LocalAgent"}) { id } }'},
        {"query": "mutation { get_runs_in_queue(input: {}) { flow_run_ids } }"},
    ]
    answer = world.post(body, world.admin.token, **{header: value})
    assert answer.status_code == 200
    for found in answer.json():
        for error in found.get("errors", ()):
            assert error["extensions"]["code"] in {"BAD_USER_INPUT", "UNAUTHENTICATED"}
    assert '"level": "error"' not in world.keywright.process.errors()


@pytest.mark.parametrize(
    "fields",
    [
        {"expires_at": "2015-10-21T13:00:00+00:00"},
        {"name": ""},
        {"name": "x" * 256},
        {"user_id": "nobody"},
        {"user_id": "00000000-0000-7000-8000-000000000000"},
        {"default_tenant_id": "00000000-0000-7000-8000-000000000000"},
    ],
    ids=range(6),
)
def test_what_is_refused_leaves_nothing(world: World, fields: dict[str, str]) -> None:
    before = world.data("{ auth_api_key { id } user_view_same_tenant { id } }")
    wanted = {"name": "a", "user_id": world.admin.user_id, **fields}
    assert world.code(CREATE_KEY, {"input": wanted}) in {"BAD_USER_INPUT", "FORBIDDEN"}
    assert world.data("{ auth_api_key { id } user_view_same_tenant { id } }") == before


def test_a_token_in_a_name_is_refused_and_not_repeated(world: World) -> None:
    token = world.admin.token
    for query in (
        CREATE_KEY,
        f'mutation($input: create_api_key_input!) {{ create_api_key(input: $input) {{ key(a: "{token}") }} }}',
        f"{{ {token} }}",
    ):
        body = {"query": query, "variables": {"input": {"name": token, "user_id": world.admin.user_id}}}
        answer = world.post(body, token)
        assert answer.json()["errors"]
        assert token not in answer.text
    assert token not in world.keywright.process.errors()
