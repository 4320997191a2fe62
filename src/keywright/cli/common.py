"""What the commands share: lazy groups, and the options that stand before or after a command's name."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers
from keywright.cli.formatting import Context

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from click.shell_completion import CompletionItem

DEFAULT_URL: Final = "http://127.0.0.1:8300"
EVERYWHERE: Final = "*"
"""What stands for the whole installation in place of a tenant's slug."""
_META: Final = "keywright.common."


def _keep(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Note an option where each command of the line can find it; one after the command's name wins."""
    if value not in {None, False}:
        ctx.meta[_META + str(param.name)] = value


def _option(name: str) -> click.Option:
    declared, attributes = _COMMON[name]
    return click.Option(declared, expose_value=False, callback=_keep, **attributes)


def complete_profile(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The profiles whose names begin so, for a shell that completes them."""
    from keywright.cli.config import profile_names  # noqa: PLC0415 - only a shell that completes needs it

    return [name for name in profile_names() if name.startswith(incomplete)]


_COMMON: Final[dict[str, tuple[list[str], dict[str, Any]]]] = {
    "url": (["--url"], {"metavar": "URL", "help": f"Server to ask. [KEYWRIGHT_URL; default: {DEFAULT_URL}]"}),
    "key": (
        ["--key"],
        {
            "metavar": "KEY",
            "help": "API key or session token to use; - reads it from standard input. [KEYWRIGHT_API_KEY]",
        },
    ),
    "profile": (
        ["--profile"],
        {
            "metavar": "NAME",
            "help": "Profile of config.toml to go by. [KEYWRIGHT_PROFILE]",
            "shell_complete": complete_profile,
        },
    ),
    "tenant": (
        ["--tenant"],
        {
            "metavar": "SLUG",
            "shell_complete": offers.tenants,
            "help": "Tenant that the call is for. [KEYWRIGHT_TENANT]",
        },
    ),
    "global": (
        ["--global"],
        {"is_flag": True, "help": "Concern the whole installation, as --tenant '*' does."},
    ),
    "json": (["--json", "json"], {"is_flag": True, "help": "Print JSON for programs."}),
    "quiet": (["--quiet", "-q"], {"is_flag": True, "help": "Print the bare result, or nothing."}),
    "no_color": (["--no-color"], {"is_flag": True, "help": "Print no colours. [NO_COLOR]"}),
}
COMMON: Final = tuple(_COMMON)
PRINTING: Final = ("json", "quiet", "no_color")


def given(name: str) -> Any:  # noqa: ANN401 - a text for some options and a flag for others
    """What was given for a common option, or None."""
    return click.get_current_context().meta.get(_META + name)


def assume(name: str, variable: str, value: str | None) -> bool:
    """Take a value for a common option that neither the line nor a variable of the environment gives.

    Tells whether it was taken.
    """
    if value is None or given(name) or in_environment(variable) is not None:
        return False
    click.get_current_context().meta[_META + name] = value
    return True


class Command(click.Command):
    """A command that takes the common options named by `common`, after its own, in a section of their own.

    A common option that it declares itself has its own meaning after the command's name.
    """

    context_class = Context

    def __init__(self, *args: Any, common: Sequence[str] = COMMON, **kwargs: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **kwargs)
        self.own = tuple(self.params)
        self.common = tuple(common)
        taken = {word for param in self.own for word in param.opts}
        self.params += [_option(name) for name in common if _COMMON[name][0][0] not in taken]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, and then those that many commands share."""
        own = [*self.own, *(one for one in [self.get_help_option(ctx)] if one is not None)]
        shared = [one for one in self.get_params(ctx) if one not in own]
        _write(ctx, formatter, "Options", own)
        _write(ctx, formatter, "Server and output", shared)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the options; also where nothing was begun and no argument is missing."""
        return super().shell_complete(ctx, incomplete or "-")

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own
        """Run the command; a common option that was given and has no meaning here is refused."""
        for name in COMMON:
            if given(name) and name not in self.common:
                raise click.UsageError(f"This command takes no {_COMMON[name][0][0]}.", ctx)
        if given("json") and given("quiet"):
            raise click.UsageError("Give either --json or --quiet.", ctx)
        if given("tenant") and given("global"):
            raise click.UsageError("Give either --tenant or --global.", ctx)
        return super().invoke(ctx)


class LazyGroup(click.Group):
    """Commands by name, each as the place it is loaded from, `module:name`, and a line of help.

    A command is loaded when it is called, and not for the list of commands.
    """

    context_class = Context

    def __init__(self, *args: Any, places: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **kwargs)
        self.places = places
        self.own = tuple(self.params)
        self.params += [_option(name) for name in COMMON]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of their declaration."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command, or give None for a name that is none."""
        if cmd_name not in self.places:
            return None
        module, _, name = self.places[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the commands, of which none is loaded, and the options where one was begun."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - needed for an answer alone

        places = self.places.items()
        found = [CompletionItem(name, help=text) for name, (_, text) in places if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest one."""
        if args[0] not in self.places and not args[0].startswith("-"):
            raise click.exceptions.NoSuchCommand(args[0], possibilities=list(self.places), ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands first, since they are what one looks for, and then the options."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.places.items()])
        own = [*self.own, *(one for one in [self.get_help_option(ctx)] if one is not None)]
        _write(ctx, formatter, "Options", own)
        shared = [one for one in self.get_params(ctx) if one not in own]
        _write(ctx, formatter, "Server and output, before or after the command", shared)


def _write(
    ctx: click.Context, formatter: click.HelpFormatter, title: str, params: Sequence[click.Parameter]
) -> None:
    options = [param for param in params if isinstance(param, click.Option)]
    rows = [row for row in (option.get_help_record(ctx) for option in options) if row is not None]
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def in_environment(name: str) -> str | None:
    """A variable of the environment; an empty one counts as not set."""
    return os.environ.get(name) or None
