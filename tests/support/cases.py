"""How each use case is called in the tests that hold for all of them.

`tests/services/cases/<noun>.py` has a `CASES` for the use cases of each noun; a use case without one fails a test.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keywright import services
from keywright.services.work import UseCase

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House, Made

FOR_DIALECTS = frozenset(
    {"keys.allowed", "keys.disable_own", "keys.find", "keys.impact", "keys.locate", "memberships.assign"}
    | {"memberships.of_identity", "tenants.enter"}
)
"""Use cases that calls of other systems or pages of the console need, and that our own doors do not have."""

_FOLDER = Path(__file__).parents[1] / "services" / "cases"


@dataclass(frozen=True, slots=True)
class Place:
    """A tenant with an administrator, a key to do things to, and what a case has prepared in it."""

    tenant: Tenant
    admin: Caller
    target: Made
    things: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """How to call a use case: on something of a place, and on something that is nowhere.

    `prepare` makes what `on` needs, into `Place.things`. `entries` are the audit actions that it leaves.
    `who` makes a caller who may do it, where an administrator's key (of the tenant, or of the installation for
    what concerns that) is not one. `unbound` says that a key confined to the
    tenant cannot do it. `yields` says that a stranger gets an answer too, of its own things alone.
    `everywhere` says that the entry stands in the installation's trail though the use case concerns a tenant.
    `quiet` says that it changes something and leaves no entry. `adopt` makes what it is done to the thing of the
    one who does it, where only that one may.
    """

    on: Callable[[Place], Any]
    on_nothing: Callable[[], Any]
    entries: tuple[str, ...] = ()
    prepare: Callable[[House, Place], Awaitable[None]] | None = None
    who: Callable[[House, Place], Awaitable[Caller]] | None = None
    unbound: bool = False
    yields: bool = False
    everywhere: bool = False
    quiet: bool = False
    adopt: Callable[[House, Place, Caller], Awaitable[None]] | None = None
    secrets: Callable[[Any], list[str]] = field(default=lambda _result: [])
    """The secrets in its result, none of which may stand in the trail."""


def nothing(_place: Place | None = None) -> None:
    """No input."""
    return


def use_cases() -> dict[str, UseCase[Any, Any]]:
    """Every use case there is, by its name."""
    found: dict[str, UseCase[Any, Any]] = {}
    for module in pkgutil.walk_packages(services.__path__, f"{services.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, UseCase):
                assert found.setdefault(value.name, value) is value
    return found


def all_cases() -> dict[str, Case]:
    """The cases of all nouns."""
    found: dict[str, Case] = {}
    for path in sorted(_FOLDER.glob("[a-z]*.py")):
        found |= importlib.import_module(f"tests.services.cases.{path.stem}").CASES
    return found
