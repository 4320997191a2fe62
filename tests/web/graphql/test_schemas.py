"""A schema whose root fields are not all resolved starts nothing."""

from __future__ import annotations

import pytest
from ariadne import QueryType, make_executable_schema

from keywright.web.graphql.schemas import resolved

SDL = "type Query { told: Int forgotten: Int }"


def test_a_root_field_without_a_resolver_is_a_defect() -> None:
    query = QueryType()
    query.set_field("told", lambda *_: 1)
    schema = make_executable_schema(SDL, query)
    with pytest.raises(RuntimeError, match=r"no resolver: forgotten$"):
        resolved(schema)
    query.set_field("forgotten", lambda *_: 2)
    whole = make_executable_schema(SDL, query)
    assert resolved(whole) is whole
