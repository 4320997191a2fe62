"""The schema: what `schema.graphql` declares, with a resolver for each root field."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ariadne import MutationType, QueryType, ScalarType, make_executable_schema
from graphql import GraphQLError

from keywright.dialects.skylark import account, keys
from keywright.web.graphql.schemas import resolved

if TYPE_CHECKING:
    from graphql import GraphQLSchema


def build_schema() -> GraphQLSchema:
    """The executable schema. A root field without a resolver is a defect, and stops the start."""
    query, mutation = QueryType(), MutationType()
    query.set_field("getAccount", account.get_account)
    query.set_field("getUser", account.get_user)
    query.set_field("listApiKeys", keys.list_api_keys)
    mutation.set_field("createApiKey", keys.create_api_key)
    mutation.set_field("deleteApiKey", keys.delete_api_key)
    mutation.set_field("updateApiKey", keys.update_api_key)
    text = (Path(__file__).parent / "schema.graphql").read_text("utf-8")
    # What a date-time may be is told with the other mistakes in a key, not as a query that does not fit the schema.
    date_time = ScalarType("AWSDateTime", value_parser=_text)
    return resolved(make_executable_schema(text, query, mutation, date_time))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise GraphQLError("A date-time is a text.")
    return value
