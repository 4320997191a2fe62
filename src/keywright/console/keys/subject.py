"""The key that a page is about, what the reader may do with it, and what is known beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from keywright.core.identities import IdentityKind
from keywright.core.keys import State
from keywright.core.usage import By
from keywright.services.agents import ListAgents, list_agents
from keywright.services.keys import KeyId, get_key
from keywright.services.usage import KeyUsageQuestion, key_usage

if TYPE_CHECKING:
    from keywright.console.asking import Ask
    from keywright.core.identities import Identity
    from keywright.core.keys import Key
    from keywright.services.agents import AgentList
    from keywright.services.keys import KeyView
    from keywright.services.usage import KeyUsage

WEEK: Final = timedelta(days=7)
AGENTS: Final = 10
"""Agents of one key that are shown; of more, that there are more."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A key and who looks at it."""

    ask: Ask
    view: KeyView

    @property
    def key(self) -> Key:
        """The key."""
        return self.view.key

    @property
    def owner(self) -> Identity | None:
        """For whom it speaks."""
        return self.view.owner

    @property
    def own(self) -> bool:
        """Whether it speaks for the reader."""
        return self.key.identity_id == self.ask.caller.identity.id

    def may(self, action: str) -> bool:
        """Whether the reader may do something with this key: with any, with this one, or with their own."""
        resource = f"key:{self.key.id}"
        noun, _, rest = action.partition(":")
        return self.ask.may(action, resource) or (self.own and self.ask.may(f"{noun}:own:{rest}", resource))

    @property
    def may_transfer(self) -> bool:
        """Whether the reader may give it to another owner, which one's own rights do not do for."""
        return self.ask.may("keys:update", f"key:{self.key.id}")

    @property
    def may_copy(self) -> bool:
        """Whether the reader may make another key."""
        return self.ask.may("keys:create") or self.ask.may("keys:own:create")

    @property
    def is_off(self) -> bool:
        """Whether somebody switched it off."""
        return self.view.state is State.DISABLED

    def at(self, *parts: str, **query: object) -> str:
        """The address of a page of this key."""
        return self.ask.at("/".join(("keys", self.key.id, *parts)), **query)

    @property
    def owner_path(self) -> str | None:
        """The page of its owner, None where it has none that the reader may open."""
        if self.owner is None or not self.ask.may("identities:read"):
            return None
        where = {IdentityKind.SERVICE_ACCOUNT: "service-accounts", IdentityKind.USER: "people"}.get(
            self.owner.kind
        )
        return None if where is None else self.ask.at(f"{where}/{self.owner.id}")

    @property
    def owner_words(self) -> str:
        """What sort of owner it is."""
        if self.owner is None:
            return "somebody who is gone"
        return {
            IdentityKind.SERVICE_ACCOUNT: "a service account",
            IdentityKind.USER: "a person",
            IdentityKind.KEY: "made for this key alone",
        }[self.owner.kind]


async def subject_of(ask: Ask) -> Subject:
    """The key of the page's address. Raises `NotFound`."""
    return Subject(ask, await ask.run(get_key, KeyId(ask.variable("id"))))


async def week_of(subject: Subject) -> KeyUsage | None:
    """Its usage in the last seven days by hours, None for who may not know it."""
    if not subject.may("usage:read"):
        return None
    ask = subject.ask
    since = ask.now - WEEK + timedelta(hours=1)
    return await ask.run(key_usage, KeyUsageQuestion(id=subject.key.id, since=since, by=By.HOUR))


async def agents_of(subject: Subject) -> AgentList | None:
    """The agents that run with it, None for who may not know of them, and for a global key, which has none here."""
    ask = subject.ask
    if ask.place is None or ask.place.tenant is None:
        return None
    if not (ask.may("agents:read") or (subject.own and ask.may("agents:own:read"))):
        return None
    return await ask.run(list_agents, ListAgents(key_id=subject.key.id, limit=AGENTS))
