"""The schema: what `schema.graphql` declares, with a resolver for each root field."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ariadne import MutationType, QueryType, ScalarType, make_executable_schema

from keywright.dialects.prefect import agents, keys, people, tenants, trail
from keywright.dialects.prefect.fields import resolver
from keywright.dialects.prefect.mapping import canonical, parsed_moment
from keywright.web.graphql.schemas import resolved

if TYPE_CHECKING:
    from datetime import datetime

    from graphql import GraphQLSchema


def build_schema() -> GraphQLSchema:
    """The executable schema. A root field without a resolver is a defect, and stops the start."""
    query, mutation = QueryType(), MutationType()
    for noun in (tenants, keys, people, agents, trail):
        for name, field in noun.QUERIES.items():
            query.set_field(name, resolver(field))
    for noun in (tenants, keys, people, agents):
        for name, field in noun.MUTATIONS.items():
            mutation.set_field(name, resolver(field))
    scalars = [ScalarType(name, value_parser=_uuid) for name in ("UUID", "uuid")]
    scalars += [ScalarType(name, value_parser=_moment) for name in ("DateTime", "timestamptz")]
    text = (Path(__file__).parent / "schema.graphql").read_text("utf-8")
    return resolved(make_executable_schema(text, query, mutation, *scalars))


def _uuid(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("A UUID is a text.")  # noqa: TRY004 - what graphql takes for a value that does not fit
    return canonical(value)


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("A moment is a text.")  # noqa: TRY004 - what graphql takes for a value that does not fit
    try:
        return parsed_moment(value)
    except ValueError:
        raise ValueError("A moment is a text as in ISO 8601.") from None
