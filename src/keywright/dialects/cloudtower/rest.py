"""REST: the operations at `/v2/api/…`, each with what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import InvalidValue, KeywrightError
from keywright.dialects.cloudtower.bodies import json_object
from keywright.dialects.cloudtower.errors import (
    METHOD_NOT_ALLOWED,
    NO_SUCH_OPERATION,
    body_of,
    code_of,
    error_body,
    headers_of,
)
from keywright.dialects.cloudtower.lists import asked_of
from keywright.dialects.cloudtower.login import log_in
from keywright.dialects.cloudtower.mapping import user_out
from keywright.dialects.cloudtower.nouns import API_KEYS, ROLES, USERS
from keywright.dialects.cloudtower.request import entered
from keywright.web.errors import encode
from keywright.web.mounts import Answer, name_route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from keywright.dialects.cloudtower.nouns import Noun
    from keywright.dialects.cloudtower.request import Request
    from keywright.services.service import Services
    from keywright.web.visit import Visit

    Run = Callable[[Request, dict[str, Any]], Awaitable[object]]

VERSION: Final = "4.6.0"
"""The version whose calls these are: clients look at it to know what they may ask."""
PREFIX: Final = "/v2/api/"


def _list(noun: Noun) -> Run:
    async def run(request: Request, given: dict[str, Any]) -> object:
        return await noun.shown_list(request, given)

    return run


def _count(noun: Noun) -> Run:
    async def run(request: Request, given: dict[str, Any]) -> object:
        return {"aggregate": {"count": await noun.counted(request, given)}}

    return run


async def _no_vms(_request: Request, given: dict[str, Any]) -> list[object]:
    """There are no machines; what is asked of them is looked at as far as it is asked of any list."""
    if not isinstance(given.get("where"), dict | None):
        raise InvalidValue("A filter is an object.", field="where")
    asked_of("ExternalCloudTower", given | {"where": None, "orderBy": None})
    return []


async def _no_vms_counted(request: Request, given: dict[str, Any]) -> object:
    return {"aggregate": {"count": len(await _no_vms(request, given))}}


async def _my_info(request: Request, _given: dict[str, Any]) -> object:
    return user_out(await request.directory.caller())


OPERATIONS: Final[Mapping[str, Run]] = {
    "get-api-keys": _list(API_KEYS),
    "get-api-keys-connection": _count(API_KEYS),
    "get-my-info": _my_info,
    "get-user-role-nexts": _list(ROLES),
    "get-user-role-nexts-connection": _count(ROLES),
    "get-users": _list(USERS),
    "get-users-connection": _count(USERS),
    "get-vms": _no_vms,
    "get-vms-connection": _no_vms_counted,
}
"""The operations of somebody who is known."""

OPEN: Final = ("get-version", "login")
"""The operations of anybody."""


@dataclass(frozen=True, slots=True)
class RestDoor:
    """`/v2/api/<operation>`."""

    services: Services
    tenant: str

    async def answer(self, scope: Any, visit: Visit, name: str) -> Answer:  # noqa: ANN401 - ASGI is untyped
        """Answer one call; the body of an error names the operation."""
        if name not in OPERATIONS and name not in OPEN:
            body = error_body(NO_SUCH_OPERATION, "There is no such operation here.", "/", {})
            return Answer(NO_SUCH_OPERATION[0], encode(body))
        path = f"/{name}"
        name_route(scope, PREFIX + name)
        allowed = ("GET", "POST") if name == "get-version" else ("POST",)
        if scope["method"] not in allowed:
            message = f"This is called by {' or '.join(allowed)}."
            body = error_body(METHOD_NOT_ALLOWED, message, path, {})
            return Answer(METHOD_NOT_ALLOWED[0], encode(body), {"Allow": ", ".join(allowed)})
        try:
            return Answer(200, encode(await self._run(visit, name)))
        except KeywrightError as error:
            return Answer(code_of(error)[0], encode(body_of(error, path)), headers_of(error))

    async def _run(self, visit: Visit, name: str) -> object:
        if name == "get-version":
            return VERSION
        given = json_object(visit.body or b"{}")
        if name == "login":
            return await log_in(self.services, visit, self.tenant, given)
        return await OPERATIONS[name](await entered(visit, self.services, self.tenant), given)
