"""The schema: what the files `*.graphql` declare, with a resolver for each root field."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ariadne import MutationType, QueryType, make_executable_schema

from keywright.api.graphql import (
    agents,
    audit,
    catalog,
    decisions,
    factors,
    invitations,
    keys,
    memberships,
    nodes,
    roles,
    scalars,
    service_accounts,
    sessions,
    sign_on,
    tenants,
    usage,
    users,
    viewer,
)
from keywright.web.graphql.schemas import resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ariadne import ObjectType
    from graphql import GraphQLSchema

    from keywright.api.graphql.fields import Resolver


def build_schema() -> GraphQLSchema:
    """The executable schema. A root field without a resolver is a defect, and stops the start."""
    query, mutation = QueryType(), MutationType()
    people = (users, invitations, service_accounts, roles, memberships)
    login = (sessions, factors)
    for noun in (viewer, keys, tenants, *people, *login, agents, catalog, audit, usage, nodes, decisions):
        _bind(query, noun.QUERIES)
    for noun in (keys, tenants, *people, *login, agents, catalog, sign_on):
        _bind(mutation, noun.MUTATIONS)
    texts = [path.read_text("utf-8") for path in sorted(Path(__file__).parent.glob("*.graphql"))]
    return resolved(make_executable_schema(texts, query, mutation, *scalars.bindables()))


def _bind(root: ObjectType, fields: Mapping[str, Resolver]) -> None:
    for name, resolve in fields.items():
        root.set_field(name, resolve)
