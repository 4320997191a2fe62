"""Who acted, by an id, as far as the reader may know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.console.choosing import with_id

if TYPE_CHECKING:
    from keywright.console.asking import Ask

_KINDS: Final = {"key": "a key", "ses": "a session", "idn": "somebody"}


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who may have acted: the id, and how people know them."""

    id: str
    name: str
    kind: str


async def actor_of(ask: Ask, actor_id: str) -> Actor:
    """Who an id stands for, as far as the reader may know."""
    somebody = await with_id(ask, actor_id) if actor_id.startswith("idn_") else None
    if somebody is not None:
        return Actor(actor_id, somebody.name, somebody.kind)
    kind = _KINDS.get(actor_id[:3], "")
    return Actor(actor_id, f"{kind} …{actor_id[-8:]}" if kind else actor_id[:40], kind)
