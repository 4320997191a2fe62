"""Doing one thing to several keys: what fails is told, and the others are done all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.cli.connection import connected, failure
from keywright.cli.exits import Exit, Failed
from keywright.cli.output import Output
from keywright.cli.text import printable
from keywright.client import BadInput, Conflict, NotFound, PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keywright.client import Client

# What can be wrong with one key and right with the next; anything else would go wrong with all of them.
_OF_ONE: Final = (BadInput, Conflict, NotFound, PermissionDenied)


def for_each(
    ids: Sequence[str],
    act: Callable[[Client, str], dict[str, Any]],
    tell: Callable[[Output, dict[str, Any]], None],
    options: Mapping[str, str] | None = None,
) -> int:
    """Do something to each key, and tell a person what came of it; gives the exit code of the first failure.

    For one key `--json` prints what `act` gave, and for several an object with those as `items`.
    """
    output = Output()
    several = len(ids) > 1
    done: list[dict[str, Any]] = []
    code = Exit.OK
    try:
        with connected(options) as client:
            for key_id in dict.fromkeys(ids):
                try:
                    result = act(client, key_id)
                except _OF_ONE as error:
                    failed = failure(error, options=options)
                    about = f"{printable(key_id)}: " if several else ""
                    Failed(f"{about}{failed.message}", failed.code, failed.hint).show()
                    code = code or failed.code
                    continue
                done.append(result)
                if not output.as_json and not output.quiet:
                    tell(output, result)
    finally:
        if output.as_json and (done or several):
            output.json({"items": done} if several else done[0])
    return code
