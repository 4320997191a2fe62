"""Doing one thing to several keys: what fails is told, and the others are done all the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from keywright.cli.connection import connected, failure
from keywright.cli.exits import Exit, Failed
from keywright.cli.output import Output
from keywright.cli.progress import Progress
from keywright.cli.receipts import tell_receipt
from keywright.cli.text import printable
from keywright.client import BadInput, Conflict, NotFound, PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keywright.client import Client

_PATIENCE: Final = 0.5
"""Seconds for which nobody asks how far it is."""
_ID: Final = re.compile(r"key_[0-9a-f]{32}")
# What can be wrong with one key and right with the next; anything else would go wrong with all of them.
_OF_ONE: Final = (BadInput, Conflict, NotFound, PermissionDenied)


def id_of(client: Client, named: str) -> str:
    """The id of the key that is named by its id or its handle; what is neither is left to the server to refuse."""
    if _ID.fullmatch(named):
        return named
    try:
        found = client.keys.page(handle=named, limit=1).items
    except (BadInput, PermissionDenied):  # it can be no handle, or the caller may not list
        return named
    return str(found[0]["id"]) if found else named


def for_each(
    ids: Sequence[str],
    act: Callable[[Client, str], dict[str, Any]],
    tell: Callable[[Output, dict[str, Any]], None],
    options: Mapping[str, str] | None = None,
    done_word: str = "In effect",
) -> int:
    """Do something to each key, named by id or handle, and tell a person what came of it, and where it is true.

    Gives the exit code of the first failure. A key that is named twice is taken once. For one key
    `--json` prints what `act` gave, and for several an object with those as `items`.
    """
    output = Output()
    several = len(ids) > 1
    done: list[dict[str, Any]] = []
    seen: set[str] = set()
    told: set[str | None] = set()
    code = Exit.OK
    try:
        with connected(options) as client, Progress(len(ids), after=_PATIENCE) as progress:
            for count, named in enumerate(dict.fromkeys(ids)):
                if several:
                    progress.show(count, f"{count:,} of {len(ids):,} keys")
                try:
                    key_id = id_of(client, named)
                    if key_id in seen:
                        continue
                    seen.add(key_id)
                    result = act(client, key_id)
                except _OF_ONE as error:
                    progress.clear()
                    failed = failure(error, options=options)
                    about = f"{printable(named)}: " if several else ""
                    hint = None if failed.hint in told else failed.hint
                    told.add(failed.hint)
                    Failed(f"{about}{failed.message}", failed.code, hint).show()
                    code = code or failed.code
                    continue
                done.append(result)
                if not output.as_json and not output.quiet:
                    progress.clear()
                    tell(output, result)
                    tell_receipt(output, result.get("receipt"), done_word)
    finally:
        if output.as_json and (done or several):
            output.json({"items": done} if several else done[0])
    return code
