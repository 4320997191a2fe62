"""What every schema has to keep, whichever door it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphql import GraphQLSchema


def resolved(schema: GraphQLSchema) -> GraphQLSchema:
    """The schema, on the condition that each root field has a resolver. One without is a defect: `RuntimeError`."""
    for root in (schema.query_type, schema.mutation_type):
        bare = [name for name, field in (root.fields if root else {}).items() if field.resolve is None]
        if bare:
            raise RuntimeError(f"These fields have no resolver: {', '.join(bare)}")
    return schema
