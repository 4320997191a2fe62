"""The console as an ASGI application: finds the page, who asks, in which tenant, and whether they may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from keywright.console import (
    account,
    audit,
    catalog,
    choosing,
    home,
    keys,
    login,
    nodes,
    people,
    roles,
    service_accounts,
    tenant_settings,
    tenants,
    usage,
)
from keywright.console.account.confirming import asked_to_confirm
from keywright.console.account.password import PATH as PASSWORD_PATH
from keywright.console.asking import Ask, Guest, Place
from keywright.console.cookies import SESSION, TENANT, cookies_of, is_proof, keep_for_long
from keywright.console.login.entering import stood_on, told_again
from keywright.console.rendering import ASSETS, PREFIX
from keywright.console.routing import Open
from keywright.core.errors import (
    FreshLoginRequired,
    KeywrightError,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from keywright.services.places import EVERYWHERE
from keywright.services.tenants import TenantSlug, enter_tenant
from keywright.web.calls import call_with
from keywright.web.errors import defect_problem, problem_of
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from keywright.console.routing import Page
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from keywright.services.service import Services

PAGES: Final[tuple[Page, ...]] = (
    *home.PAGES,
    *login.PAGES,
    *account.PAGES,
    *keys.PAGES,
    *service_accounts.PAGES,
    *people.PAGES,
    *roles.PAGES,
    *catalog.PAGES,
    *usage.PAGES,
    *audit.PAGES,
    *choosing.PAGES,
    *tenant_settings.PAGES,
    *tenants.PAGES,
    *nodes.PAGES,
)
"""Every page of the console."""

_WITH_ANY_PASSWORD: Final = {PASSWORD_PATH, "/logout", "/account/theme"}
_TOPS: Final = frozenset(page.path.split("/")[1] for page in PAGES)
_NOT_HERE: Final = "There is nothing at this address, or not for you."


def is_console(path: str) -> bool:
    """Whether a path belongs to the console."""
    top = path.split("/", 2)[1]
    return (top in _TOPS if top else path == "/") or path.startswith(PREFIX)


def console_door(services: Services) -> Starlette:
    """The console over these services. It serves every path of which `is_console` says so."""
    routes = [
        ASSETS.route(),
        *(Route(page.path, _Endpoint(page, services).serve, methods=list(page.methods)) for page in PAGES),
    ]

    async def nothing(request: Request, error: Exception) -> Response:
        guest = Guest(request, visit_of(request.scope), services, cookies_of(visit_of(request.scope)))
        status = error.status_code if isinstance(error, HTTPException) else 404
        detail = "This address does not take this method." if status == 405 else _NOT_HERE
        response = guest.page("error.html", status, detail=detail, code="", request_id=guest.visit.request_id)
        response.headers.update(getattr(error, "headers", None) or {})
        return response

    async def defect(request: Request, _error: Exception) -> Response:
        """The answer to an error that nobody expected; it goes on to the edge, which logs it."""
        visit = visit_of(request.scope)
        found = defect_problem(visit.request_id)
        guest = Guest(request, visit, services, cookies_of(visit))
        return guest.page(
            "error.html", found.status, detail=found.detail, code=found.code, request_id=visit.request_id
        )

    return Starlette(routes=routes, exception_handlers={404: nothing, 405: nothing, Exception: defect})


class _Endpoint:
    """One page at work."""

    def __init__(self, page: Page, services: Services) -> None:
        self._page = page
        self._services = services

    async def serve(self, request: Request) -> Response:
        """Answer a request for it."""
        request.scope["route"] = self._page  # of which the edge names the path in metrics and logs
        visit = visit_of(request.scope)
        guest = Guest(request, visit, self._services, cookies_of(visit))
        asked = guest
        try:
            asked = await self._asked(guest)
            if request.method == "POST":
                _require_own_form(asked)
            response = _first_of_all(asked, self._page) or await self._page.run(asked)
        except FreshLoginRequired as error:
            return await asked_to_confirm(asked) if isinstance(asked, Ask) else _answer(guest, error)
        except KeywrightError as error:
            return _answer(guest, error)
        if isinstance(asked, Ask) and asked.place is not None:
            keep_for_long(response, visit, TENANT, asked.place.named)
        return response

    async def _asked(self, guest: Guest) -> Guest:
        """Who asks, if they may open this page. Raises `Unauthenticated` and `NotFound`."""
        needs = self._page.needs
        if needs is Open.ANYBODY:
            return guest
        token = guest.cookies.get(SESSION)
        call = await call_with(token or None, guest.visit, self._services)
        if call.caller.session is None:
            raise Unauthenticated("The console takes the session of a person, and no key. Log in.")
        place, around = await self._places(guest, call.caller)
        ask = Ask(guest, call.caller, token or "", place, around)
        if not isinstance(needs, Open) and not ask.may(needs):
            own = self._page.own
            if own is None or not ask.may(own):
                raise NotFound(_NOT_HERE)
        return ask

    async def _places(self, guest: Guest, caller: Caller) -> tuple[Place | None, Place | None]:
        """The tenant of the page, and the one whose links are shown."""
        named = guest.request.path_params.get("tenant")
        if named is not None:
            place = await self._entered(named, guest, caller)
            return place, place
        last = guest.cookies.get(TENANT)
        if last is None:
            return None, None
        try:
            return None, await self._entered(last, guest, caller)
        except (NotFound, PermissionDenied):
            return None, None

    async def _entered(self, named: str, guest: Guest, caller: Caller) -> Place:
        if named == EVERYWHERE:
            if not caller.roles_everywhere:
                raise NotFound(_NOT_HERE)
            return Place(None, EVERYWHERE)
        tenant: Tenant = await Ask(guest, caller, "", None, None).run(enter_tenant, TenantSlug(named))
        return Place(tenant, named)


def _first_of_all(asked: Guest, page: Page) -> Response | None:
    """The way to choosing a password, for who has one that was generated and printed; None where all is well."""
    due = isinstance(asked, Ask) and asked.caller.password_change_due
    if not due or page.path in _WITH_ANY_PASSWORD:
        return None
    after = _asked_for(asked)
    return asked.to(f"{PASSWORD_PATH}?next={quote(after)}" if after else PASSWORD_PATH)


def _asked_for(guest: Guest) -> str:
    """The page to go back to after a login; empty for the start.

    For a form and for a part of a page, that is the page on which they stand.
    """
    if guest.request.method == "GET" and not guest.wants_part:
        address = told_again(guest.request.url.path, guest.request.url.query)
    else:
        address = stood_on(guest)
    return "" if address == "/" else address


def _require_own_form(asked: Guest) -> None:
    """Raise `PermissionDenied` for a form that another site may have sent."""
    shown = asked.form.get("csrf") or asked.request.headers.get("x-csrf")
    site = asked.request.headers.get("sec-fetch-site", "same-origin")
    origin = asked.request.headers.get("origin")
    same = origin is None or urlsplit(origin).netloc == asked.request.headers.get("host")
    if not (same and site == "same-origin" and asked.secret and is_proof(asked.secret, shown)):
        raise PermissionDenied(
            "This form is not from a page of this login. Open the page again, and repeat it."
        )


def _answer(guest: Guest, error: KeywrightError) -> Response:
    """The answer to an error that a page let through."""
    if isinstance(error, Unauthenticated):
        after = _asked_for(guest)
        had = bool(guest.cookies.get(SESSION))
        query = "&".join([*(["ended=1"] if had else []), *([f"next={quote(after)}"] if after else [])])
        # The cookie stays: it may by now be another, of a login in another tab.
        return guest.to(f"/login?{query}" if query else "/login")
    problem, headers = problem_of(error, guest.visit.request_id)
    # What is missing and what is not for the reader look alike.
    detail = _NOT_HERE if isinstance(error, NotFound) and not guest.wants_part else problem.detail
    context = {"detail": detail, "code": problem.code, "request_id": problem.request_id}
    kept = {name: value for name, value in headers.items() if name == "Retry-After"}
    if guest.wants_part:
        where = {"HX-Retarget": "#notices", "HX-Reswap": "innerHTML"}
        return guest.part("notice.html", problem.status, {**where, **kept}, **context)
    response = guest.page("error.html", problem.status, **context)
    response.headers.update(kept)
    return response
