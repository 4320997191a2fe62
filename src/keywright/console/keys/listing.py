"""The keys of a tenant: found, filtered, sorted and paged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from keywright.console.forms import Errors
from keywright.console.keys import finding, owners
from keywright.console.keys.codes import list_code
from keywright.console.keys.filters import CREATED, EXPIRES, SIZES, STATES, USED, Filters
from keywright.console.keys.glance import Glance, glance, lexicon_for
from keywright.console.keys.owners import Owner, owner_named, owner_of
from keywright.console.routing import page
from keywright.core.errors import InvalidCursor, InvalidValue
from keywright.core.keys import State
from keywright.services.keys import ListKeys, list_keys

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.services.keys import KeyList, KeyView

_SOON: Final = timedelta(days=14)
CHOICES: Final = (
    ("state", "State", "any", STATES),
    ("used", "Last used", "any time", USED),
    ("expires", "Expires", "any time", EXPIRES),
    ("created", "Created", "any time", CREATED),
)
"""The filters that are picked from a few words: name in the address, label, what stands for none, and the words."""
COLUMNS: Final = (
    ("name", "Name", ""),
    ("", "Speaks for", "hide-s"),
    ("", "May", "hide-s"),
    ("created", "Created", "hide-s hide-m"),
    ("used", "Last used", ""),
    ("expires", "Expires", "hide-s"),
    ("", "State", ""),
)
"""The heads of the table: what one sorts by it, its words, and where it is hidden."""


@dataclass(frozen=True, slots=True)
class Row:
    """A key as the list shows it. `picked` says whether the reader may do anything to it here."""

    view: KeyView
    owner: Owner
    may: Glance
    soon: bool
    picks: bool


@page("/t/{tenant}/keys", needs="keys:read", own="keys:own:read")
async def listing(ask: Ask) -> Response:
    """The list; our script is given its changing part alone. A token in the address is answered without it."""
    if finding.holds_token(ask.query):
        return ask.to(ask.at("keys/find", why="address"))
    filters = Filters.of(ask.query)
    query = filters.query(ask.now)
    errors, found = Errors(), None
    try:
        found = await ask.run(list_keys, ListKeys(query=query, cursor=filters.cursor or None))
    except InvalidCursor:
        return ask.to(ask.at("keys", **filters.address()))
    except InvalidValue as error:
        errors = ask.refused(error, "search")
    context: dict[str, Any] = {
        "filters": filters,
        "found": found,
        "rows": [] if found is None else await _rows(ask, found),
        "errors": errors,
        "columns": COLUMNS,
        "sizes": SIZES,
        "deeds": deeds(ask),
        "code": None if found is None else list_code(ask, query, filters.cursor),
    }
    if ask.wants_part and ask.target == "list":
        return ask.part("keys/list_found.html", ask.status, **context)
    owner = None if not filters.owner else await owner_named(ask, filters.owner, found)
    return ask.page("keys/list.html", ask.status, owner=owner, choices=CHOICES, **context)


def deeds(ask: Ask) -> tuple[str, ...]:
    """What the reader may do to several keys at once, at least to their own."""
    wanted = (("disable", "update"), ("enable", "update"), ("delete", "delete"))
    return tuple(deed for deed, act in wanted if ask.may(f"keys:{act}") or ask.may(f"keys:own:{act}"))


async def _rows(ask: Ask, found: KeyList) -> list[Row]:
    # Without a scope to be said, the catalog is not needed.
    scoped = any(view.key.scope for view in found.items)
    lexicon = await lexicon_for(ask) if scoped else None
    # Keys that are made alike are read alike, and once.
    said = {view.key.scope: glance(view.key.scope, lexicon) for view in found.items}
    return [_row(ask, view, said[view.key.scope]) for view in found.items]


def _row(ask: Ask, view: KeyView, may: Glance) -> Row:
    key = view.key
    soon = view.state is State.ACTIVE and key.expires_at is not None and key.expires_at - ask.now < _SOON
    owned = key.identity_id == ask.caller.identity.id
    picks = any(
        ask.may(f"keys:{act}") or (owned and ask.may(f"keys:own:{act}")) for act in ("update", "delete")
    )
    return Row(view, owner_of(ask, view), may, soon, picks)


PAGES = (listing, *finding.PAGES, *owners.PAGES)
