"""`keywright keys show`, and how a key is shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import offers
from keywright.cli.common import Command
from keywright.cli.keys.each import for_each
from keywright.cli.policies import in_words
from keywright.cli.times import relative
from keywright.cli.uses import credits_in_words, limits_in_words

if TYPE_CHECKING:
    from keywright.cli.output import Output
    from keywright.client import Client


@click.command("show", cls=Command)
@click.argument("ids", nargs=-1, required=True, metavar="KEY...", shell_complete=offers.keys)
def show(ids: tuple[str, ...]) -> int:
    """Show keys. Tokens cannot be shown again.

    KEY is an id or a handle.
    """

    def read(client: Client, key_id: str) -> dict[str, Any]:
        return client.keys.get(key_id)

    return for_each(ids, read, tell)


def tell(output: Output, key: dict[str, Any]) -> None:
    """Print a key for a person."""
    output.facts(facts(key))
    output.line("")


def facts(key: dict[str, Any]) -> list[tuple[str, str | None]]:
    """What there is to say of a key."""
    now = datetime.now(UTC)
    owner = key["identity"]
    return [
        ("name", key["name"]),
        ("id", key["id"]),
        ("description", key["description"] or None),
        ("handle", key["handle"]),
        ("tenant", key["tenant"] or "none: good wherever its roles are"),
        ("owner", key["identity_id"] if owner is None else f"{owner['name']} ({owner['kind']})"),
        ("state", key["state"]),
        ("hint", None if key["hint"] is None else f"{key['hint']}…{key['last_seven']}"),
        ("scope", in_words(key["scope"])),
        ("addresses", None if key["allowed_cidrs"] is None else ", ".join(key["allowed_cidrs"])),
        ("begins", None if key["not_before"] is None else _moment(key["not_before"], now)),
        ("expires", "never" if key["expires_at"] is None else _moment(key["expires_at"], now)),
        ("last used", _last_use(key, now)),
        ("created", _moment(key["created_at"], now)),
        ("limits", limits_in_words(key["limits"])),
        ("credits", credits_in_words(key["credits"])),
        ("metadata", json.dumps(key["metadata"], ensure_ascii=False) if key["metadata"] else None),
    ]


def _moment(moment: str, now: datetime) -> str:
    return f"{relative(moment, now)} ({moment})"


def _last_use(key: dict[str, Any], now: datetime) -> str:
    if key["last_used_at"] is None:
        return "never"
    origin = "" if key["last_used_ip"] is None else f" from {key['last_used_ip']}"
    return f"{relative(key['last_used_at'], now)}{origin} ({key['last_used_at']})"
