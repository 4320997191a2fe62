"""The engine: what it runs, and how it says what is wrong, without what may be a token."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from ariadne import MutationType, QueryType, make_executable_schema
from graphql import GraphQLError

from keywright.core.errors import KeywrightError, NotFound
from keywright.core.tokens import mint
from keywright.web.graphql.engine import MAX_ERRORS, Engine, Invalid, cleared, raised_in
from keywright.web.graphql.shape import MAX_DEPTH, MAX_QUERY_BYTES, MAX_ROOT_FIELDS

if TYPE_CHECKING:
    from graphql import ExecutionResult

pytestmark = pytest.mark.anyio

SDL = """
enum Colour { RED GREEN }
input Inner { number: Int! }
input Thing { name: String!  inner: Inner  colours: [Colour!]  many: [Inner!] }
type Node { name: String  again: Node }
type Query { hello(name: String): String  plain: Int  node: Node  thing(thing: Thing!): String  wrong: String }
type Mutation { slow(name: String!): [String] }
"""
THING = "query Ask($thing: Thing!) { thing(thing: $thing) }"


def engine() -> Engine:
    query, mutation = QueryType(), MutationType()
    log: list[str] = []

    @query.field("hello")
    async def hello(_root: object, info: Any, name: str | None = None) -> str:
        return f"{info.context} {name}"

    @query.field("wrong")
    def wrong(_root: object, _info: Any) -> str:
        raise NotFound("There is none.")

    @mutation.field("slow")
    async def slow(_root: object, _info: Any, name: str) -> list[str]:
        log.append(f"{name} begins")
        await asyncio.sleep(0)
        log.append(f"{name} ends")
        return list(log)

    query.set_field("plain", lambda *_: 7)
    query.set_field("node", lambda *_: {"name": "n", "again": {"name": "m"}})
    query.set_field("thing", lambda _root, _info, thing: str(sorted(thing)))
    return Engine(make_executable_schema(SDL, query, mutation))


async def run(text: str, variables: Any = None, name: str | None = None) -> ExecutionResult:
    one = engine()
    return await one.run(one.operation(text, name), variables, "context")


def wrong(text: str, name: str | None = None) -> list[str]:
    """The messages about a query of which nothing is run."""
    with pytest.raises(Invalid) as caught:
        engine().operation(text, name)
    return [error.message for error in caught.value.errors]


async def misfits(variables: Any, text: str = THING) -> list[str]:
    """The messages about variables that do not fit."""
    with pytest.raises(Invalid) as caught:
        await run(text, variables)
    assert all(error.locations for error in caught.value.errors[:MAX_ERRORS])
    return [error.message for error in caught.value.errors]


async def test_a_query_is_run_with_its_context_and_variables() -> None:
    found = await run("query ($name: String) { hello(name: $name) plain }", {"name": "you"})
    assert (found.data, found.errors) == ({"hello": "context you", "plain": 7}, None)
    assert (await run("{ plain }")).data == {"plain": 7}


async def test_one_field_after_the_other() -> None:
    found = await run('mutation { a: slow(name: "a") b: slow(name: "b") }')
    assert found.data is not None
    assert found.data["b"] == ["a begins", "a ends", "b begins", "b ends"]


async def test_what_a_resolver_raised_is_in_the_error() -> None:
    found = await run("{ plain wrong }")
    assert found.data == {"plain": 7, "wrong": None}
    assert found.errors is not None
    assert isinstance(found.errors[0].original_error, NotFound)
    assert found.errors[0].path == ["wrong"]


async def test_one_of_several_operations() -> None:
    text = 'query A { plain } mutation B { slow(name: "b") } query C { node { name } }'
    one = engine()
    assert [(one.operation(text, name).name, one.operation(text, name).mutates) for name in "ABC"] == [
        *(("A", False), ("B", True), ("C", False)),
    ]
    assert (await run(text, name="C")).data == {"node": {"name": "n"}}
    assert wrong(text) == ["Must provide operation name if query contains multiple operations."]
    assert wrong(text, "D") == ["Must provide an operation."]
    assert wrong("fragment F on Query { plain }")[0].startswith("Fragment")
    unnamed = engine().operation("{ plain }")
    assert (unnamed.name, unnamed.mutates) == (None, False)


def test_a_text_is_read_once() -> None:
    one = engine()
    assert one.operation("{ plain }") is one.operation("{ plain }")
    with_token = f'{{ hello(name: "{mint().reveal()}") }}'
    assert one.operation(with_token) is not one.operation(with_token)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Syntax Error: Expected Name, found <EOF>."),
        ("{ nothing }", 'Cannot query field "nothing" on type "Query".'),
        ("{ node }", 'Field "node" of type "Node" must have a selection of subfields. Did you mean'),
        ("{ plain(a: 1) }", 'Unknown argument "a" on field "Query.plain".'),
        ("{ thing }", 'Argument "Query.thing(thing:)" of type "Thing!" is required'),
        ("query ($a: Nothing) { plain }", 'Unknown type "Nothing".'),
        ("{ ...F }", 'Unknown fragment "F".'),
        ("subscription { plain }", ""),
        ("{ plain }".ljust(MAX_QUERY_BYTES + 1), "A query has at most"),
        (
            "{" + "".join(f"a{n}: plain " for n in range(MAX_ROOT_FIELDS + 1)) + "}",
            "An operation has at most",
        ),
        ("{ node" + " { again" * MAX_DEPTH + " { name }" + " }" * MAX_DEPTH + "}", "A query has at most"),
    ],
    ids=range(11),
)
def test_what_does_not_fit_the_schema_is_said_as_graphql_js_says_it(text: str, message: str) -> None:
    assert any(one.startswith(message) for one in wrong(text))


def test_errors_have_places_and_a_bound() -> None:
    with pytest.raises(Invalid) as caught:
        engine().operation("{\n  nothing\n}")
    (error,) = caught.value.errors
    assert [(place.line, place.column) for place in error.locations or ()] == [(2, 3)]
    assert "1 error" in str(caught.value)
    many = "{" + " ".join(f"n{number}" for number in range(MAX_ROOT_FIELDS)) + "}"
    assert len(wrong(many)) == MAX_ERRORS


GOOD = {"name": "n", "inner": {"number": 1}, "colours": ["RED"], "many": [{"number": 1}]}


async def test_variables_that_fit() -> None:
    assert (await run(THING, {"thing": GOOD, "more": 1})).data == {
        "thing": "['colours', 'inner', 'many', 'name']"
    }


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, 'Variable "$thing" of required type "Thing!" was not provided.'),
        (None, 'Variable "$thing" of required type "Thing!" was not provided.'),
        ({"thing": None}, 'Variable "$thing" of non-null type "Thing!" must not be null.'),
        ({"thing": 7}, 'Variable "$thing" got invalid value; Expected type "Thing!".'),
        ({"thing": {}}, 'Variable "$thing" got invalid value; Expected type "Thing!".'),
        ({"thing": {**GOOD, "more": 1}}, 'Variable "$thing" got invalid value; Expected type "Thing!".'),
        (
            {"thing": {**GOOD, "name": 7}},
            'Variable "$thing" got invalid value at "thing.name"; Expected type "Thing!".',
        ),
        (
            {"thing": {**GOOD, "colours": ["RED", "BLUE"]}},
            'Variable "$thing" got invalid value at "thing.colours[1]"; Expected type "Thing!".',
        ),
        (
            {"thing": {**GOOD, "many": [{"number": "x"}]}},
            'Variable "$thing" got invalid value at "thing.many[0].number"; Expected type "Thing!".',
        ),
    ],
    ids=range(9),
)
async def test_variables_that_do_not_fit(variables: Any, message: str) -> None:
    assert await misfits(variables) == [message]


async def test_a_nullable_variable_that_does_not_fit() -> None:
    text = "query ($name: String) { hello(name: $name) }"
    assert await misfits({"name": {}}, text) == [
        'Variable "$name" got invalid value; Expected type "String".'
    ]


async def test_many_misfits_have_a_bound() -> None:
    found = await misfits({"thing": {**GOOD, "colours": ["BLUE"] * 100}})
    assert len(found) <= MAX_ERRORS + 1
    assert "BLUE" not in str(found)


async def test_no_token_stands_in_what_is_said() -> None:
    token, foreign = mint().reveal(), "x" * 43
    for secret in (token, foreign):
        said = [
            *wrong(f"{{ {secret} }}"),
            *wrong(f"{{ node {{ {secret} }} }}"),
            *wrong(f'{{ plain(a: "{secret}") }}'),
            *wrong(f'{{ thing(thing: {{name: "n", inner: "{secret}"}}) }}'),
            *wrong(f"query ($a: {secret}) {{ plain }}"),
            *wrong(f"{{ ...{secret} }}"),
            *await misfits({"thing": secret}),
            *await misfits({"thing": {**GOOD, "name": [secret]}}),
            *await misfits({"thing": {**GOOD, secret: 1}}),
            *await misfits({}, f"query (${secret}: Thing!) {{ thing(thing: ${secret}) }}"),
        ]
        assert secret not in "\n".join(said)


def test_a_message_in_the_words_of_graphql_js() -> None:
    error = cleared(GraphQLError("Unknown argument 'a' on field 'Query.b'."))
    assert error.message == 'Unknown argument "a" on field "Query.b".'


def test_what_a_resolver_raised_is_found_however_it_is_wrapped() -> None:
    raised = NotFound("No such key.")
    wrapped = GraphQLError("outer", original_error=GraphQLError("inner", original_error=raised))
    assert raised_in(wrapped, KeywrightError) is raised
    assert raised_in(GraphQLError("an own one"), KeywrightError) is None
    assert raised_in(GraphQLError("a defect", original_error=RuntimeError()), KeywrightError) is None
