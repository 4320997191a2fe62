"""Starts `keywright` with a wall clock that can be set, and on demand with a part of the guarantee taken out.

`python -P launch.py CLOCK WITHOUT serve …`: `CLOCK` is a file of eight bytes, the nanoseconds (signed, in the byte
order of this machine) that the process adds to the wall clock; what is written to it counts at once. `WITHOUT` names
what is taken out, or is `nothing`.
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def shift_the_clock(file: Path) -> None:
    """Have the whole process see a wall clock that is off by what stands in the file."""
    with file.open("rb") as opened:
        shown = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)
    real = time.time_ns

    def time_ns() -> int:
        offset: int = struct.unpack("q", shown[:8])[0]
        return real() + offset

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


def replace(kind: type, method: str, by: Callable[..., Any]) -> None:
    """Put another function in the place of a method that there is."""
    assert callable(getattr(kind, method))
    setattr(kind, method, by)


def without_waiting() -> None:
    """Let changes return at once, whatever other nodes know of them."""
    from keywright.core.changes import Receipt  # noqa: PLC0415 - nothing of ours is loaded before the clock is set
    from keywright.services.receipts import Receipts  # noqa: PLC0415 - as above

    async def at_once(_self: Receipts, epoch: int, *, wait: bool) -> Receipt:
        return Receipt(epoch, wait, 0)

    replace(Receipts, "wait", at_once)


def without_dropping() -> None:
    """Let nodes say that they have applied what was changed, and go on with what they remember."""
    from keywright.verify.memory import Memory  # noqa: PLC0415 - as above

    replace(Memory, "apply", lambda _memory, _entries: None)


def without_a_lease() -> None:
    """Let nodes answer from memory for ever, whether they have renewed or not."""
    from keywright.verify.node import Node  # noqa: PLC0415 - as above

    granted = Node._granted

    def for_ever(node: Node, noted: float) -> None:
        granted(node, noted)
        node.lease_end = float("inf")

    replace(Node, "_granted", for_ever)


def without_looking_again() -> None:
    """Let servers and agents give an answer again whatever has become of what it rests on."""
    from keywright.api.rest.callers import ByKey, Everybody  # noqa: PLC0415 - as above

    for callers in (ByKey, Everybody):
        replace(callers, "still", lambda *_what: True)


def without_taking_credits() -> None:
    """Let blocks of credits stay in the database after a node has taken them."""
    from keywright.core.limits import UnspentCredits  # noqa: PLC0415 - as above
    from keywright.storage.credits import DatabaseCredits  # noqa: PLC0415 - as above

    take = DatabaseCredits.take

    async def lend(store: DatabaseCredits, key_id: str, *how_many: int) -> Any:
        block = await take(store, key_id, *how_many)
        await store.give_back((UnspentCredits(key_id, block.taken, block.version),))
        return block

    replace(DatabaseCredits, "take", lend)


WITHOUT: dict[str, Callable[[], None]] = {
    "nothing": lambda: None,
    "waiting": without_waiting,
    "dropping": without_dropping,
    "a lease": without_a_lease,
    "looking again": without_looking_again,
    "taking credits": without_taking_credits,
}


def main(arguments: list[str]) -> None:
    """Run the command line that follows the two arguments of our own."""
    clock, without, *command = arguments
    shift_the_clock(Path(clock))
    WITHOUT[without]()
    from keywright.cli import main as keywright  # noqa: PLC0415 - as above

    sys.argv = ["keywright", *command]
    keywright()


if __name__ == "__main__":
    main(sys.argv[1:])
