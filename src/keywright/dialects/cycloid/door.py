"""The transport: which call a request is, who makes it, and the form of every answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from keywright.core.errors import KeywrightError
from keywright.dialects.cycloid import api_keys, bodies, errors, organizations, users
from keywright.dialects.cycloid.asked import Asked, Page
from keywright.dialects.cycloid.errors import (
    NO_API_KEYS,
    NO_METHOD,
    NOT_FOUND,
    OPEN,
    Declined,
    LengthRequired,
)
from keywright.web.asking import Asking
from keywright.web.calls import call_with
from keywright.web.errors import encode
from keywright.web.mounts import Answer, Door, name_route, path_below, preflight
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from keywright.services.service import Services
    from keywright.web.visit import Visit

    Handler = Callable[[Asked], Awaitable[Any]]

MAX_PARAMETERS: Final = 100
_WITH_BODY: Final = frozenset({"POST", "PUT"})
_NO_CONTENT: Final = 204
_PART = re.compile(r"\{([a-z_]+)\}")


class Who(Enum):
    """Who may make a call: anybody, users alone, or API keys too."""

    ANYBODY = "anybody"
    USERS = "users"
    KEYS = "users and API keys"


@dataclass(frozen=True, slots=True)
class Route:
    """One call: Cycloid's name for it, its method and path, and what answers it."""

    operation: str
    method: str
    template: str
    who: Who
    handler: Handler

    @property
    def pattern(self) -> str:
        """What matches its paths."""
        return _PART.sub(r"(?P<\1>[^/]+)", self.template)


_KEYS = "/organizations/{organization_canonical}/api_keys"
_KEY = f"{_KEYS}/{{api_key_canonical}}"
_ORG = "/organizations/{organization_canonical}"

ROUTES: Final = (
    Route("getAPIKeys", "GET", _KEYS, Who.KEYS, api_keys.list_api_keys),
    Route("createAPIKey", "POST", _KEYS, Who.KEYS, api_keys.create_api_key),
    Route("getAPIKey", "GET", _KEY, Who.KEYS, api_keys.get_api_key),
    Route("updateAPIkey", "PUT", _KEY, Who.KEYS, api_keys.update_api_key),
    Route("deleteAPIKey", "DELETE", _KEY, Who.KEYS, api_keys.delete_api_key),
    Route("getPolicies", "GET", f"{_ORG}/policies", Who.KEYS, organizations.list_policies),
    Route("getRoles", "GET", f"{_ORG}/roles", Who.KEYS, organizations.list_org_roles),
    Route("canDo", "POST", f"{_ORG}/can_do", Who.KEYS, organizations.can_do),
    Route("getOrgs", "GET", "/organizations", Who.USERS, organizations.list_organizations),
    Route("getOrg", "GET", _ORG, Who.KEYS, organizations.get_organization),
    Route("login", "POST", "/user/login", Who.ANYBODY, users.log_in),
    Route("loginToOrg", "POST", "/user/login/{organization_canonical}", Who.ANYBODY, users.log_in),
    Route("refreshToken", "GET", "/user/refresh_token", Who.USERS, users.refresh_token),
    Route("getUserAccount", "GET", "/user", Who.USERS, users.get_user),
    Route("signUp", "POST", "/user", Who.ANYBODY, users.sign_up),
)


def _by_path() -> tuple[tuple[re.Pattern[str], str, Mapping[str, Route]], ...]:
    templates = dict.fromkeys(route.template for route in ROUTES)
    return tuple(
        (
            re.compile(next(one.pattern for one in ROUTES if one.template == template)),
            template,
            {one.method: one for one in ROUTES if one.template == template},
        )
        for template in templates
    )


_BY_PATH: Final = _by_path()


def door(services: Services, tenant: str | None) -> Door:
    """The door; with a tenant, that organization alone is answered."""

    async def enter(scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        visit = visit_of(scope)
        try:
            answer = await _answer(services, tenant, scope, visit)
        except LengthRequired:
            answer = Answer(411, b"", OPEN)
        except Declined as refusal:
            answer = errors.declined(refusal, visit)
        except KeywrightError as error:
            answer = errors.refuse(error, visit)
        await _send(answer, send)

    return enter


async def _answer(services: Services, tenant: str | None, scope: Any, visit: Visit) -> Answer:  # noqa: ANN401 - ASGI
    path, methods = _found(scope)
    method: str = scope["method"]
    if method == "OPTIONS":
        return preflight(visit, ", ".join(sorted({*methods, "OPTIONS"})))
    if method not in methods:
        raise Declined(NO_METHOD, headers={"Allow": ", ".join(sorted({*methods, "OPTIONS"}))})
    route, token = methods[method], _token(visit)
    asked = Asked(
        services=services,
        visit=visit,
        asking=await _admitted(route, token, visit, services),
        path=path,
        query=_query(scope["query_string"]),
        body=bodies.read(visit) if route.method in _WITH_BODY else {},
        token=token,
        only=tenant,
    )
    return _shown(await route.handler(asked))


def _found(scope: Any) -> tuple[dict[str, str], Mapping[str, Route]]:  # noqa: ANN401 - ASGI is untyped
    """What stands in a path, and the calls that it takes. Raises `Declined` for a path that leads nowhere."""
    below = path_below(scope)
    for pattern, template, methods in _BY_PATH:
        match = pattern.fullmatch(below)
        if match is not None:
            name_route(scope, template)
            return match.groupdict(), methods
    raise Declined(NOT_FOUND)


async def _admitted(route: Route, token: str | None, visit: Visit, services: Services) -> Asking | None:
    """What runs use cases for whoever calls, None where anybody may; raises before a body is looked at."""
    if route.who is Who.ANYBODY:
        return None
    call = await call_with(token, visit, services)
    if route.who is Who.USERS and call.caller.session is None:
        raise Declined(NO_API_KEYS)
    return Asking(services, call)


def _token(visit: Visit) -> str | None:
    """The token of `Authorization: Bearer …`; what is in another form is no credential here."""
    scheme, _, token = (visit.header(b"authorization") or "").partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


def _query(raw: bytes) -> tuple[tuple[str, str], ...]:
    """The query in the order in which it was sent; brackets and what stands in expressions may be escaped or not.

    A `+` is a plus and no space: Cycloid's client sends it as it is in an expression, and a space as `%20`.
    """
    try:
        return tuple(
            parse_qsl(
                raw.decode("latin-1").replace("+", "%2B"),
                keep_blank_values=True,
                encoding="utf-8",
                errors="strict",
                max_num_fields=MAX_PARAMETERS,
            )
        )
    except ValueError:  # too many, or no text
        raise errors.invalid("query should be text in UTF-8, of at most 100 parameters") from None


def _shown(result: object) -> Answer:
    """The answer that shows a result."""
    if result is None:
        return Answer(_NO_CONTENT, b"", OPEN)
    if not isinstance(result, Page):
        return Answer(200, encode({"data": result}), OPEN)
    pagination = {"index": result.paging.index, "size": result.paging.size, "total": result.total}
    return Answer(200, encode({"data": list(result.items), "pagination": pagination}), OPEN)


async def _send(answer: Answer, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
    """Send an answer; one that says that there is nothing says nothing of what it would be either."""
    if answer.status != _NO_CONTENT:
        await answer.send(send)
        return
    head = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": _NO_CONTENT, "headers": head})
    await send({"type": "http.response.body", "body": b""})
