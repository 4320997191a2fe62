"""`keywright status`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from keywright.cli.choice import Choice, Step, chosen
from keywright.cli.common import EVERYWHERE, Command
from keywright.cli.connection import failure, open_client
from keywright.cli.exits import Exit, Failed
from keywright.cli.login import FOUND
from keywright.cli.output import Column, Output
from keywright.cli.times import relative
from keywright.client import ClientError, Token

if TYPE_CHECKING:
    from keywright.client import Client

_COLUMNS: Final = (Column("WHAT"), Column("PLACE"), Column("WHERE", goes=1, shrink=40), Column("RESULT"))
_NOBODY: Final = "nobody: log in with `keywright login`, or set KEYWRIGHT_API_KEY"
_BY_NAME: Final = {
    "flag": "--profile",
    "environment": "KEYWRIGHT_PROFILE",
    "project": "the project file",
    "profile": "the default",
}


class _Found(NamedTuple):
    """What the server said: its version, or why there is none; and who we are, or why that is not known."""

    version: str | None
    holder: dict[str, Any] | None
    problem: Failed | None


@click.command("status", cls=Command)
@click.option(
    "--verbose", "-v", is_flag=True, help="Show where each was looked for, and which place gave it."
)
def status(verbose: bool) -> int:  # noqa: FBT001 - click passes by name
    """Show which server you ask, as whom, and why.

    It ends with 0 when the server accepts your credential, with 3 when it cannot be reached and with 4 when there is
    no credential or it is refused. With --quiet it prints nothing.
    """
    output, choice = Output(), chosen()
    found = _asked(choice)
    if output.as_json:
        output.json(_for_programs(choice, found, verbose=verbose))
    elif not output.quiet:
        output.facts(_facts(choice, found))
        if verbose:
            click.echo()
            output.table(_COLUMNS, [_row(what, step) for what, step in _steps(choice)])
    if found.problem is not None:
        if not output.quiet:
            found.problem.show()
        return found.problem.code
    return Exit.OK if found.holder is not None else Exit.NOT_AUTHENTICATED


def _asked(choice: Choice) -> _Found:
    credential, version = choice.credential, None
    with open_client(choice.url, credential) as client:
        try:
            version = _version(client)
            return _Found(version, None if credential is None else client.whoami(), None)
        except ClientError as error:
            return _Found(version, None, failure(error, credential))


def _version(client: Client) -> str:
    """The server's version. Raises `ClientError` where no server of ours answers."""
    client.alive()
    return client.version()


def _facts(choice: Choice, found: _Found) -> list[tuple[str, str | None]]:
    holder, credential, saved = found.holder, choice.credential, None
    if credential is not None and credential.found in {"keyring", "login"}:
        saved = choice.saved
    ends = holder["expires_at"] if holder is not None else None if saved is None else saved.expires_at
    tenant = _tenant(choice, holder)
    return [
        ("server", choice.url),
        ("state", "cannot be asked" if found.version is None else f"runs Keywright {found.version}"),
        ("profile", f"{choice.applies.name}{_not_applied(choice)}"),
        ("you", _who(choice, found)),
        ("credential", None if credential is None else FOUND[credential.found]),
        ("tenant", "the whole installation" if tenant == EVERYWHERE else tenant),
        ("expires", None if ends is None else relative(ends, datetime.now(UTC))),
    ]


def _who(choice: Choice, found: _Found) -> str:
    if found.holder is not None:
        return f"{found.holder['identity']['name']} ({found.holder['identity']['kind']})"
    return _NOBODY if choice.credential is None else "not known"


def _tenant(choice: Choice, holder: dict[str, Any] | None) -> str | None:
    """The tenant that calls are for: the chosen one, or the one that the credential says."""
    return choice.tenant() or (None if holder is None else holder["tenant"])


def _not_applied(choice: Choice) -> str:
    """What is said of a profile that is named, and is for another server."""
    named = choice.named
    if choice.applies is not named.profile:
        return f" ({named.name}, by {_BY_NAME[named.by]}, is for {named.profile.url})"
    return f", by {_BY_NAME[named.by]}"


def _steps(choice: Choice) -> list[tuple[str, Step]]:
    looked = (
        ("url", choice.url_steps),
        ("tenant", choice.tenant_steps()),
        ("credential", choice.credential_steps),
    )
    return [(what, step) for what, steps in looked for step in steps]


def _row(what: str, step: Step) -> list[str]:
    given = "given" if isinstance(step.value, Token) else step.value
    return [what, step.place, step.where, step.why_not if given is None else f"used: {given}"]


def _for_programs(choice: Choice, found: _Found, *, verbose: bool) -> dict[str, Any]:
    holder, credential = found.holder, choice.credential
    told: dict[str, Any] = {
        "url": choice.url,
        "reachable": found.version is not None or not _away(found),
        "version": found.version,
        "profile": choice.applies.name,
        "identity": None if holder is None else holder["identity"],
        "credential": None if credential is None else credential.found,
        "tenant": _tenant(choice, holder),
        "expires_at": None if holder is None else holder["expires_at"],
    }
    if verbose:
        told["steps"] = [
            {
                "what": what,
                "place": step.place,
                "where": step.where,
                "used": step.value is not None,
                "value": None if isinstance(step.value, Token) else step.value,
                "why_not": step.why_not if step.value is None else None,
            }
            for what, step in _steps(choice)
        ]
    return told


def _away(found: _Found) -> bool:
    return found.problem is not None and found.problem.code == Exit.NO_SERVER
