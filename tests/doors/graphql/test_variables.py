"""What is said of variables that do not fit: the codes of the core, the place, and no value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution import get_variable_values

from keywright.api.graphql.variables import first_fault
from keywright.core.errors import InvalidType
from keywright.core.tokens import mint

if TYPE_CHECKING:
    from graphql import GraphQLSchema

CREATE = "$input: CreateApiKeyInput!"
FILTER = "$filter: ApiKeyFilter"


def operation(variables: str) -> OperationDefinitionNode:
    (found,) = parse(f"query ({variables}) {{ __typename }}").definitions
    assert isinstance(found, OperationDefinitionNode)
    return found


@pytest.mark.parametrize(
    ("definition", "variables", "code", "field"),
    [
        ("$id: ID!", {}, "missing_field", "id"),
        ("$id: ID!", {"id": None}, "invalid_type", "id"),
        ("$id: ID!", {"id": 1.5}, "invalid_type", "id"),
        ("$id: ID!", {"id": ["x"]}, "invalid_type", "id"),
        ("$n: Int", {"n": "5"}, "invalid_type", "n"),
        ("$n: Int", {"n": 2**31}, "invalid_type", "n"),
        ("$ids: [ID!]!", {"ids": ["a", None]}, "invalid_type", "1"),
        ("$ids: [ID!]!", {"ids": {}}, "invalid_type", "ids"),
        (CREATE, {"input": 5}, "invalid_type", "input"),
        (CREATE, {"input": []}, "invalid_type", "input"),
        (CREATE, {"input": {}}, "missing_field", "name"),
        (CREATE, {"input": {"name": None}}, "invalid_type", "name"),
        (CREATE, {"input": {"name": 5}}, "invalid_type", "name"),
        (CREATE, {"input": {"name": "x", "nam": 1}}, "unknown_field", "input"),
        (CREATE, {"input": {"name": "x", "scope": [{"actions": ["a", 1]}]}}, "invalid_type", "scope.0.actions.1"),
        (CREATE, {"input": {"name": "x", "scope": [{}]}}, "missing_field", "scope.0.actions"),
        (CREATE, {"input": {"name": "x", "scope": [{"actions": [], "more": 1}]}}, "unknown_field", "scope.0"),
        (CREATE, {"input": {"name": "x", "metadata": [1]}}, "invalid_type", "metadata"),
        (CREATE, {"input": {"name": "x", "expiresAt": 5}}, "invalid_type", "expiresAt"),
        (CREATE, {"input": {"name": "x", "expiresAt": "tomorrow"}}, "invalid_value", "expiresAt"),
        (CREATE, {"input": {"name": "x", "expiresAt": "2030-01-01T00:00:00"}}, "invalid_value", "expiresAt"),
        (FILTER, {"filter": {"states": ["DELETED"]}}, "invalid_type", "states.0"),
        (FILTER, {"filter": {"states": "DELETED"}}, "invalid_type", "states"),
        (FILTER, {"filter": {"created": {"since": "1969-12-31T23:59:59Z"}}}, "invalid_value", "created.since"),
        ("$a: Int = 5, $b: Int!", {"b": "x"}, "invalid_type", "b"),
        (f"{FILTER}, $b: Int", {"filter": {"handle": None, "states": ["ACTIVE"]}, "b": "x"}, "invalid_type", "b"),
    ],
)  # fmt: skip
def test_the_first_thing_that_does_not_fit_is_told(
    schema: GraphQLSchema, definition: str, variables: dict[str, Any], code: str, field: str
) -> None:
    asked = operation(definition)
    assert isinstance(get_variable_values(schema, asked.variable_definitions or (), variables), list)
    found = first_fault(schema, asked, variables)
    assert (found.code, found.field) == (code, field)


def test_a_sentence_names_the_variable_and_the_type(schema: GraphQLSchema) -> None:
    found = first_fault(schema, operation(CREATE), {"input": {"name": 5}})
    assert found.detail == "Variable $input: A value of type String is expected."
    found = first_fault(schema, operation("$at: DateTime!"), {"at": "2030-01-01T00:00:00"})
    assert found.detail == "Variable $at: A date-time needs an offset, such as Z or +02:00."


def test_a_name_that_could_be_a_secret_is_not_told(schema: GraphQLSchema) -> None:
    for name in ("a" * 33, mint("k").reveal()):
        _check_hidden(schema, name)


def _check_hidden(schema: GraphQLSchema, name: str) -> None:
    found = first_fault(schema, operation(f"${name}: Int!"), {name: "x"})
    assert found.detail == "Variable $…: A value of type Int is expected."
    assert found.field == "…"


def test_what_fits_after_all_is_still_an_error(schema: GraphQLSchema) -> None:
    """Asked only when graphql-core found something; where it alone knows what, that is said without detail."""
    found = first_fault(schema, operation("$n: Int, $m: Int"), {"n": 5})
    assert isinstance(found, InvalidType)
    assert found.field is None
