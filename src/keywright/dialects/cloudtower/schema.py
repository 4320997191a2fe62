"""The schema: the types of `schema.graphql`, the filters of the table, and who resolves what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ariadne import ObjectType, make_executable_schema

from keywright.core.errors import MissingField
from keywright.dialects.cloudtower import keys
from keywright.dialects.cloudtower.ids import of_name
from keywright.dialects.cloudtower.kinds import sdl
from keywright.dialects.cloudtower.nouns import API_KEYS, ROLES, USERS
from keywright.web.graphql.schemas import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import GraphQLResolveInfo, GraphQLSchema

    from keywright.dialects.cloudtower.mapping import Row
    from keywright.dialects.cloudtower.nouns import Noun
    from keywright.dialects.cloudtower.request import Request

    Info: TypeAlias = GraphQLResolveInfo[Request]
    Resolver: TypeAlias = Callable[..., Any]

OPEN_FIELDS: Final = frozenset({"authnStrategies", "__schema", "__type", "__typename"})
"""What needs no credential."""

STRATEGIES: Final = ({"id": of_name("authn", "LOCAL"), "type": "LOCAL", "name": "LOCAL"},)
"""The ways to log in by name and password: there is one directory of people."""


def build_schema() -> GraphQLSchema:
    """The schema with its resolvers. A root field without one is a defect, and stops the start."""
    return resolved(make_executable_schema([SDL, sdl()], *_types()))


def _types() -> tuple[ObjectType, ...]:
    query, mutation = ObjectType("Query"), ObjectType("Mutation")
    for field, noun in {"apiKeys": API_KEYS, "users": USERS, "userRoleNexts": ROLES}.items():
        query.set_field(field, _listing(noun))
        query.set_field(f"{field}Connection", _counting(noun))
    query.set_field("apiKey", _api_key)
    query.set_field("authnStrategies", _strategies)
    query.set_field("user", _one_of(USERS, "id", "username"))
    query.set_field("userRoleNext", _one_of(ROLES, "id"))
    mutation.set_field("createApiKey", _create)
    mutation.set_field("updateApiKey", _update)
    mutation.set_field("deleteApiKey", _delete)
    api_key, user, role = ObjectType("ApiKey"), ObjectType("User"), ObjectType("UserRoleNext")
    api_key.set_field("key", _secret)
    api_key.set_field("username", _username)
    api_key.set_field("user", _owner)
    api_key.set_field("roles", _roles_of_key)
    user.set_field("roles", _roles_of_user)
    role.set_field("users", _users_of_role)
    return query, mutation, api_key, user, role


def _listing(noun: Noun) -> Resolver:
    async def resolve(_root: None, info: Info, **given: Any) -> list[Row]:  # noqa: ANN401 - arguments
        rows = await noun.listed(info.context, given)
        info.context.hand(len(rows))
        return rows

    return resolve


def _counting(noun: Noun) -> Resolver:
    async def resolve(_root: None, info: Info, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - arguments
        return {"aggregate": {"count": await noun.counted(info.context, given)}}

    return resolve


def _one_of(noun: Noun, *names: str) -> Resolver:
    """One thing by what is unique of it."""

    async def resolve(_root: None, info: Info, where: Mapping[str, Any]) -> Row | None:
        wanted = {name: where[name] for name in names if where.get(name) is not None}
        if not wanted:
            raise MissingField(f"Name it by its {' or '.join(names)}.", field="where")
        return next(iter(await noun.listed(info.context, {"where": wanted})), None)

    return resolve


def _strategies(_root: None, _info: Info) -> tuple[dict[str, str], ...]:
    return STRATEGIES


async def _api_key(_root: None, info: Info, where: Mapping[str, Any]) -> Row | None:
    return await keys.one(info.context, where)


async def _create(_root: None, info: Info, data: Mapping[str, Any]) -> Row:
    return await keys.create(info.context, data)


async def _update(_root: None, info: Info, data: Mapping[str, Any], where: Mapping[str, Any]) -> Row:
    return await keys.update(info.context, data, where)


async def _delete(_root: None, info: Info, where: Mapping[str, Any]) -> Row:
    return await keys.delete(info.context, where)


def _secret(row: Row, _info: Info) -> str | None:
    token = row.get("token")
    return None if token is None else token.reveal()


async def _username(row: Row, info: Info) -> str | None:
    await keys.fill_in_user(info.context, row)
    found: str | None = row["username"]
    return found


async def _owner(row: Row, info: Info) -> Row | None:
    await keys.fill_in_user(info.context, row)
    info.context.hand(1)
    found: Row | None = row["user"]
    return found


async def _roles_of_key(row: Row, info: Info) -> list[Row] | None:
    await keys.fill_in_roles(info.context, row)
    return _handed(info, row["roles"])


def _roles_of_user(row: Row, info: Info) -> list[Row] | None:
    return _handed(info, row["roles"])


async def _users_of_role(row: Row, info: Info) -> list[Row] | None:
    if "users" not in row:
        await info.context.directory.fill_in_users()
    return _handed(info, row["users"])


def _handed(info: Info, rows: list[Row] | None) -> list[Row] | None:
    info.context.hand(len(rows or ()))
    return rows


SDL: Final = (Path(__file__).parent / "schema.graphql").read_text("utf-8")
