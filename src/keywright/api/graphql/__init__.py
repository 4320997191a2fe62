"""The GraphQL door: the use cases of keys, tenants and decisions in a schema of our own."""

from keywright.api.graphql.door import graphql_door

__all__ = ["graphql_door"]
