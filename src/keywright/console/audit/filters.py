"""Which entries of the audit log somebody wants to see, as it stands in the address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from keywright.core.ids import is_any_id
from keywright.services.trail import ListEntries

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.console.asking import Ask

SPANS: Final = (
    ("", "Any time", None),
    ("1h", "Last hour", timedelta(hours=1)),
    ("1d", "Last 24 hours", timedelta(days=1)),
    ("7d", "Last 7 days", timedelta(days=7)),
    ("30d", "Last 30 days", timedelta(days=30)),
)
"""Spans that one picks: the word in the address, its name, and how far back it reaches."""
_LENGTHS: Final = {word: length for word, _, length in SPANS}

FAMILIES: Final = (
    ("key.*", "Everything with keys"),
    ("service_account.*", "Everything with service accounts"),
    ("user.*", "Everything with people"),
    ("membership.*", "Every role given or taken"),
    ("role.*", "Everything with roles"),
    ("invitation.*", "Everything with invitations"),
    ("session.*", "Every login and logout"),
    ("factor.*", "Everything with second factors"),
    ("tenant.*", "Everything with tenants"),
    ("catalog.apply", "Every catalog"),
    ("agent.*", "Everything with agents"),
)
"""What one picks first: all actions that begin alike."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What stands in the address."""

    actor: str = ""
    action: str = ""
    target: str = ""
    last: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, ask: Ask) -> Filters:
        """The filters of a request. An id that was typed for who acted is taken for a choice."""
        query = ask.query
        typed = query.get("actor_name")
        return cls(
            actor=query.get("actor") or (typed if is_any_id(typed) else ""),
            action=query.get("action"),
            target=query.get("target"),
            last=query.get("last"),
            since=query.get("since"),
            until=query.get("until"),
        )

    @property
    def any(self) -> bool:
        """Whether anything narrows the list."""
        return any((self.actor, self.action, self.target, self.last, self.since, self.until))

    def pairs(self, **changed: str) -> dict[str, str]:
        """What stands in the address, with some of it changed."""
        kept = {name: getattr(self, name) for name in ("actor", "action", "target", "last", "since", "until")}
        return kept | changed

    def question(self, ask: Ask) -> ListEntries:
        """The use case's input, for the first page. Raises `InvalidValue`."""
        return ListEntries(
            actor=self.actor or None,
            target=self.target or None,
            action=self.action or None,
            since=self._since(ask),
            until=ask.query.moment("until", ask.zone),
        )

    def _since(self, ask: Ask) -> datetime | None:
        length = _LENGTHS.get(self.last)
        return ask.query.moment("since", ask.zone) if length is None else ask.now - length


def plain(question: ListEntries) -> dict[str, Any]:
    """The filters of a question as programs send them."""
    named: dict[str, Any] = {
        "actor": question.actor,
        "target": question.target,
        "action": question.action,
        "since": None if question.since is None else question.since.isoformat(),
        "until": None if question.until is None else question.until.isoformat(),
    }
    return {name: value for name, value in named.items() if value is not None}
