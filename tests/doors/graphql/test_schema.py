"""The schema as a whole: described, bound to use cases, and complete against the core's own words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, GraphQLScalarType

from keywright.api.graphql import scalars
from keywright.api.graphql import schema as schema_module
from keywright.api.graphql import tenants as tenant_fields
from keywright.api.graphql.decisions import VerifyField
from keywright.api.graphql.fields import OpenField, RootField, UseCaseField
from keywright.core.audit import ActorKind
from keywright.core.changes import NodeOutcome
from keywright.core.decision import Code
from keywright.core.errors import InvalidType, InvalidValue
from keywright.core.identities import IdentityKind
from keywright.core.invitations import InvitationState
from keywright.core.keys import State
from keywright.core.listing import DEFAULT_PAGE, MAX_PAGE, KeySort
from keywright.core.usage import By
from keywright.services.mail import MailProblem
from keywright.services.nodes import Standing
from keywright.services.work import UseCase
from tests.support.cases import FOR_DIALECTS, use_cases

if TYPE_CHECKING:
    from graphql import GraphQLSchema

NOT_A_USE_CASE = {
    "verify": VerifyField,
    "createSession": OpenField,
    "acceptInvitation": OpenField,
    "askForPasskey": OpenField,
    "startSignOn": OpenField,
    "finishSignOn": OpenField,
}


def own_types(schema: GraphQLSchema) -> dict[str, Any]:
    return {
        name: kind
        for name, kind in schema.type_map.items()
        if not name.startswith("__") and name not in {"Int", "Float", "String", "Boolean", "ID"}
    }


def roots(schema: GraphQLSchema) -> dict[str, Any]:
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    return {**schema.query_type.fields, **schema.mutation_type.fields}


def test_everything_is_described(schema: GraphQLSchema) -> None:
    bare = []
    for name, kind in own_types(schema).items():
        if not kind.description:
            bare.append(name)
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
            members = kind.fields
        else:
            members = kind.values if isinstance(kind, GraphQLEnumType) else {}
        bare += [f"{name}.{member}" for member, found in members.items() if not found.description]
        bare += [
            f"{name}.{member}({argument}:)"
            for member, found in members.items()
            for argument, given in getattr(found, "args", {}).items()
            if argument != "input" and not given.description
        ]
    assert bare == []


def test_every_root_field_runs_a_use_case(schema: GraphQLSchema) -> None:
    for name, field in roots(schema).items():
        assert isinstance(field.resolve, RootField | OpenField), name
        if name in NOT_A_USE_CASE:
            assert isinstance(field.resolve, NOT_A_USE_CASE[name])
        else:
            assert isinstance(field.resolve, UseCaseField)
            assert isinstance(field.resolve.use, UseCase)
    assert NOT_A_USE_CASE.keys() <= roots(schema).keys()


def test_mutations_change_and_queries_do_not(schema: GraphQLSchema) -> None:
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    for root, changes in ((schema.query_type, False), (schema.mutation_type, True)):
        for name, field in root.fields.items():
            if name not in NOT_A_USE_CASE:
                assert field.resolve.use.changes is changes, name


def test_what_nodes_have_to_hear_of_has_a_receipt(schema: GraphQLSchema) -> None:
    assert schema.mutation_type is not None
    for name, field in schema.mutation_type.fields.items():
        touches = name not in NOT_A_USE_CASE and field.resolve.use.touches
        payload, given = field.type, field.args["input"].type.of_type if "input" in field.args else None
        assert isinstance(payload, GraphQLObjectType), name
        assert ("receipt" in payload.fields) is touches, name
        assert ("wait" in getattr(given, "fields", {})) is touches, name
        if touches:
            assert str(payload.fields["receipt"].type) == "Receipt!"


def test_every_use_case_is_reached(schema: GraphQLSchema) -> None:
    reached = {field.resolve.use.name for name, field in roots(schema).items() if name not in NOT_A_USE_CASE}
    # What OAuth's own way of revoking has is not offered here a second time.
    assert reached == use_cases().keys() - {"keys.revoke"} - FOR_DIALECTS


def test_nothing_below_the_root_has_a_resolver(schema: GraphQLSchema) -> None:
    """So nothing is looked up per item."""
    for name, kind in own_types(schema).items():
        if isinstance(kind, GraphQLObjectType) and name not in {"Query", "Mutation"}:
            assert all(field.resolve is None for field in kind.fields.values()), name


def test_a_failed_mutation_answers_null_for_itself_alone(schema: GraphQLSchema) -> None:
    """A non-null one would take the other answers with it, and with them tokens that are shown only once."""
    assert schema.mutation_type is not None
    assert all(not str(field.type).endswith("!") for field in schema.mutation_type.fields.values())


def test_a_root_field_without_a_resolver_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant_fields, "MUTATIONS", {})
    with pytest.raises(RuntimeError, match="createTenant"):
        schema_module.build_schema()


@pytest.mark.parametrize(
    ("name", "values", "without"),
    [
        ("ApiKeyState", State, {"DELETED"}),
        ("AgentKeyState", State, set()),
        ("ApiKeyOrderField", KeySort, set()),
        ("IdentityKind", IdentityKind, set()),
        ("ActorKind", ActorKind, set()),
        ("UsageStep", By, set()),
        ("VerdictCode", Code, set()),
        ("InvitationState", InvitationState, set()),
        ("MailProblem", MailProblem, set()),
        ("NodeStanding", Standing, set()),
        ("NodeOutcome", NodeOutcome, set()),
    ],
)
def test_enums_hold_every_word_of_the_core(
    schema: GraphQLSchema, name: str, values: Any, without: set[str]
) -> None:
    kind = schema.type_map[name]
    assert isinstance(kind, GraphQLEnumType)
    assert {word: found.value for word, found in kind.values.items()} == {
        word: value for word, value in values.__members__.items() if word not in without
    }
    for value in kind.values.values():
        assert kind.coerce_input_value(kind.coerce_output_value(value.value)) is value.value


def test_pages_are_as_large_as_everywhere(schema: GraphQLSchema) -> None:
    for name in ("apiKeys", "tenants", "serviceAccounts", "memberships", "audit"):
        first = roots(schema)[name].args["first"]
        assert first.description == f"How many at most, 1 to {MAX_PAGE}."
        assert first.default.literal.value == str(DEFAULT_PAGE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2030-01-02T03:04:05Z", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2030-01-02t03:04:05z", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2030-01-02T03:04:05.25+02:00", datetime(2030, 1, 2, 1, 4, 5, 250_000, tzinfo=UTC)),
        ("2030-01-02T03:04:05.123456789-00:30", datetime(2030, 1, 2, 3, 34, 5, 123_456, tzinfo=UTC)),
    ],
)
def test_a_date_time_is_read_as_utc(text: str, expected: datetime) -> None:
    found = scalars.parse_date_time(text)
    assert found == expected
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2030-01-02",
        "2030-01-02T03:04:05",
        "2030-01-02 03:04:05Z",
        "2030-01-02T03:04Z",
        "20300102T030405Z",
        "2030-W01-1T00:00:00Z",
        "2030-13-01T00:00:00Z",
        "2030-02-30T00:00:00Z",
        "2030-01-02T03:04:05Z\n",
        "٢٠٣٠-01-02T03:04:05Z",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_a_text_that_is_no_moment_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        scalars.parse_date_time(text)
    assert not text or text not in caught.value.detail


def test_only_texts_are_moments_and_only_objects_are_json() -> None:
    others: list[object] = [5, None, True, 1.5, []]
    for value in (*others, {}):
        with pytest.raises(InvalidType):
            scalars.parse_date_time(value)
    for value in (*others, "{}"):
        with pytest.raises(InvalidType):
            scalars.parse_json(value)


def test_a_moment_is_written_in_utc(schema: GraphQLSchema) -> None:
    kind = schema.type_map["DateTime"]
    assert isinstance(kind, GraphQLScalarType)
    moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert kind.coerce_output_value(moment) == "2030-01-02T01:04:05Z"
