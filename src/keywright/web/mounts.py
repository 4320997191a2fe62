"""Dialects: doors that answer another system's calls, each below a path of its own and in a form of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from keywright.web.errors import send_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keywright.core.errors import KeywrightError
    from keywright.services.service import Services
    from keywright.web.setups import Setup
    from keywright.web.visit import Visit

PREFIX: Final = "/dialects/"

Door: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application. The edge around it has read the body of the request: see `visit_of`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"

    async def send(self, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Send it over plain ASGI."""
        await send_json(send, self.status, self.body, self.headers, self.media_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One system whose calls are answered, at `/dialects/{name}`.

    `door` makes the application for the services and the slug of the tenant that was chosen for it, if one was.
    `refuse` is that system's form of an error that came up before or outside the door, such as a body that is too
    large; None is a defect, of which nothing is said.
    """

    name: str
    title: str
    door: Callable[[Services, str | None], Door]
    refuse: Callable[[KeywrightError | None, Visit], Answer]
    setup: Setup

    @property
    def path(self) -> str:
        """Where it is mounted."""
        return f"{PREFIX}{self.name}"


@dataclass(frozen=True, slots=True)
class Route:
    """What metrics and logs call the path of a request: its template, in which nothing stands that was sent."""

    path: str


class Mounts:
    """The dialects that are switched on, and the tenant that each was given, if any."""

    def __init__(self, services: Services, chosen: Iterable[tuple[Dialect, str | None]]) -> None:
        self._doors: dict[str, Door] = {}
        self._refusals: dict[str, Callable[[KeywrightError | None, Visit], Answer]] = {}
        for one, tenant in chosen:
            self._doors[one.name] = _mounted(one, one.door(services, tenant))
            self._refusals[one.name] = one.refuse

    def door(self, path: str) -> Door | None:
        """The door for a path, None where no dialect is."""
        return self._doors.get(_name_in(path))

    def refusal(self, path: str) -> Callable[[KeywrightError | None, Visit], Answer] | None:
        """How errors are answered at a path, None where no dialect is."""
        return self._refusals.get(_name_in(path))


def _name_in(path: str) -> str:
    return path[len(PREFIX) :].partition("/")[0] if path.startswith(PREFIX) else ""


def _mounted(dialect: Dialect, door: Door) -> Door:
    path, unnamed = dialect.path, Route(f"{dialect.path}/…")

    async def entered(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        scope["root_path"] = path
        scope["route"] = unnamed
        await door(scope, receive, send)

    return entered


def path_below(scope: Any) -> str:  # noqa: ANN401 - an ASGI scope is a plain dictionary
    """The path of a request below its dialect: empty, or with a slash at its front."""
    path: str = scope["path"]
    return path[len(scope["root_path"]) :]


def name_route(scope: Any, template: str) -> None:  # noqa: ANN401 - an ASGI scope is a plain dictionary
    """Say what metrics and logs call this path; `template` stands below the dialect and holds nothing that was sent."""
    scope["route"] = Route(scope["root_path"] + template)


def preflight(visit: Visit, methods: str) -> Answer:
    """The answer to a browser that asks whether a page from elsewhere may call: it may, with what it asks for.

    No credential is asked for here, and none is ever taken from a cookie, so that a page can send only what it
    has been given.
    """
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": methods}
    wanted = visit.listed(b"access-control-request-headers")
    if wanted:
        headers["Access-Control-Allow-Headers"] = wanted
        headers["Vary"] = "Access-Control-Request-Headers"
    return Answer(204, b"", headers)
