"""How a page is declared: its path, and what one must be allowed to see it. Without the second there is no page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.responses import Response


class Open(Enum):
    """Who may open a page for which no permission of Keywright's is needed."""

    ANYBODY = "anybody"
    """Also who is not logged in."""
    LOGGED_IN = "logged in"
    """Every person; the page shows what is their own, or what each use case lets them see."""


Needs = Open | str


@dataclass(frozen=True, slots=True)
class Page:
    """A page or the target of a form.

    `needs` is the action that one must be allowed in the page's tenant (with the installation where the path names
    no tenant), or that it takes none; with `own`, that action will do. `run` is given an `Ask`, or a `Guest` where
    `needs` is `ANYBODY`.
    """

    path: str
    needs: Needs
    own: str | None
    methods: tuple[str, ...]
    run: Callable[[Any], Awaitable[Response]]


def page(
    path: str, *, needs: Needs, own: str | None = None, methods: Sequence[str] = ("GET",)
) -> Callable[[Callable[[Any], Awaitable[Response]]], Page]:
    """Declare a function as a page. `{tenant}` in its path is the slug of a tenant, or `*` for the installation."""

    def declare(run: Callable[[Any], Awaitable[Response]]) -> Page:
        return Page(path, needs, own, tuple(methods), run)

    return declare
