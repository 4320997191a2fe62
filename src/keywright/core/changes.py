"""Changes that nodes must hear of, and the receipt for one of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

EVERYTHING = "*"
"""Touched in place of an id: nothing that a node remembers may be used any more."""


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry of the change feed: its epoch, and the ids of the keys, identities and tenants that it touched.

    To touch an identity or a tenant touches all keys that speak for it or are used in it.
    """

    epoch: int
    touched: tuple[str, ...]


class NodeOutcome(StrEnum):
    """How a receipt knows that a node no longer answers by what was true before."""

    ACKNOWLEDGED = "acknowledged"
    """The node said that it has dropped what the change touched."""
    EXPIRED = "expired"
    """The node did not say so, and its lease has run out."""
    PENDING = "pending"
    """Neither is known yet; only in a receipt that was not waited for."""


@dataclass(frozen=True, slots=True)
class NodeReceipt:
    """One node in a receipt."""

    id: str
    outcome: NodeOutcome


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a change is true on every node: the epoch, how long the call waited, and how each node is known to know.

    `complete` is False only where the caller did not want to wait; then `effective_by` is the time by which it is
    true everywhere, whatever becomes of any node.
    """

    epoch: int
    complete: bool
    waited_ms: int
    nodes: tuple[NodeReceipt, ...] = ()
    effective_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """A node as the others know it.

    `beat` counts its renewals: who sees it stand still for longer than `lease_us` and `grace_us` (microseconds) by a
    clock of its own knows that the node answers nothing from memory any more. `renewed_at` is for people to read.
    """

    id: str
    name: str
    kind: str
    version: str
    started_at: datetime
    renewed_at: datetime
    beat: int
    applied: int
    lease_us: int
    grace_us: int
