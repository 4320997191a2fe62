"""API keys: made in a project or over the installation, and disabled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import InvalidTokenHash, NotFound, PermissionDenied, TokenHashTaken, UnknownRole
from keywright.dialects.contember import mapping
from keywright.dialects.contember.errors import bad_input
from keywright.dialects.contember.fields import done, failed, named, no_project, root
from keywright.dialects.contember.mapping import key_texts, said
from keywright.dialects.contember.members import with_memberships
from keywright.dialects.contember.projects import bad_hash, keys_in, with_token
from keywright.services.keys import KeyChanges, KeyId, NewKey, create_key, locate_key, update_key
from keywright.services.memberships import RoleInput
from keywright.services.places import EVERYWHERE
from keywright.services.revocation import disable_own_key
from keywright.services.sessions import SessionId, end_one_session

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keywright.dialects.contember.fields import Args, Request, Resolver

_CREATE: Final = "You are not allowed to create an API key for this project"
_CREATE_GLOBAL: Final = "You are not allowed to create a global API key"
_DISABLE: Final = "You are not allowed to disable an API key"


async def create_api_key(request: Request, args: Args) -> dict[str, Any]:
    """Make a key of a project, with an identity of its own that holds roles there."""
    slug: str = args["projectSlug"]

    async def act(roles: tuple[RoleInput, ...]) -> dict[str, Any]:
        return await _create(request, args, roles, slug)

    try:
        return await with_memberships(request, args, act)
    except NotFound:
        if request.may_everywhere("keys:create"):
            return no_project(slug)
        raise


async def create_global_api_key(request: Request, args: Args) -> dict[str, Any]:
    """Make a key over the installation, with an identity of its own that holds global roles."""
    words = dict.fromkeys(args.get("roles") or ())
    roles = tuple(RoleInput(one) for one in stored_roles(words))
    try:
        return await _create(request, args, roles, EVERYWHERE)
    except UnknownRole:
        wrong = next(one for one in words if not mapping.is_global_role(one))
        raise bad_input(f"Role {said(wrong)} is not valid") from None


def stored_roles(words: Iterable[str]) -> list[str]:
    """Our roles for Contember's; what no role is called is an empty name, which nobody can give, and comes last."""
    ours = [one for one in map(mapping.global_role, words) if one is not None]
    return ours + [""] * (not all(map(mapping.is_global_role, words)))


async def _create(request: Request, args: Args, roles: tuple[RoleInput, ...], where: str) -> dict[str, Any]:
    name, description = key_texts(args["description"])
    new = NewKey(name=name, description=description, memberships=roles, token_hash=args.get("tokenHash"))
    try:
        made = await request.asking.run(create_key, new, tenant=where)
    except InvalidTokenHash:
        raise bad_hash() from None
    except TokenHashTaken:
        raise bad_input("This tokenHash is used already.") from None
    return done({"apiKey": with_token(made)})


async def disable_api_key(request: Request, args: Args) -> dict[str, Any]:
    """Disable a key, wherever it is, or end a session of one's own."""
    key_id = named("key", args["id"])
    caller = request.caller
    if caller.key is not None and caller.key.id == key_id:
        await request.asking.run(disable_own_key, None)
        return done()
    try:
        place = await request.asking.run(locate_key, KeyId(key_id))
    except NotFound:
        return await _end_session(request, args["id"])
    await request.asking.run(update_key, KeyChanges(id=key_id, active=False), tenant=place.named)
    return done()


async def _end_session(request: Request, uuid: str) -> dict[str, Any]:
    """End the session of one's own that an id may name in place of a key."""
    if request.caller.session is not None:
        try:
            await request.asking.run(end_one_session, SessionId(named("ses", uuid)))
        except NotFound:
            pass
        else:
            return done()
    if not request.may_somewhere("keys:update", "keys:own:update"):
        raise PermissionDenied("This needs the permission keys:update.")
    return failed("KEY_NOT_FOUND", "API key not found")


async def global_api_keys(request: Request, _args: Args) -> list[dict[str, Any]]:
    """The keys over the installation, the newest first; none for who may not see them."""
    try:
        return await keys_in(request, EVERYWHERE, None)
    except PermissionDenied:
        return []


QUERIES: Final[Mapping[str, Resolver]] = {"globalApiKeys": root(global_api_keys)}
MUTATIONS: Final[Mapping[str, Resolver]] = {
    "createApiKey": root(create_api_key, _CREATE),
    "createGlobalApiKey": root(create_global_api_key, _CREATE_GLOBAL),
    "disableApiKey": root(disable_api_key, _DISABLE),
}
