"""How a command ends: the exit codes, and the one form in which failures are told."""

from __future__ import annotations

from enum import IntEnum
from typing import IO, Any, Final

import click


class Exit(IntEnum):
    """The exit codes. They are stable, and scripts may branch on them."""

    OK = 0
    NO = 1
    USAGE = 2
    NO_SERVER = 3
    NOT_AUTHENTICATED = 4
    DENIED = 5
    NOT_FOUND = 6
    CONFLICT = 7
    REFUSED = 8
    UNAVAILABLE = 9
    NOT_RUN = 126
    NO_PROGRAM = 127
    INTERRUPTED = 130
    NO_READER = 141


MEANINGS: Final[dict[Exit, str]] = {
    Exit.OK: "done, or the answer is yes",
    Exit.NO: "the answer is no: a token is not valid, doctor found something, or a question was answered with no",
    Exit.USAGE: "wrong usage or settings",
    Exit.NO_SERVER: "the server cannot start, or cannot be reached",
    Exit.NOT_AUTHENTICATED: "not authenticated",
    Exit.DENIED: "permission denied",
    Exit.NOT_FOUND: "not found",
    Exit.CONFLICT: "conflict with what is there",
    Exit.REFUSED: "refused input",
    Exit.UNAVAILABLE: "not available now: try later",
    Exit.NOT_RUN: "the program of `keywright run` cannot be started",
    Exit.NO_PROGRAM: "there is no such program for `keywright run`",
    Exit.INTERRUPTED: "interrupted from the keyboard",
    Exit.NO_READER: "nobody reads the output any more",
}


class Failed(click.ClickException):
    """A command cannot do what it was told; `hint` is the next step for a person, where there is one."""

    def __init__(self, message: str, code: Exit, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        """Write it to standard error."""
        click.echo(f"Error: {self.format_message()}", file=file, err=True)
        if self.hint is not None:
            click.echo(self.hint, file=file, err=True)
