"""How large, deep, broad and costly a query may be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from graphql import get_introspection_query

from keywright.api.graphql import cost, documents
from keywright.api.graphql.errors import Rejected
from keywright.core.listing import MAX_PAGE
from keywright.web.graphql import kept
from keywright.web.graphql import shape as limits

if TYPE_CHECKING:
    from keywright.api.graphql.documents import Documents

EVERY_FIELD = """id name description handle prefix hint lastSeven state active owner { id kind name }
tenant { id slug name active createdAt } scope { actions resources } allowedCidrs notBefore expiresAt createdAt
createdBy lastUsedAt lastUsedIp metadata"""

TWICE_EVERY_FIELD = (
    f"{{ apiKeys(first: 200) {{ nodes {{ {EVERY_FIELD} }} edges {{ node {{ {EVERY_FIELD} }} }} }} }}"
)


def refusal(documents: Documents, text: str, **variables: object) -> str | None:
    """The code with which a query is refused, or None."""
    try:
        document = documents.get(text)
        document.operation(None).check_cost(variables)
    except Rejected as rejected:
        (first, *_) = rejected.faults
        return str(first["extensions"]["code"])
    return None


def deep(levels: int) -> str:
    """A query of so many levels, which the schema need not know."""
    return "{" + "a{" * (levels - 1) + "b" + "}" * levels


# Each of these fragments holds all that come after it.
WIDENING = "{ ...F0 }" + "".join(
    f"fragment F{n} on Query {{ {' '.join(f'...F{m}' for m in range(n + 1, 40))} }}" for n in range(40)
)


@pytest.mark.parametrize(
    ("text", "code", "limit"),
    [
        ("{ __typename }" + " " * limits.MAX_QUERY_BYTES, "query_too_large", limits.MAX_QUERY_BYTES),
        ("# " + "é" * (limits.MAX_QUERY_BYTES // 2) + "\n{ a }", "query_too_large", limits.MAX_QUERY_BYTES),
        ("{" + " a" * limits.MAX_TOKENS + "}", "query_too_large", limits.MAX_TOKENS),
        ("#\n" * (limits.MAX_COMMENTS + 1) + "{ __typename }", "query_too_large", limits.MAX_COMMENTS),
        (
            "{" + " ".join(f"a{n}: __typename" for n in range(limits.MAX_ROOT_FIELDS + 1)) + "}",
            "query_too_large",
            f"{limits.MAX_ROOT_FIELDS} fields at its root",
        ),
        (
            "{" + " a" * (limits.MAX_REPEATS + 1) + "}",
            "query_too_large",
            f"same value at most {limits.MAX_REPEATS} times",
        ),
        (
            "{ viewer { " + "...on Viewer { roles { role } } " * (limits.MAX_REPEATS + 1) + "} }",
            "query_too_large",
            f"same value at most {limits.MAX_REPEATS} times",
        ),
        (
            "{ a }" + "".join(f"fragment F{n} on Query {{ a }}" for n in range(limits.MAX_FRAGMENTS + 1)),
            "query_too_large",
            f"{limits.MAX_FRAGMENTS} fragments",
        ),
        (WIDENING, "query_too_large", limits.MAX_SELECTED),
        (deep(limits.MAX_DEPTH + 1), "query_too_deep", limits.MAX_DEPTH),
        ("{ ...F } fragment F on Query { viewer { ...F } }", "query_too_deep", limits.MAX_DEPTH),
        (deep(300), "query_too_deep", "nested"),
        (TWICE_EVERY_FIELD, "query_too_costly", cost.MAX_COST),
        (
            "{ __schema { types { fields { type { fields { " + "name " * 30 + "} } } } } }",
            "query_too_costly",
            "schema",
        ),
    ],
)
def test_what_is_beyond_a_limit_is_refused(
    documents: Documents, text: str, code: str, limit: int | str
) -> None:
    with pytest.raises(Rejected) as caught:
        documents.get(text).operation(None).check_cost({})
    (fault,) = caught.value.faults
    assert fault["extensions"]["code"] == code
    assert str(limit) in fault["message"]


@pytest.mark.parametrize(
    "text",
    [
        "#\n" * limits.MAX_COMMENTS + "{ __typename }",
        "{" + " ".join(f"a{n}: __typename" for n in range(limits.MAX_ROOT_FIELDS)) + "}",
        "{" + " __typename" * limits.MAX_REPEATS + "}",
        "{ apiKeys(first: 200) { nodes { " + EVERY_FIELD + " } pageInfo { hasNextPage endCursor } } }",
        "{ apiKeys(first: 200) { edges { cursor node { " + EVERY_FIELD + " } } } }",
        get_introspection_query(
            descriptions=True,
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=True,
            input_value_deprecation=True,
        ),
    ],
)
def test_what_is_within_the_limits_is_not_refused(documents: Documents, text: str) -> None:
    assert refusal(documents, text) is None


def test_depth_is_counted_to_the_level(documents: Documents) -> None:
    assert refusal(documents, deep(limits.MAX_DEPTH)) == "graphql_validation_failed"
    assert refusal(documents, deep(limits.MAX_DEPTH + 1)) == "query_too_deep"
    within = "fragment F on Q {" + "a {" * 5 + "b" + "}" * 6
    assert refusal(documents, "{" + "a {" * 6 + "...F" + "}" * 7 + within) == "graphql_validation_failed"
    assert refusal(documents, "{" + "a {" * 7 + "...F" + "}" * 8 + within) == "query_too_deep"


def test_questions_about_the_schema_may_be_deep(documents: Documents) -> None:
    ladder = "{ __schema { types { fields { type {" + " ofType {" * 20 + " name" + " }" * 20 + " } } } } }"
    assert refusal(documents, ladder) is None


@pytest.mark.parametrize(
    "text",
    [
        # Each fragment spreads the next one twice: what is spread doubles from level to level.
        "{ ...F0 }" + "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40)),
        "{ viewer { ...F0 } }"
        + "".join(f"fragment F{n} on Viewer {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40)),
        WIDENING,
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ viewer { ...A } } fragment A on Viewer { a: identity { ...A } b: identity { ...A } }",
    ],
)
def test_fragments_that_multiply_are_refused_and_cost_little(documents: Documents, text: str) -> None:
    assert refusal(documents, text) in {"graphql_validation_failed", "query_too_large", "query_too_deep"}


def test_fragments_that_double_are_priced_at_once(documents: Documents) -> None:
    doubling = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))
    document = documents.get("{ ...F0 }" + doubling + "fragment F40 on Query { viewer { identity { id } } }")
    assert document.operation(None).price.fixed == 2**40 * (3 + cost.ROOT_COST)


def price(documents: Documents, text: str) -> int:
    return documents.get(text).operation(None).price.fixed


def test_cost_counts_values(documents: Documents) -> None:
    root = cost.ROOT_COST
    assert price(documents, "{ viewer { identity { id name } } }") == 4 + root
    assert price(documents, "{ a: viewer { identity { id } } b: viewer { identity { id } } }") == 2 * (
        3 + root
    )
    assert (
        price(documents, "{ apiKeys(first: 10) { nodes { id name } pageInfo { endCursor } } }")
        == 1 + 1 + 20 + 2 + root
    )
    assert price(documents, "{ apiKeys { nodes { id } } }") == 1 + 1 + 50 + root
    assert price(documents, "{ apiKeys(first: null, after: null) { nodes { id } } }") == 1 + 1 + 50 + root
    assert price(documents, "{ apiKeys(first: 1) { nodes { scope { actions } } } }") == 1 + 1 + 1 + 5 + root
    assert price(
        documents,
        "{ ...F ...on Query { viewer { __typename } } } fragment F on Query { viewer { __typename } }",
    ) == 2 * (2 + root)
    assert price(documents, "{ __schema { types { name } } }") == 0


def test_a_page_in_a_fragment_counts_like_one_outside(documents: Documents) -> None:
    plain = "{ apiKeys(first: 7) { nodes { id } } }"
    spread = "{ apiKeys(first: 7) { ...P } }"
    spread += "fragment P on ApiKeyConnection { nodes { ...K } } fragment K on ApiKey { id }"
    assert price(documents, plain) == price(documents, spread)
    both = "{ a: apiKeys(first: 7) { ...P } b: apiKeys(first: 9) { ...P } }"
    both += "fragment P on ApiKeyConnection { nodes { id } }"
    assert price(documents, both) == price(documents, plain) + price(documents, plain.replace("7", "9"))


SIZED = "query ($n: Int) " + TWICE_EVERY_FIELD.replace("200", "$n")


@pytest.mark.parametrize(
    ("variables", "refused"),
    [
        ({"n": MAX_PAGE}, True),
        ({"n": 10**30}, True),
        ({"n": "a word"}, True),
        ({"n": 10}, False),
        ({"n": -(10**30)}, False),
        ({"n": None}, False),
        ({}, False),
    ],
)
def test_a_page_by_variable_costs_its_value(
    documents: Documents, variables: dict[str, object], refused: bool
) -> None:
    assert refusal(documents, SIZED, **variables) == ("query_too_costly" if refused else None)


def test_a_page_in_a_page_counts_as_full() -> None:
    """No list of the schema stands in another yet; the sum stays linear in the variables when one does."""
    inner = cost.Price(fixed=2, by_variable={"n": 3})
    assert inner.paged(cost.Page(size=4)) == cost.Price(fixed=8, by_variable={"n": 12})
    assert inner.paged(cost.Page(variable="m")) == cost.Price(by_variable={"m": 2 + 3 * MAX_PAGE})


def test_a_page_by_variable_has_the_default_of_the_variable(documents: Documents) -> None:
    assert refusal(documents, SIZED.replace("$n: Int", "$n: Int = 200")) == "query_too_costly"
    assert refusal(documents, SIZED.replace("$n: Int", "$n: Int = 200"), n=5) is None
    digits = "9" * 5_000
    other = (
        "query ($n: Int, $id: ID = "
        + digits
        + ") { apiKeys(first: $n) { nodes { id } } apiKey(id: $id) { id } }"
    )
    assert refusal(documents, other, n=5) is None


def test_the_document_tells_every_limit() -> None:
    text = (Path(__file__).parents[3] / "docs" / "graphql.md").read_text("utf-8")
    table = text.partition("## Limits")[2]
    told = [int(number) for number in re.findall(r"\| (\d+) \|", table)]
    assert told == [
        limits.MAX_QUERY_BYTES,
        limits.MAX_TOKENS,
        limits.MAX_COMMENTS,
        limits.MAX_DEPTH,
        limits.MAX_ROOT_FIELDS,
        limits.MAX_FRAGMENTS,
        limits.MAX_REPEATS,
        limits.MAX_SELECTED,
        cost.MAX_COST,
        cost.MAX_SCHEMA_COST,
        documents.MAX_ERRORS,
    ]
    assert f"and {cost.ROOT_COST} more at the root" in table
    assert f"and {cost.LIST_SIZE} times in any other list without pages" in table
    for name, size in (cost.ROOT_LISTS | cost.LONG_LISTS).items():
        assert f"{size} times in `{name}`" in table
    assert f"the {kept.MAX_KEPT} used last of up to {kept.MAX_KEPT_LENGTH} bytes" in table
