"""The root of the commands, and how any of them ends."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, NoReturn

import click

from keywright.cli.common import PRINTING, Command, LazyGroup, given
from keywright.cli.exits import MEANINGS, Exit, Failed
from keywright.cli.text import pretty_json

_COMMANDS = {
    "serve": ("keywright.cli.serve:serve", "Start the server."),
    "migrate": ("keywright.cli.migrate:migrate", "Bring the database to this version's schema."),
    "doctor": ("keywright.cli.doctor:doctor", "Find what keeps a server from working."),
    "login": ("keywright.cli.login:login", "Log in to a server, and stay so."),
    "logout": ("keywright.cli.login:logout", "End the login."),
    "status": ("keywright.cli.status:status", "Show which server you ask, as whom, and why."),
    "profiles": ("keywright.cli.profiles:profiles", "List profiles, choose the default, remove one."),
    "switch-tenants": ("keywright.cli.switching:switch_tenants", "Choose the tenant that calls are for."),
    "sessions": ("keywright.cli.sessions:sessions", "See, end and confirm your logins."),
    "password": ("keywright.cli.password:password", "Change your password."),
    "factors": ("keywright.cli.factors:factors", "Set up second factors: an app, recovery codes, passkeys."),
    "whoami": ("keywright.cli.login:whoami", "Show who the server takes you for."),
    "verify": ("keywright.cli.verify:verify", "Ask whether a token is valid, and may do something."),
    "explain": ("keywright.cli.explain:explain", "Say why a key may or may not do something."),
    "run": ("keywright.cli.run:run", "Run a command with a key of its own, which ends with it."),
    "keys": ("keywright.cli.keys:keys", "Make, list, change and delete API keys."),
    "tenants": ("keywright.cli.tenants:tenants", "Make, list, change and delete tenants."),
    "users": ("keywright.cli.users:users", "Invite, list, change and delete people."),
    "invitations": (
        "keywright.cli.invitations:invitations",
        "List invitations, take them back, and accept one.",
    ),
    "service-accounts": (
        "keywright.cli.service_accounts:service_accounts",
        "Make, list, change and delete service accounts.",
    ),
    "roles": ("keywright.cli.roles:roles", "Define, list, change and delete roles."),
    "memberships": (
        "keywright.cli.memberships:memberships",
        "Give roles, list who holds them, and take them.",
    ),
    "agent": ("keywright.cli.agent:agent", "Decide about keys on this host, beside your programs."),
    "agents": ("keywright.cli.agents:agents", "See the programs that run with keys."),
    "catalog": ("keywright.cli.catalog:catalog", "Look at, compare and apply a tenant's catalog."),
    "audit": ("keywright.cli.audit:audit", "Read the audit trail."),
    "usage": ("keywright.cli.usage:usage", "Show how often keys were used, and which the most."),
    "dialects": (
        "keywright.cli.dialects:dialects",
        "Answer other systems' API-key calls: list them, set one up.",
    ),
    "nodes": ("keywright.cli.nodes:nodes", "See the processes that decide from memory."),
    "completion": (
        "keywright.cli.completion.command:completion",
        "Print the script that completes commands in a shell.",
    ),
    "version": ("keywright.cli.root:version", "Show the version."),
}


class _Root(LazyGroup):
    """The root, which turns whatever ends a command early into a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own
        """Run the command that the line names."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python writes what is left at its end, and must find somewhere to write it to.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(Exit.NO_READER) from None
        return code

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the exit codes mean."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), meaning) for code, meaning in MEANINGS.items()])


def _shown_version() -> str:
    from importlib.metadata import version as installed  # noqa: PLC0415 - it takes long to load

    return installed("keywright")


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's own
    if wanted and not ctx.resilient_parsing:
        click.echo(f"keywright {_shown_version()}")
        ctx.exit()


@click.command("keywright", cls=_Root, places=_COMMANDS)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Keywright issues, checks, narrows and revokes API keys.

    `keywright serve` starts a server. The other commands ask a running one, as whoever `keywright login`
    logged in, or with the key in KEYWRIGHT_API_KEY.
    """


@click.command("version", cls=Command, common=PRINTING)
def version() -> None:
    """Show the version."""
    if given("json"):
        click.echo(pretty_json({"version": _shown_version()}))
    else:
        click.echo(_shown_version() if given("quiet") else f"keywright {_shown_version()}")


def run(args: list[str]) -> int:
    """Run a command line and give its exit code."""
    _prepare_streams()
    try:
        if any("\udc80" <= character <= "\udcff" for arg in args for character in arg):
            raise Failed("An argument is not valid UTF-8.", Exit.USAGE)
        code = cli.main(args, "keywright", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.code if isinstance(error, Failed) else error.exit_code
    except click.Abort:
        return Exit.INTERRUPTED
    return code if isinstance(code, int) else Exit.OK


def _prepare_streams() -> None:
    """Have every text printable, and a place for what is printed where a stream was closed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - stays open for the process's life
        elif name != "stdin" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main() -> NoReturn:
    """The command `keywright`."""
    if "_KEYWRIGHT_COMPLETE" in os.environ:
        from keywright.cli.completion.answering import answer  # noqa: PLC0415 - only a shell asks for it

        answer(cli)
    sys.exit(run(sys.argv[1:]))
