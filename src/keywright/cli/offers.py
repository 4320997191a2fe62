"""What stands for the value of an argument or option while it is completed; given to click as `shell_complete`.

Nothing here loads what finds the names, since every command is declared with these.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import click
    from click.shell_completion import CompletionItem

    Offer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_NAMES: Final = "keywright.cli.completion.names"
FILE: Final = "file"
"""The type of an item that stands for files; its value is what stands before the file's name."""
PROGRAM: Final = "program"
"""The type of an item that stands for another program and its arguments; its value counts those that are there."""


def _names(kind: str) -> Offer:
    def offer(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        found: list[CompletionItem] = import_module(_NAMES).offered(kind, ctx, param, incomplete)
        return found

    return offer


def _of_type(kind: str, mark: str) -> Offer:
    def offer(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - needed for an answer alone

        return [CompletionItem(mark, type=kind)] if incomplete.startswith(mark) else []

    return offer


def words(*known: str) -> Offer:
    """Offer fixed words."""

    def offer(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - needed for an answer alone

        return [CompletionItem(word) for word in known if word.startswith(incomplete)]

    return offer


actions: Final = _names("actions")
accounts: Final = _names("accounts")
account_names: Final = _names("account_names")
agents: Final = _names("agents")
dialects: Final = _names("dialects")
identities: Final = _names("identities")
invitations: Final = _names("invitations")
keys: Final = _names("keys")
key_ids: Final = _names("key_ids")
logins: Final = _names("logins")
memberships: Final = _names("memberships")
passkeys: Final = _names("passkeys")
roles: Final = _names("roles")
own_roles: Final = _names("own_roles")
sessions: Final = _names("sessions")
targets: Final = _names("targets")
templates: Final = _names("templates")
tenants: Final = _names("tenants")
users: Final = _names("users")
files: Final = _of_type(FILE, "")
named_files: Final = _of_type(FILE, "@")
"""Files after an @, where other texts are meant as they are."""


def program(ctx: click.Context, param: click.Parameter, _incomplete: str) -> list[CompletionItem]:
    """Offer what the other program's own completion offers; the value is how many of its words are there."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - needed for an answer alone

    return [CompletionItem(str(len(ctx.params.get(param.name or "") or ())), type=PROGRAM)]
