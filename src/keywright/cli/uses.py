"""How often something may be used: limits and credits as they are given by options and shown to people."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli.times import Span, in_words, relative

if TYPE_CHECKING:
    from collections.abc import Sequence

FORM: Final = "NAME=USES/SPAN"
REFILL_FORM: Final = "NUMBER/PERIOD"
_LIMIT: Final = re.compile(r"([^=]+)=([0-9]{1,10})/([0-9]{1,9}[smhdw]?)")
_REFILL: Final = re.compile(r"([0-9]{1,10})/([a-z]{1,10})")
_SPAN: Final = Span()


def given_limits(texts: Sequence[str], option: str = "--limit") -> list[dict[str, Any]]:
    """Limits from texts such as `burst=100/1s`."""
    return [_limit(text, option) for text in texts]


def _limit(text: str, option: str) -> dict[str, Any]:
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise click.UsageError(f"{option} is a name, a number of uses and a span: burst=100/1s.")
    seconds = _SPAN.convert(found[3], None, None)
    return {"name": found[1], "limit": int(found[2]), "window_seconds": seconds}


def changed_limits(texts: Sequence[str], *, cleared: bool) -> list[dict[str, Any]] | None:
    """The limits that an update brings, from `--limit` and `--clear limit`; None where it brings none."""
    if cleared and texts:
        raise click.UsageError("--clear limit goes against another option.")
    return given_limits(texts) if texts or cleared else None


def given_credits(remaining: int | None, refill: str | None) -> dict[str, Any] | None:
    """Credits from `--credits` and `--refill`, None when neither is given."""
    if remaining is None:
        if refill is not None:
            raise click.UsageError("--refill fills up --credits, and none are given.")
        return None
    return {"remaining": remaining, "refill": None if refill is None else _refill(refill)}


def _refill(text: str) -> dict[str, Any]:
    found = _REFILL.fullmatch(text)
    if found is None:
        raise click.UsageError("--refill is a number and hour, day, week or month: 1000/day.")
    return {"amount": int(found[1]), "every": found[2]}


def limits_in_words(limits: Sequence[dict[str, Any]] | None) -> str | None:
    """Limits for a person; None where nothing is said of them."""
    if limits is None:
        return None
    each = (f"{one['name']}: {one['limit']} in {in_words(one['window_seconds'])}" for one in limits)
    return "; ".join(each) or "none"


def credits_in_words(credits_: dict[str, Any] | None) -> str | None:
    """Credits for a person; None where there are none to speak of."""
    if credits_ is None:
        return None
    refill = credits_["refill"]
    if refill is None:
        return f"{credits_['remaining']} left"
    following = relative(credits_["refill_at"], datetime.now(UTC))
    return f"{credits_['remaining']} left; {refill['amount']} every {refill['every']}, next {following}"


def states_in_words(limits: Sequence[dict[str, Any]] | None) -> str | None:
    """Where limits stand, for a person; None where none was asked."""
    if limits is None:
        return None
    each = (
        f"{one['level']} {one['name']}: {one['remaining']} of {one['limit']} left in {in_words(one['window_seconds'])}"
        for one in limits
    )
    return "; ".join(each) or None
