"""The bar at the side: only what the reader may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.console.routing import Open

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.console.routing import Needs


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: what it is called, where it leads, and what one must be allowed (or `own` of it) to see it."""

    name: str
    path: str
    needs: Needs
    own: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Some lines under a heading, which the first group does without. They are of a tenant, or of the installation."""

    name: str | None
    entries: tuple[Entry, ...]
    everywhere: bool = False


GROUPS: Final = (
    Group(
        None,
        (
            Entry("Keys", "keys", "keys:read", "keys:own:read"),
            Entry("Service accounts", "service-accounts", "identities:read"),
            Entry("People", "people", "identities:read"),
            Entry("Roles", "roles", "roles:read"),
            Entry("Catalog", "catalog", "catalog:read"),
        ),
    ),
    Group(
        "Watch",
        (
            Entry("Usage", "usage", "usage:read"),
            Entry("Audit log", "audit", "audit:read"),
            Entry("Settings", "settings", "tenants:read"),
        ),
    ),
    Group(
        "Installation",
        (Entry("Tenants", "/tenants", Open.LOGGED_IN), Entry("Nodes", "/nodes", "nodes:read")),
        everywhere=True,
    ),
    Group("Mine", (Entry("Sessions and factors", "/account", Open.LOGGED_IN),), everywhere=True),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A line as it is shown."""

    name: str
    href: str
    current: bool


def shown(
    here: str, place: str | None, may: Callable[[str], bool], may_everywhere: Callable[[str], bool]
) -> list[tuple[str | None, list[Link]]]:
    """The groups that have something for the reader. `place` is the slug (or `*`) of the tenant that is looked at."""
    found = []
    for group in GROUPS:
        if place is None and not group.everywhere:
            continue
        asked = may_everywhere if group.everywhere else may
        links = [
            _link(one, here, place)
            for one in group.entries
            if isinstance(one.needs, Open) or asked(one.needs) or (one.own is not None and asked(one.own))
        ]
        if links:
            found.append((group.name, links))
    return found


def _link(entry: Entry, here: str, place: str | None) -> Link:
    href = entry.path if entry.path.startswith("/") else f"/t/{place}/{entry.path}"
    return Link(entry.name, href, current=here == href or here.startswith(f"{href}/"))
