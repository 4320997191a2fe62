"""How a field is declared: as a function of the request and the arguments, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from keywright.dialects.prefect.requests import Request

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

Field: TypeAlias = Callable[[Request, dict[str, Any]], Awaitable[Any]]
"""Resolves a root field; raises the errors of `core.errors`."""


def resolver(field: Field) -> Callable[..., Awaitable[Any]]:
    """A field as the schema calls it."""

    async def resolve(_root: object, info: GraphQLResolveInfo[Request], **args: Any) -> Any:  # noqa: ANN401 - any shape
        return await field(info.context, args)

    return resolve


def later(look_up: Callable[[], Awaitable[Any]]) -> Callable[[object], Awaitable[Any]]:
    """A value inside an answer that is looked up only where it was asked for."""
    return lambda _info: look_up()
