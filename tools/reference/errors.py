"""The reference of error codes, from the classes of errors, and what each is at every door."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from keywright.cli.connection import failure
from keywright.cli.exits import MEANINGS
from keywright.client.errors import CODES
from keywright.core import errors
from keywright.core.codes import Code
from keywright.core.decision import explain_code
from keywright.web.errors import OTHER_STATUS, STATUS
from tools.reference.text import code, marked, table

if TYPE_CHECKING:
    from collections.abc import Iterator

INTRODUCTION = """\
# All error codes

Each code with its status on HTTP, the class that the [SDK](../sdk.md) raises, and the exit code of the
[command line](../cli.md). [Errors](../errors.md) shows what an error looks like, and says what to do about each code.
"""
VERDICTS = """\
## Codes of verdicts

What a decision comes to. `POST /v1/verify` answers 200 with each of them but `STALE`, which comes with 503. The check
is the one that an explanation names.
"""
NOT_ALLOWED = "Roles or scope do not allow this, or no route of the tenant tells what it is."
HEADS = ("code", "status", "class of the SDK", "exit code", "what it means")
KINDS = {
    errors.BadInput: "What was sent can never be accepted as it stands",
    errors.Conflict: "It clashes with what is there",
    errors.Refused: "The caller is not known, or may not",
    errors.KeywrightError: "All else",
}
OF_HTTP = {
    "no_such_path": "There is nothing at this path.",
    "method_not_allowed": "The path does not take this method; the header `Allow` names those it takes.",
    "internal_error": "A defect of Keywright. `request_id` finds it in the log.",
}


def text() -> str:
    """Return the page."""
    lines = [INTRODUCTION]
    kinds = sorted(STATUS, key=lambda one: one.code)
    for base, title in KINDS.items():
        mine = [one for one in kinds if next(kind for kind in one.__mro__ if kind in KINDS) is base]
        lines += [
            f"## {title}",
            "",
            *table(HEADS, (row(one.code, STATUS[one], meaning(one)) for one in mine)),
        ]
    rows = (row(name, status, OF_HTTP[name]) for name, status in OTHER_STATUS.items())
    lines += ["## Of HTTP itself", "", *table(HEADS, rows), VERDICTS]
    lines += table(("code", "check", "what it means"), (verdict(one) for one in Code))
    lines += ["## Exit codes", "", *table(("exit code", "what it means"), exits())]
    return "\n".join(lines).rstrip() + "\n"


def row(name: str, status: int, told: str) -> tuple[str, ...]:
    """Return what the page says of one code."""
    kind = CODES[name]
    return (
        code(name),
        str(status),
        code(kind.__name__),
        str(int(failure(kind(name, status, "")).code)),
        marked(told),
    )


def verdict(one: Code) -> tuple[str, str, str]:
    """Return what the page says of one code of a decision."""
    if one is Code.VALID:
        return code(one), "`permission`", "The holder of the token may do this now."
    if one is Code.INSUFFICIENT_PERMISSIONS:
        return (
            code(one),
            "`identity`, `scope`, `variable` or `route`",
            "Roles or scope do not allow this, or no route tells what it is.",
        )
    explained = explain_code(one)
    return code(one), code(explained.check), marked(explained.sentence)


def meaning(kind: type[errors.KeywrightError]) -> str:
    """Return what a class of errors says of itself, without what it says to those who write Python."""
    return (inspect.getdoc(kind) or "").split("\n\n")[0]


def exits() -> Iterator[tuple[str, str]]:
    """Yield the exit codes of the command line."""
    for one, told in MEANINGS.items():
        yield str(int(one)), marked(told)
