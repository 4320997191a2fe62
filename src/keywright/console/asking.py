"""What a page is given: who asks for what, the use cases with that person's rights, and the ways to answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from keywright.console import navigation, words
from keywright.console.code import code_of
from keywright.console.cookies import NOTE, THEME, VISIT, ZONE, drop_cookie, note_of, proof_of, set_note
from keywright.console.forms import Errors, parsed
from keywright.console.rendering import render
from keywright.core.errors import FreshLoginRequired, NotFound, Unauthenticated, Unavailable
from keywright.services.work import Call
from keywright.web.assets import GUARDS
from keywright.web.errors import STATUS
from keywright.web.pages import policy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from starlette.requests import Request

    from keywright.console.code import Code, Graph, Rest
    from keywright.console.forms import Form
    from keywright.core.changes import Receipt
    from keywright.core.errors import KeywrightError
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from keywright.services.service import Changed, Services
    from keywright.services.work import UseCase
    from keywright.web.visit import Visit

In = TypeVar("In")
Out = TypeVar("Out")

# A form says where it comes from only where addresses of our own may be told to ourselves.
_HEADERS = {
    "Content-Security-Policy": policy(),
    "Cache-Control": "no-store",
    **GUARDS,
    "Referrer-Policy": "same-origin",
}


class Guest:
    """Who asks for a page without being logged in, or before it is known."""

    def __init__(self, request: Request, visit: Visit, services: Services, cookies: dict[str, str]) -> None:
        self.request = request
        self.visit = visit
        self.services = services
        self.cookies = cookies
        self.status = 200

    @property
    def here(self) -> str:
        """The path that was asked for."""
        path: str = self.request.url.path
        return path

    @property
    def wants_part(self) -> bool:
        """Whether our script asked, which puts what it gets into the page that is shown."""
        return "hx-request" in self.request.headers

    @property
    def target(self) -> str:
        """The id of the element that our script will fill, empty where none."""
        return self.request.headers.get("hx-target", "").rpartition("#")[2]

    @cached_property
    def query(self) -> Form:
        """What stands in the address behind the question mark."""
        return parsed(self.request.url.query)

    @cached_property
    def form(self) -> Form:
        """What a form sent. Raises `MalformedRequest`."""
        return parsed(self.visit.body.decode("utf-8", "replace"))

    def variable(self, name: str) -> str:
        """A variable of the path."""
        found: str = self.request.path_params[name]
        return found

    @property
    def now(self) -> datetime:
        """The moment, by the clock that decisions go by."""
        return self.services.now()

    @cached_property
    def zone(self) -> ZoneInfo | None:
        """The reader's time zone, where it is known."""
        return words.zone_of(self.cookies.get(ZONE, "").replace("%2F", "/"))

    @property
    def secret(self) -> str:
        """The cookie from which the proofs in forms are made; empty for who has none, whose forms are refused."""
        return self.cookies.get(VISIT, "")

    def context(self) -> dict[str, Any]:
        """What every template may use: `ask`, `csrf` (for forms), `theme`, and `note` (what the last page left)."""
        return {
            "ask": self,
            "csrf": proof_of(self.secret),
            "theme": self.cookies.get(THEME, ""),
            "note": note_of(self.secret, self.cookies.get(NOTE)),
        }

    def page(self, template: str, status: int = 200, **context: Any) -> Response:  # noqa: ANN401 - as the template
        """Answer with a whole page."""
        response = HTMLResponse(render(template, {**self.context(), **context}), status, dict(_HEADERS))
        if NOTE in self.cookies:
            drop_cookie(response, self.visit, NOTE)
        return response

    def part(
        self,
        template: str,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **context: Any,  # noqa: ANN401 - as the template
    ) -> Response:
        """Answer our script with a part of a page."""
        text = render(template, {**self.context(), **context})
        return HTMLResponse(text, status, {**_HEADERS, **(headers or {})})

    def dialog(
        self,
        template: str,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **context: Any,  # noqa: ANN401 - as the template
    ) -> Response:
        """Answer with a dialog: over the page where our script asked, else as a page of its own.

        The template extends `dialog.html`.
        """
        if self.wants_part:
            return self.part(template, status, headers, frame="dialog_part.html", **context)
        response = self.page(template, status, frame="dialog_page.html", **context)
        response.headers.update(headers or {})
        return response

    def json(self, body: Any, status: int = 200) -> Response:  # noqa: ANN401 - as JSON has it
        """Answer a script of ours with data."""
        return JSONResponse(body, status, dict(_HEADERS))

    def to(self, path: str) -> Response:
        """Go on to another page of ours, by GET."""
        if self.wants_part:
            return Response(status_code=200, headers={"HX-Redirect": path, **_HEADERS})
        return RedirectResponse(path, 303, dict(_HEADERS))

    def refused(self, error: KeywrightError, *fields: str) -> Errors:
        """What to say of an error in a form with these fields. It is raised again where it is not the form's.

        Sets the status for the answer in `self.status`.
        """
        if isinstance(error, Unauthenticated | FreshLoginRequired | NotFound | Unavailable):
            raise error
        self.status = STATUS[type(error)]
        return Errors.of(error, fields)


@dataclass(frozen=True, slots=True)
class Place:
    """The tenant of a page, or the installation (no tenant); `named` is what calls and addresses name."""

    tenant: Tenant | None
    named: str

    @property
    def id(self) -> str | None:
        """The tenant's id, None for the installation."""
        return None if self.tenant is None else self.tenant.id

    @property
    def name(self) -> str:
        """What people call it."""
        return "Whole installation" if self.tenant is None else self.tenant.name


class Ask(Guest):
    """A person who is logged in asks for a page, in a tenant where the path names one."""

    def __init__(
        self, guest: Guest, caller: Caller, token: str, place: Place | None, around: Place | None
    ) -> None:
        super().__init__(guest.request, guest.visit, guest.services, guest.cookies)
        self.caller = caller
        self.place = place
        self.around = around
        """The tenant whose links the bar shows: the page's, or the one that was looked at before it."""
        self._token = token

    @property
    def secret(self) -> str:
        """The session's token, which no template may show."""
        return self._token

    @property
    def call(self) -> Call:
        """A call by this person, for the page's tenant."""
        return Call(
            caller=self.caller,
            tenant=None if self.place is None else self.place.named,
            ip=self.visit.ip_text,
            request_id=self.visit.request_id,
        )

    async def run(self, use: UseCase[In, Out], data: In, tenant: str | None = None) -> Out:
        """Run a use case with this person's rights; raises the errors of `core.errors`."""
        return (await self.change(use, data, tenant)).result

    async def change(
        self, use: UseCase[In, Out], data: In, tenant: str | None = None, *, once: str | None = None
    ) -> Changed[Out]:
        """Run a use case, and wait until what it changed is true on every node.

        `tenant` stands in place of the page's; under the same `once` the same thing is made but once.
        """
        call = replace(self.call, idempotency_key=once)
        if tenant is not None:
            call = replace(call, tenant=tenant)
        return await self.services.change(use, call, data)

    def may(self, action: str, resource: str | None = None) -> bool:
        """Whether this person may do something in the page's tenant, or with the installation."""
        return self.caller.may(None if self.place is None else self.place.id, action, resource)

    def may_everywhere(self, action: str) -> bool:
        """Whether this person may do something with the whole installation."""
        return self.caller.may(None, action)

    def may_or_own(self, action: str, identity_id: str | None) -> bool:
        """Whether this person may do something with what an identity owns: to all such things, or to its own."""
        noun, _, rest = action.partition(":")
        own = identity_id == self.caller.identity.id and self.may(f"{noun}:own:{rest}")
        return own or self.may(action)

    def at(self, path: str = "", **query: object) -> str:
        """The address of a page of this tenant; `query` is put behind it, without what is None or empty."""
        base = f"/t/{self.place.named}" if self.place is not None else ""
        pairs = [f"{name}={quote(str(value))}" for name, value in query.items() if value not in (None, "")]
        address = f"{base}/{path}" if path else base
        return f"{address}?{'&'.join(pairs)}" if pairs else address

    def code(self, *, rest: Rest, graph: Graph, cli: Sequence[str]) -> Code:
        """An action in the page's tenant as GraphQL, curl and command line."""
        return code_of(None if self.place is None else self.place.named, rest=rest, graph=graph, cli=cli)

    def context(self) -> dict[str, Any]:
        """As `Guest.context`, with `groups`, the links of the bar at the side."""
        around = self.around

        def may_around(action: str) -> bool:
            return around is not None and self.caller.may(around.id, action)

        named = None if around is None else around.named
        groups = navigation.shown(self.here, named, may_around, self.may_everywhere)
        return {**super().context(), "groups": groups}

    def done(self, path: str, text: str, receipt: Receipt | None = None, did: str = "Refused") -> Response:
        """Go on to another page, which says what was done, and with a receipt where it is true."""
        said = text if receipt is None else f"{text} {words.receipt(receipt, did)}"
        response = self.to(path)
        set_note(response, self.visit, self.secret, {"text": said, "kind": "done"})
        return response
