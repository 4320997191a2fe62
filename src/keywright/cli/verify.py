"""`keywright verify`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers
from keywright.cli.common import Command
from keywright.cli.connection import connected, stdin_is_terminal
from keywright.cli.exits import Exit
from keywright.cli.output import Output
from keywright.cli.policies import in_words, roles_in_words
from keywright.cli.times import in_words as in_words_of_time
from keywright.cli.times import relative
from keywright.cli.uses import states_in_words
from keywright.cli.values import from_stdin
from keywright.client import Token

if TYPE_CHECKING:
    from keywright.client import Question

_OPTIONS: Final = {
    "token": "TOKEN",
    "token_hash": "--hash",
    "tenant": "--tenant or --in-tenant",
    "action": "--action",
    "resource": "--resource",
    "ip": "--ip",
    "explain": "--explain",
    "cost": "--cost",
}
_MEANINGS: Final = {
    "NOT_FOUND": "No key has this token.",
    "DISABLED": "The key is disabled.",
    "EXPIRED": "The key has expired.",
    "NOT_YET_VALID": "The key is not valid yet.",
    "IDENTITY_DISABLED": "The identity that the key speaks for is disabled.",
    "TENANT_DISABLED": "The tenant is disabled.",
    "TENANT_MISMATCH": "The key belongs to another tenant.",
    "IP_NOT_ALLOWED": "The key may not be used from this address.",
    "INSUFFICIENT_PERMISSIONS": "The key may not do this.",
    "RATE_LIMITED": "The key was used as often as a limit lets it be, for now.",
    "CREDITS_EXHAUSTED": "The key has no credits left for this.",
    "STALE": "The server cannot reach its database, so the answer is not known.",
}

_MISSING: Final = {
    "identity": "the identity's roles",
    "scope": "the key's scope",
    "tenant": "the tenant",
    "variable": "a value of a role's variable",
}
"""What is missing, by the check that decided."""


@click.command("verify", cls=Command)
@click.argument("token", required=False)
@click.option("--hash", "token_hash", metavar="HEX", help="The token's SHA-256 in hex, instead of the token.")
@click.option(
    "--action", help="Ask whether it may do this, such as article:read.", shell_complete=offers.actions
)
@click.option("--resource", help="Ask whether it may do so to this, such as article:42.")
@click.option("--ip", metavar="ADDRESS", help="The address from which it is used.")
@click.option(
    "--in-tenant", metavar="SLUG", help="The tenant that it is used in.", shell_complete=offers.tenants
)
@click.option("--explain", is_flag=True, help="Say which policy allows, or what is missing.")
@click.option(
    "--cost",
    type=int,
    metavar="NUMBER",
    help="What this use takes of limits and credits; 0 only looks. [default: 1]",
)
def verify(
    token: str | None,
    token_hash: str | None,
    action: str | None,
    resource: str | None,
    ip: str | None,
    in_tenant: str | None,
    explain: bool,  # noqa: FBT001 - click passes by name
    cost: int | None,
) -> int:
    """Ask whether a token is valid, and may do something.

    Leave TOKEN out to be asked for it, or to have it read from standard input where there is no terminal;
    - reads it from standard input in any case. The exit code is 0 for a valid token and 1 for any other.
    """
    output = Output()
    question: Question = {
        "token_hash": token_hash,
        "action": action,
        "resource": resource,
        "ip": ip,
        "tenant": in_tenant,
        "explain": explain,
        "cost": 1 if cost is None else cost,
    }
    presented = _presented(token, token_hash)
    with connected(_OPTIONS) as client:
        verdict = client.verify(presented, **question).answer
    if output.as_json:
        output.json(verdict)
    elif not output.quiet:
        output.facts(facts(verdict))
    if verdict["code"] == "STALE":
        return Exit.UNAVAILABLE
    return Exit.OK if verdict["valid"] else Exit.NO


def _presented(token: str | None, token_hash: str | None) -> Token | None:
    """The token, from the argument, standard input, or the person at the terminal; None when a hash is given."""
    if token_hash is not None:
        if token is not None:
            raise click.UsageError("Give either TOKEN or --hash.")
        return None
    if token is None and stdin_is_terminal():
        return Token(click.prompt("Token", hide_input=True, err=True).strip())
    return Token(from_stdin("TOKEN").strip() if token in {None, "-"} else str(token))


def facts(verdict: dict[str, Any]) -> list[tuple[str, str | None]]:
    """What there is to say of a verdict."""
    explanation = verdict.get("explanation") or {}
    why = explanation.get("detail") or _MEANINGS.get(verdict["code"])
    policy = explanation.get("policy")
    found: list[tuple[str, str | None]] = [
        ("verdict", verdict["code"]),
        ("why", why),
        ("missing", None if verdict["valid"] else _MISSING.get(str(explanation.get("check")))),
        ("policy", None if policy is None else in_words([policy])),
        ("source", explanation.get("source")),
        ("refused by", _refusal(verdict)),
        ("key", verdict["key_id"] if not verdict["valid"] else f"{verdict['name']} ({verdict['key_id']})"),
        ("limits", states_in_words(verdict.get("limits"))),
        ("counted", "by this node alone" if verdict.get("limits_local") else None),
        ("credits left", str(verdict["credits_left"]) if "credits_left" in verdict else None),
    ]
    if not verdict["valid"]:
        return found
    identity = verdict["identity"]
    return [
        *found,
        ("identity", f"{identity['name']} ({identity['kind']})"),
        ("tenant", verdict["tenant"]),
        ("roles", roles_in_words(verdict["roles"])),
        ("scope", in_words(verdict["scope"])),
        ("expires", relative(verdict["expires_at"], datetime.now(UTC))),
        ("metadata", json.dumps(verdict["metadata"], ensure_ascii=False) if verdict["metadata"] else None),
    ]


def _refusal(verdict: dict[str, Any]) -> str | None:
    """The limit that refused, and when it has room again."""
    limit = verdict.get("refused_by")
    if limit is None:
        return None
    wait = verdict.get("retry_after_seconds")
    again = "never for so much at once" if wait is None else f"again in {in_words_of_time(wait)}"
    return f"{limit['level']} {limit['name']}, {again}"
