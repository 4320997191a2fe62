"""What a person can do next about an error of the API that says nothing of it itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from keywright.client import BadInput, Conflict, NotFound, PermissionDenied, Unauthenticated

if TYPE_CHECKING:
    from keywright.client import ApiError

_DENIED: Final = "`keywright whoami` shows who you are and which roles you hold; ask somebody who holds more."
_MISSING: Final = (
    "What you may not see counts as missing too. Look at the name, at --tenant and `keywright whoami`."
)
_THERE: Final = "Look at what is there, and say the command again with another value, or leave it."
_LATER: Final = "Try again later; `keywright doctor --url URL` says how the server is."


def general_step(error: ApiError) -> str | None:
    """The next step by the kind of an error, where nothing more exact is known."""
    if isinstance(error, Unauthenticated):  # what is wrong with what was shown is said by the error itself
        return None
    if isinstance(error, PermissionDenied):
        return _DENIED
    if isinstance(error, NotFound):
        return _MISSING
    if isinstance(error, Conflict):
        return _THERE
    if isinstance(error, BadInput):
        context = click.get_current_context(silent=True)
        path = "keywright COMMAND" if context is None else context.command_path
        return f"`{path} --help` says what it takes."
    return _LATER
