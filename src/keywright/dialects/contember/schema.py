"""The schema: what `schema.graphql` declares, with a resolver for each root field."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ariadne import InterfaceType, MutationType, ObjectType, QueryType, make_executable_schema

from keywright.dialects.contember import (
    global_roles,
    identities,
    keys,
    logins,
    members,
    otp,
    people,
    projects,
)
from keywright.web.graphql.schemas import resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema

    from keywright.dialects.contember.fields import Resolver

_NOUNS = (identities, people, projects, members, keys, global_roles, logins, otp)
TEXT = Path(__file__).with_name("schema.graphql")


def build_schema() -> GraphQLSchema:
    """The executable schema. A root field without a resolver is a defect, and stops the start."""
    query, mutation = QueryType(), MutationType()
    objects: dict[str, ObjectType] = {}
    for noun in _NOUNS:
        _bind(query, getattr(noun, "QUERIES", {}))
        _bind(mutation, getattr(noun, "MUTATIONS", {}))
        for name, fields in getattr(noun, "FIELDS", {}).items():
            _bind(objects.setdefault(name, ObjectType(name)), fields)
    variables = InterfaceType("RoleVariableDefinition", lambda *_: "RoleEntityVariableDefinition")
    text = TEXT.read_text("utf-8")
    return resolved(make_executable_schema(text, query, mutation, variables, *objects.values()))


def _bind(kind: ObjectType, fields: Mapping[str, Resolver]) -> None:
    for name, resolve in fields.items():
        kind.set_field(name, resolve)
