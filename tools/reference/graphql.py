"""The reference of GraphQL, from the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    Undefined,
    get_named_type,
    is_specified_scalar_type,
    print_ast,
)
from graphql.utilities import ast_from_value

from keywright.api.graphql.schema import build_schema
from tools.reference.text import code, marked, table

if TYPE_CHECKING:
    from graphql import GraphQLArgument, GraphQLField, GraphQLInputField, GraphQLNamedType, GraphQLType

INTRODUCTION = """\
# All of GraphQL

Every query, mutation and type, as the schema tells them; `!` stands for what is never null.
[GraphQL](../graphql.md) says what all of them have in common, and `/graphiql` of a server is a page to try them.
"""


def text() -> str:
    """Return the page."""
    schema = build_schema()
    lines = [INTRODUCTION]
    for title, root in (("Queries", schema.query_type), ("Mutations", schema.mutation_type)):
        lines += [f"## {title}", ""]
        assert root is not None
        for name, field in root.fields.items():
            lines += call(title.removesuffix("s").replace("ie", "y").lower(), name, field)
    roots = {schema.query_type, schema.mutation_type}
    lines += ["## Types", ""]
    for kind in sorted(schema.type_map.values(), key=lambda one: one.name.lower()):
        if kind not in roots and not kind.name.startswith("__") and not is_specified_scalar_type(kind):
            lines += section(kind)
    return "\n".join(lines).rstrip() + "\n"


def call(word: str, name: str, field: GraphQLField) -> list[str]:
    """Return what the page says of a query or a mutation."""
    lines = [
        f"### {word} {name}",
        "",
        marked(field.description or ""),
        "",
        f"Gives {reference(field.type)}.",
        "",
    ]
    return lines + table(
        ("argument", "type", "what it says"), (row(name, one) for name, one in field.args.items())
    )


def section(kind: GraphQLNamedType) -> list[str]:
    """Return what the page says of a type."""
    lines = [f"### {kind.name}", "", marked(kind.description or ""), ""]
    match kind:
        case GraphQLEnumType():
            values = ((code(name), marked(one.description or "")) for name, one in kind.values.items())
            lines += table(("value", "what it says"), values)
        case GraphQLUnionType():
            lines += [f"One of {', '.join(reference(one) for one in kind.types)}.", ""]
        case GraphQLInputObjectType():
            lines += table(("field", "type", "what it says"), (row(*one) for one in kind.fields.items()))
        case GraphQLObjectType() | GraphQLInterfaceType():
            fields = (
                (
                    code(f"{name}({', '.join(one.args)})" if one.args else name),
                    reference(one.type),
                    marked(one.description or ""),
                )
                for name, one in kind.fields.items()
            )
            lines += table(("field", "type", "what it says"), fields)
        case GraphQLScalarType():
            pass
    return lines


def row(name: str, one: GraphQLArgument | GraphQLInputField) -> tuple[str, str, str]:
    """Return the row of an argument or of a field that is sent."""
    said = marked(one.description or "")
    if one.default_value is not Undefined and one.default_value is not None:
        default = ast_from_value(one.default_value, one.type)
        if default is not None:
            said = f"{said} Default {code(print_ast(default))}.".strip()
    return code(name), reference(one.type), said


def reference(kind: GraphQLType) -> str:
    """Return a type as the schema writes it, with a link to what the page says of it."""
    named = get_named_type(kind)
    if is_specified_scalar_type(named):
        return code(str(kind))
    return f"[{code(str(kind))}](#{named.name.lower()})"
