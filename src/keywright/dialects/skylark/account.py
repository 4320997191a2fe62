"""Who asks, and in which account: answered from memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.dialects.skylark.permissions import held, role_of

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

    from keywright.dialects.skylark.requests import Request

VERSION = "latest"


def get_user(_root: object, info: GraphQLResolveInfo[Request]) -> dict[str, Any]:
    """What the key in use may do."""
    request = info.context
    account = request.account
    permissions = held(lambda action: request.caller.may(account.id, action))
    return {"account": account.slug, "permissions": permissions, "role": role_of(permissions)}


def get_account(_root: object, info: GraphQLResolveInfo[Request]) -> dict[str, Any]:
    """The account that the key in use belongs to. It has no languages and objects here, so nothing is set for them."""
    request = info.context
    config = {"draft_update": False, "migrated": True, "raise_uid_exception": False}
    return {"account_id": request.account.slug, "config": config, "skylark_version": VERSION}
