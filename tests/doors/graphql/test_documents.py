"""From the text of a query to what can be run, and what is said of a text from which there is no way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLError

from keywright.api.graphql.documents import MAX_ERRORS, Documents
from keywright.api.graphql.errors import Rejected
from keywright.api.graphql.messages import Messages
from keywright.core.tokens import mint
from keywright.web.graphql.kept import MAX_KEPT, MAX_KEPT_LENGTH, MAX_KEPT_TOTAL

if TYPE_CHECKING:
    from graphql import GraphQLSchema


def faults(documents: Documents, text: str) -> list[dict[str, Any]]:
    with pytest.raises(Rejected) as caught:
        documents.get(text)
    return caught.value.faults


def test_a_document_is_kept(documents: Documents) -> None:
    text = "{ viewer { identity { id } } }"
    assert documents.get(text) is documents.get(text)
    assert documents.get(text) is not documents.get(text + " ")
    assert len(documents) == 2


def test_what_is_wrong_is_not_kept(documents: Documents) -> None:
    for text in ("{", "{ nothing }", "{ viewer }"):
        faults(documents, text)
    assert len(documents) == 0


def test_a_long_document_is_not_kept(documents: Documents) -> None:
    documents.get("{ viewer { identity { id } } }".ljust(MAX_KEPT_LENGTH))
    assert len(documents) == 1
    documents.get("{ viewer { identity { id } } }".ljust(MAX_KEPT_LENGTH + 1))
    assert len(documents) == 1


def test_a_document_that_holds_a_token_is_not_kept(documents: Documents) -> None:
    text = f'{{ verify(input: {{token: "{mint().reveal()}"}}) {{ valid }} }}'
    assert documents.get(text) is not documents.get(text)
    assert len(documents) == 0


def test_the_documents_used_last_are_kept(documents: Documents) -> None:
    first = documents.get("query First { __typename }")
    documents.get("query Second { __typename }")
    for number in range(MAX_KEPT - 1):
        documents.get(f"query Q{number} {{ __typename }}")
        assert documents.get("query First { __typename }") is first
    assert len(documents) == MAX_KEPT
    assert documents.get("query First { __typename }") is first
    assert "query Second { __typename }" not in documents._kept._kept


def test_the_texts_of_kept_documents_are_bounded_together(documents: Documents) -> None:
    for number in range(2 * MAX_KEPT_TOTAL // MAX_KEPT_LENGTH):
        documents.get(f"query Q{number} {{ __typename }}".ljust(MAX_KEPT_LENGTH))
    assert len(documents) == MAX_KEPT_TOTAL // MAX_KEPT_LENGTH
    assert documents._kept._total == sum(len(text) for text in documents._kept._kept)


def test_an_operation_is_found_by_its_name(documents: Documents) -> None:
    one = documents.get("query One { __typename }")
    assert one.operation(None) is one.operation("One")
    assert documents.get("{ __typename }").operation(None).name is None
    two = documents.get("query One { __typename } mutation Two { __typename }")
    assert two.operation("Two").name == "Two"
    for document, name in ((two, None), (two, "Three"), (one, "Three"), (one, "")):
        with pytest.raises(Rejected) as caught:
            document.operation(name)
        (fault,) = caught.value.faults
        assert fault["extensions"] == {"code": "graphql_validation_failed", "field": "operationName"}
        assert "Three" not in fault["message"]


@pytest.mark.parametrize(
    ("text", "touches"),
    [
        ("{ __typename }", False),
        ('{ __schema { types { name } } __type(name: "ApiKey") { name } }', False),
        ("mutation { __typename }", False),
        ("{ viewer { __typename } }", True),
        ("{ __typename: viewer { __typename } }", True),
        ("{ ...F } fragment F on Query { ... { __schema { description } tenants { nodes { id } } } }", True),
        ("{ viewer @skip(if: true) { __typename } }", True),
    ],
)
def test_only_questions_about_the_schema_touch_no_data(
    documents: Documents, text: str, *, touches: bool
) -> None:
    assert documents.get(text).operation(None).touches_data is touches


@pytest.mark.parametrize(
    "text", ["", "{", "{ a", "}", "query {", "{ a(b: ) }", '{ a(b: "unfinished) }', "{ a } £", "# only"]
)
def test_what_cannot_be_read_is_told_with_its_place(documents: Documents, text: str) -> None:
    (fault,) = faults(documents, text)
    assert fault["extensions"] == {"code": "graphql_parse_failed"}
    assert fault["message"] == "The query cannot be read from here on."
    assert fault["locations"][0]["line"] == 1


INVALID = {
    "{ viewr { roles { role } } }": "The type Query has no such field. Did you mean viewer or user?",
    "{ zzzzzzzz }": "The type Query has no such field.",
    "{ viewer }": "A field of type Viewer! needs a selection: { … }.",
    "{ viewer { identity { id { x } } } }": "A field of type ID! takes no selection.",
    '{ apiKey(name: "x") { id } }': "The field Query.apiKey has no such argument.",
    "{ apiKey { id } }": "The argument Query.apiKey(id:) of type ID! is missing.",
    "{ viewer @skip(unless: true) { roles { role } } }": "The directive skip has no such argument.",
    "{ viewer @nothing { roles { role } } }": "There is no such directive.",
    "{ apiKeys(first: 1.5) { nodes { id } } }": "A value of type Int is expected here.",
    '{ apiKeys(first: "x") { nodes { id } } }': "A value of type Int is expected here.",
    "{ apiKeys(after: 7) { nodes { id } } }": "A value of type String is expected here.",
    "{ apiKey(id: null) { id } }": "A value of type ID! is expected here.",
    "{ apiKey(id: 1.5) { id } }": "A value of type ID is expected here.",
    "{ apiKeys(filter: {used: 7}) { nodes { id } } }": "A value of type Boolean is expected here.",
    '{ apiKeys(filter: {states: "ACTIVE"}) { nodes { id } } }': (
        "A value of the enum ApiKeyState is expected here, without quotes. Did you mean ACTIVE?"
    ),
    "{ apiKeys(filter: {states: [ACTIV]}) { nodes { id } } }": (
        "The enum ApiKeyState has no such value. Did you mean ACTIVE?"
    ),
    '{ apiKeys(filter: {nam: "x"}) { nodes { id } } }': "The type ApiKeyFilter has no such field.",
    "{ apiKeys(filter: 7) { nodes { id } } }": "A value of type ApiKeyFilter is expected here.",
    "{ apiKeys(orderBy: {}) { nodes { id } } }": "A value of type ApiKeyOrder needs the field field.",
    '{ apiKeys(filter: {created: {since: "now"}}) { nodes { id } } }': "A value of type DateTime is expected here.",
    "query ($id: String!) { apiKey(id: $id) { id } }": "A variable of type ID! is expected here.",
    "{ apiKey(id: $id) { id } }": "A variable is used here that the operation does not define.",
    "query ($id: ID) { __typename }": "A variable is defined here and never used.",
    "query ($id: Zzzzzzzzz) { apiKey(id: $id) { id } }": "The schema has no such type.",
    "{ ...Nothing }": "There is no such fragment.",
    "{ __typename } fragment F on Query { __typename }": "A fragment is defined here and never used.",
    "{ ...F } fragment F on Query { ...F }": "A fragment contains itself.",
    "{ a: viewer { roles { role } } a: tenants { nodes { id } } }": (
        "Two different fields have the same name in the answer. Give one of them an alias."
    ),
    "query A { __typename } query A { __typename }": "This is named or given twice.",
    "{ __typename } query A { __typename }": "An operation without a name must be the only one.",
    "subscription { anything }": "There are no subscriptions.",
    "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }": (
        "The schema is asked about too deeply."
    ),
    "type Query { a: Int }": "The query does not fit the schema here.",
}  # fmt: skip


@pytest.mark.parametrize("text", INVALID)
def test_what_does_not_fit_the_schema_is_told_in_words_of_our_own(documents: Documents, text: str) -> None:
    first = faults(documents, text)[0]
    assert first["message"] == INVALID[text]
    assert first["extensions"] == {"code": "graphql_validation_failed"}
    assert first["locations"]


def test_several_errors_are_told_up_to_a_bound(documents: Documents) -> None:
    assert len(faults(documents, "{ nothing viewer zero }")) == 3
    many = "{" + " ".join(f"n{number}" for number in range(50)) + "}"
    assert [fault["message"] for fault in faults(documents, many)] == [
        "The type Query has no such field."
    ] * MAX_ERRORS


def test_a_message_that_is_not_known_is_not_passed_on(schema: GraphQLSchema) -> None:
    """After an upgrade of graphql-core a message may say what it likes."""
    messages = Messages(schema)
    for message in (
        "Something new: hunter2.",
        "Cannot query field 'x' on type 'hunter2'.",
        "Expected value of type 'hunter2' to be",
        "Unknown fragment 'x'. Did you mean 'hunter2'?",
        "Something new. Did you mean hunter2?",
    ):
        assert "hunter2" not in messages.fault(GraphQLError(message))["message"]
