"""What a node without a database says to a server, which does the same on the database in its place, and the answers.

Each message is one JSON object, told apart by `do`. Both ends are of the same `FORM`, which comes with each message:
what stands in a row is known to whoever reads it, and an agent of another form is told so whenever it asks.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from keywright.core.changes import EVERYTHING
from keywright.core.limits import Level  # noqa: TC001 - msgspec reads it
from keywright.storage.lookup import FACTS_COLUMNS

FORM: Final = hashlib.sha256("\n".join(("1", *FACTS_COLUMNS)).encode()).hexdigest()[:16]
"""Names the messages and the columns of the rows in them."""
FORM_HEADER: Final = "Keywright-Form"
LONGEST_WAIT: Final = 20.0
MAX_USES: Final = 500
MAX_UNSPENT: Final = 500


def hidden(touched: str) -> str:
    """What an id is called in the feed: only who knows the id can tell that it is meant."""
    return touched if touched == EVERYTHING else hashlib.sha256(touched.encode()).hexdigest()[:32]


class Hello(msgspec.Struct, tag_field="do", tag="hello", frozen=True):
    """May I, and under which terms."""


class Register(msgspec.Struct, tag_field="do", tag="register", frozen=True):
    """Make me known. `node` is a word of the agent's own, which counts together with its key alone.

    `instead_of` is the word under which it was known before, and answers nothing from memory any more.
    """

    node: str
    name: str
    version: str
    lease_us: int
    grace_us: int
    instead_of: str | None = None


class Renew(msgspec.Struct, tag_field="do", tag="renew", frozen=True):
    """I live, and have applied what is up to an epoch."""

    node: str
    applied: int


class Since(msgspec.Struct, tag_field="do", tag="since", frozen=True):
    """What has changed after an epoch; where nothing has, to be answered when something does, or after some seconds."""

    epoch: int
    wait: float = 0.0


class Acknowledge(msgspec.Struct, tag_field="do", tag="acknowledge", frozen=True):
    """I have dropped what is up to an epoch."""

    node: str
    applied: int


class Leave(msgspec.Struct, tag_field="do", tag="leave", frozen=True):
    """Wait for me no more: I answer nothing from memory. `key_id` is that of the key with which it registered.

    It is believed without a key, since the word is known to nobody else, and the key may be what was revoked.
    """

    node: str
    key_id: str


class Look(msgspec.Struct, tag_field="do", tag="look", frozen=True):
    """The facts of the token with this SHA-256, in hex."""

    digest: str


class Place(msgspec.Struct, tag_field="do", tag="place", frozen=True):
    """The tenant of this slug."""

    slug: str


class TakeCredits(msgspec.Struct, tag_field="do", tag="take_credits", frozen=True):
    """A block of a key's credits; see `CreditStore.take`. With `need` 0 it is only looked."""

    key_id: str
    need: int
    wish: int
    now_us: int


class Unspent(msgspec.Struct, frozen=True):
    """What is left of a block."""

    key_id: str
    amount: int
    version: int


class GiveBackCredits(msgspec.Struct, tag_field="do", tag="give_back_credits", frozen=True):
    """Blocks that were not spent."""

    unspent: tuple[Unspent, ...]


class Counted(msgspec.Struct, frozen=True):
    """A limit and whose it is."""

    level: Level
    subject: str
    name: str
    limit: int
    window_seconds: int


class Count(msgspec.Struct, tag_field="do", tag="count", frozen=True):
    """Charge a use to limits, or (`back`) undo that."""

    buckets: tuple[Counted, ...]
    cost: int
    back: bool = False


class Used(msgspec.Struct, frozen=True):
    """What one key was used for; see `core.usage.Use`."""

    key_id: str
    at_us: int | None
    ip: str | None
    tenant_id: str | None
    counts: tuple[tuple[int, str, int], ...]
    actions: tuple[tuple[str, int, int], ...]


class Uses(msgspec.Struct, tag_field="do", tag="uses", frozen=True):
    """What keys were used for."""

    uses: tuple[Used, ...]


Message = (
    Hello
    | Register
    | Renew
    | Since
    | Acknowledge
    | Leave
    | Look
    | Place
    | TakeCredits
    | GiveBackCredits
    | Count
    | Uses
)


class Terms(msgspec.Struct, frozen=True):
    """The answer to `Hello`: the longest lease and grace in seconds."""

    lease: float
    grace: float


class Known(msgspec.Struct, frozen=True):
    """Whether the node is known."""

    known: bool


class Changes(msgspec.Struct, frozen=True):
    """The newest epoch, and each entry after the one asked for: its epoch and, hidden, what it touched.

    None for the entries when they are too many, or not all there.
    """

    newest: int
    entries: tuple[tuple[int, tuple[str, ...]], ...] | None


class Rows(msgspec.Struct, frozen=True):
    """Rows of the database as its driver has them."""

    rows: list[list[Any]]


class Block(msgspec.Struct, frozen=True):
    """A block of credits; see `CreditBlock`."""

    taken: int
    left: int
    version: int
    ends_us: int | None


class Taken(msgspec.Struct, frozen=True):
    """What became of a use; see `core.limits.Taken`.

    For each limit the uses left and the seconds until all are back; `refused` is the place of the one that refuses.
    """

    states: tuple[tuple[int, float], ...]
    refused: int | None
    retry_after: float
    local: bool


class Done(msgspec.Struct, frozen=True):
    """Nothing more to say."""


Answer = Terms | Known | Changes | Rows | Block | Taken | Done
