"""API keys, which clients before 0.15 call API tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.core.errors import InvalidValue, NotFound
from keywright.core.listing import MAX_PAGE, KeyQuery
from keywright.dialects.prefect import mapping
from keywright.dialects.prefect.fields import later
from keywright.dialects.prefect.hasura import exactly, kept, ordered
from keywright.dialects.prefect.people import known
from keywright.services.keys import (
    KeyId,
    KeyIds,
    ListKeys,
    NewKey,
    create_key,
    delete_keys,
    get_key,
    list_keys,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.core.keys import Key
    from keywright.dialects.prefect.fields import Field
    from keywright.dialects.prefect.hasura import Where
    from keywright.dialects.prefect.requests import Request
    from keywright.services.keys import CreatedKey, KeyView


def shown(request: Request, key: Key) -> dict[str, Any]:
    """A key, with whose it is and who made it where that is asked for."""
    maker = key.created_by
    return mapping.plain_key(key) | {
        "user": later(lambda: known(request, key.identity_id)),
        "created_by": None if maker is None else later(lambda: known(request, maker)),
    }


async def auth_api_key(request: Request, args: dict[str, Any]) -> list[dict[str, Any]]:
    """The keys that the caller may see, the oldest first."""
    rows = [shown(request, one.key) for one in await _found(request, args.get("where"))]
    return ordered(kept(rows, args.get("where")), args.get("order_by"))


async def api_token(request: Request, args: dict[str, Any]) -> list[dict[str, Any]]:
    """The same keys as tokens."""
    rows = [
        shown(request, one.key) | mapping.plain_token(one.key, one.owner)
        for one in await _found(request, args.get("where"))
    ]
    return ordered(kept(rows, args.get("where")), args.get("order_by"))


async def create_api_key(request: Request, args: dict[str, Any]) -> dict[str, Any]:
    """A key of the caller or, by who may, of somebody else; it is shown this once."""
    given = args["input"]
    asking = await request.asking()
    elsewhere = await request.elsewhere(given.get("default_tenant_id"))
    new = NewKey(
        name=given["name"],
        expires_at=given.get("expires_at"),
        identity_id=mapping.id_of("idn", given["user_id"]),
    )
    return _made(await asking.run(create_key, new, tenant=elsewhere))


async def create_api_token(request: Request, args: dict[str, Any]) -> dict[str, Any]:
    """A key of the caller, which as a token for agents may do nothing else."""
    given = args["input"]
    asking = await request.asking()
    if given["scope"] not in {mapping.RUNNER, mapping.USER}:
        raise InvalidValue("A token has the scope RUNNER or USER.", field="scope")
    scope = mapping.RUNNER_SCOPE if given["scope"] == mapping.RUNNER else None
    new = NewKey(name=given["name"], expires_at=given.get("expires_at"), scope=scope)
    return _made(await asking.run(create_key, new))


async def delete_api_key(request: Request, args: dict[str, Any]) -> dict[str, Any]:
    """Delete a key for good; answers when no node accepts it any more."""
    return await _deleted(request, args["input"]["key_id"])


async def delete_api_token(request: Request, args: dict[str, Any]) -> dict[str, Any]:
    """Delete a key, as clients before 1.0 say it."""
    return await _deleted(request, args["input"]["token_id"])


async def _found(request: Request, where: Where) -> list[KeyView]:
    """The keys among which those are that are looked for: one, those of one owner, or all."""
    asking = await request.asking()
    one = exactly(where, "id")
    if one is not None:
        try:
            return [await asking.run(get_key, KeyId(mapping.id_of("key", one)))]
        except NotFound:
            return []
    owner = exactly(where, "user_id")
    query = KeyQuery(
        identity_id=None if owner is None else mapping.id_of("idn", owner),
        descending=False,
        limit=MAX_PAGE,
    )
    return await asking.every(list_keys, lambda cursor: ListKeys(query=query, cursor=cursor))


def _made(created: CreatedKey) -> dict[str, Any]:
    secret = None if created.token is None else created.token.reveal()
    return {"id": mapping.uuid_of(created.view.key.id), "key": secret, "token": secret}


async def _deleted(request: Request, given: str) -> dict[str, Any]:
    asking = await request.asking()
    try:
        await asking.run(delete_keys, KeyIds((mapping.id_of("key", given),)))
    except NotFound:
        # Clients say so in a sentence; an error would be the end of a traceback.
        return {"success": False, "error": "No such API key."}
    return {"success": True, "error": None}


QUERIES: Mapping[str, Field] = {"auth_api_key": auth_api_key, "api_token": api_token}
MUTATIONS: Mapping[str, Field] = {
    "create_api_key": create_api_key,
    "delete_api_key": delete_api_key,
    "create_api_token": create_api_token,
    "delete_api_token": delete_api_token,
}
