"""Which keys a list shows and in what order, as its address says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from keywright.core.instants import rfc3339
from keywright.core.keys import State
from keywright.core.listing import DEFAULT_PAGE, Between, KeyQuery, KeySort

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from keywright.console.forms import Form

STATES: Final[Mapping[str, str]] = {
    "active": "active",
    "disabled": "disabled",
    "expired": "expired",
    "not_yet_valid": "not yet valid",
}
CREATED: Final[Mapping[str, str]] = {
    "1d": "in the last 24 hours",
    "7d": "in the last 7 days",
    "30d": "in the last 30 days",
    "over90d": "over 90 days ago",
    "over365d": "over a year ago",
}
EXPIRES: Final[Mapping[str, str]] = {
    "14d": "within 14 days",
    "30d": "within 30 days",
    "90d": "within 90 days",
    "past": "already expired",
    "never": "never",
}
USED: Final[Mapping[str, str]] = {
    "1d": "in the last 24 hours",
    "7d": "in the last 7 days",
    "30d": "in the last 30 days",
    "not30d": "used, not for 30 days",
    "not90d": "used, not for 90 days",
    "never": "never",
}
SIZES: Final = (DEFAULT_PAGE, 100, 200)
SORTS: Final[Mapping[str, KeySort]] = {
    "name": KeySort.NAME,
    "created": KeySort.CREATED_AT,
    "used": KeySort.LAST_USED_AT,
    "expires": KeySort.EXPIRES_AT,
}
_DOWNWARDS: Final = frozenset({"created", "used"})
"""The columns that begin with what is newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the address says; a value that it cannot have counts as none. `sort` begins with `-` for downwards."""

    q: str = ""
    state: str = ""
    owner: str = ""
    created: str = ""
    expires: str = ""
    used: str = ""
    sort: str = ""
    size: int = DEFAULT_PAGE
    cursor: str = ""

    @classmethod
    def of(cls, query: Form) -> Filters:
        """Read them from an address."""

        def one_of(name: str, known: Mapping[str, str]) -> str:
            value = query.get(name)
            return value if value in known else ""

        sort, size = query.get("sort"), query.get("size")
        return cls(
            q=query.get("q"),
            state=one_of("state", STATES),
            owner=query.get("owner"),
            created=one_of("created", CREATED),
            expires=one_of("expires", EXPIRES),
            used=one_of("used", USED),
            sort=sort if sort.removeprefix("-") in SORTS else "",
            size=next((one for one in SIZES if str(one) == size), DEFAULT_PAGE),
            cursor=query.get("cursor"),
        )

    @property
    def any(self) -> bool:
        """Whether they leave out any key."""
        return bool(self.q or self.state or self.owner or self.created or self.expires or self.used)

    @property
    def order(self) -> str:
        """By what the list is sorted: as one chose, else by what the filters look for, which an index has together."""
        if self.sort:
            return self.sort
        if self.q:
            return "name"
        if self.expires:
            return "-expires" if self.expires in ("past", "never") else "expires"
        if self.used:
            return "used" if self.used.startswith("not") else "-used"
        return "-created"

    def address(self, **changes: object) -> dict[str, object]:
        """What the address says of them, with some values changed; a change of these begins with the first page."""
        found: dict[str, object] = {
            "q": self.q,
            "state": self.state,
            "owner": self.owner,
            "created": self.created,
            "expires": self.expires,
            "used": self.used,
            "sort": self.sort,
            "size": "" if self.size == DEFAULT_PAGE else self.size,
        }
        return found | changes

    def sorted_by(self, column: str) -> dict[str, object]:
        """The address that sorts by a column, or turns the order round where it is sorted by it."""
        first, other = (f"-{column}", column) if column in _DOWNWARDS else (column, f"-{column}")
        return self.address(sort=other if self.order == first else first)

    def direction(self, column: str) -> str | None:
        """How the list is sorted by a column: `ascending`, `descending`, or None where it is not."""
        if self.order.removeprefix("-") != column:
            return None
        return "descending" if self.order.startswith("-") else "ascending"

    def query(self, now: datetime) -> KeyQuery:
        """The question that they stand for."""
        never_ends, never_used = self.expires == "never", self.used == "never"
        return KeyQuery(
            search=self.q or None,
            states=frozenset({State(self.state)}) if self.state else frozenset(),
            identity_id=self.owner or None,
            created=_ago(self.created, now),
            expires=_coming(self.expires, now),
            ends=False if never_ends else None,
            last_used=_ago(self.used, now),
            used=False if never_used else None,
            sort=SORTS[self.order.removeprefix("-")],
            descending=self.order.startswith("-"),
            limit=self.size,
        )


def _ago(value: str, now: datetime) -> Between:
    """The span behind words such as `7d`, and `not30d` or `over90d` for what lies before it."""
    if not value or value == "never":
        return Between()
    days = int(value.removeprefix("not").removeprefix("over").removesuffix("d"))
    moment = _minute(now) - timedelta(days=days)
    return Between(since=moment) if value[0].isdigit() else Between(until=moment)


def _coming(value: str, now: datetime) -> Between:
    if not value or value == "never":
        return Between()
    if value == "past":
        return Between(until=now)
    return Between(now, now + timedelta(days=int(value.removesuffix("d"))))


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


def as_rest(query: KeyQuery) -> dict[str, Any]:
    """A question in the words of the REST door, which the command line shares; without what is left out."""
    found: dict[str, Any] = {
        "search": query.search,
        "state": next(iter(query.states), None),
        "identity_id": query.identity_id,
        "created_since": query.created.since,
        "created_until": query.created.until,
        "expires_since": query.expires.since,
        "expires_until": query.expires.until,
        "ends": query.ends,
        "last_used_since": query.last_used.since,
        "last_used_until": query.last_used.until,
        "used": query.used,
        "sort": query.sort.value,
        "order": "desc" if query.descending else "asc",
        "limit": query.limit,
    }
    return {
        name: rfc3339(value) if hasattr(value, "isoformat") else value
        for name, value in found.items()
        if value is not None
    }
