"""Limits and credits on the command line: how they are written, and how they are shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
import pytest

from keywright.cli import uses
from keywright.cli.verify import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.commands import Shell


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("burst=100/1s", {"name": "burst", "limit": 100, "window_seconds": 1}),
        ("daily=10000/1d", {"name": "daily", "limit": 10_000, "window_seconds": 86_400}),
        ("a b=0/90", {"name": "a b", "limit": 0, "window_seconds": 90}),
    ],
)
def test_a_limit_is_a_name_uses_and_a_span(text: str, limit: dict[str, Any]) -> None:
    assert uses.given_limits([text]) == [limit]


@pytest.mark.parametrize("text", ["", "burst", "=1/1s", "burst=/1s", "burst=1/", "burst=-1/1s", "burst=1/1y"])
def test_anything_else_is_no_limit(text: str) -> None:
    with pytest.raises(click.UsageError, match="--default-limit"):
        uses.given_limits([text], "--default-limit")


def test_limits_are_replaced_or_cleared() -> None:
    assert uses.changed_limits([], cleared=False) is None
    assert uses.changed_limits([], cleared=True) == []
    assert uses.changed_limits(["a=1/1"], cleared=False) == [{"name": "a", "limit": 1, "window_seconds": 1}]
    with pytest.raises(click.UsageError):
        uses.changed_limits(["a=1/1"], cleared=True)


def test_credits_are_a_number_with_or_without_a_refill() -> None:
    assert uses.given_credits(None, None) is None
    assert uses.given_credits(0, None) == {"remaining": 0, "refill": None}
    expected = {"remaining": 5, "refill": {"amount": 1_000, "every": "day"}}
    assert uses.given_credits(5, "1000/day") == expected


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: uses.given_credits(None, "1000/day"),
        lambda: uses.given_credits(5, "1000"),
        lambda: uses.given_credits(5, "day/1000"),
        lambda: uses.given_credits(5, "1000/Day"),
    ],
)
def test_anything_else_is_no_refill(wrong: Callable[[], object]) -> None:
    with pytest.raises(click.UsageError, match="--refill"):
        wrong()


def test_how_limits_and_credits_are_shown() -> None:
    assert uses.limits_in_words(None) is None
    assert uses.limits_in_words([]) == "none"
    limits = uses.given_limits(["burst=100/1s", "daily=10/1d"])
    assert uses.limits_in_words(limits) == "burst: 100 in 1 second; daily: 10 in 1 day"
    assert uses.credits_in_words(None) is None
    assert uses.credits_in_words({"remaining": 7, "refill": None, "refill_at": None}) == "7 left"
    tomorrow = (datetime.now(UTC) + timedelta(hours=5, minutes=1)).isoformat()
    refill = {"amount": 10, "every": "day"}
    shown = uses.credits_in_words({"remaining": 7, "refill": refill, "refill_at": tomorrow})
    assert shown == "7 left; 10 every day, next in 5 hours"


def test_a_verdict_says_which_limit_refused() -> None:
    state = {"level": "tenant", "limit": 10, "window_seconds": 60, "remaining": 0, "reset_seconds": 60.0}
    verdict = {
        "valid": False,
        "code": "RATE_LIMITED",
        "key_id": "key_1",
        "limits": [{"name": "minute", **state}],
        "refused_by": {"level": "tenant", "name": "minute"},
        "retry_after_seconds": 6,
        "limits_local": True,
        "credits_left": 0,
    }
    shown = dict(facts(verdict))
    assert shown["refused by"] == "tenant minute, again in 6 seconds"
    assert shown["limits"] == "tenant minute: 0 of 10 left in 1 minute"
    assert (shown["counted"], shown["credits left"]) == ("by this node alone", "0")
    del verdict["retry_after_seconds"]
    assert dict(facts(verdict))["refused by"] == "tenant minute, never for so much at once"
    bare = dict(facts({"valid": False, "code": "NOT_FOUND", "key_id": None}))
    assert {bare[name] for name in ("refused by", "limits", "counted", "credits left")} == {None}
    assert uses.states_in_words([]) is None


def test_a_key_with_limits_is_made_shown_used_and_changed(shell: Shell) -> None:
    own = shell.with_(KEYWRIGHT_TENANT="default")
    made = own.run(
        *("keys", "create", "Limited", "--limit", "hour=1/1h", "--credits", "5", "--refill", "9/week"),
        *("--handle", "limited"),
    )
    assert made.code == 0, made.err
    lines = [" ".join(line.split()) for line in made.out.splitlines()]
    assert "limits hour: 1 in 1 hour" in lines
    assert any(line.startswith("credits 5 left; 9 every week, next in 7 days") for line in lines)
    token = next(line.split()[1] for line in lines if line.startswith("token "))
    assert own.run("verify", "-", "--cost", "0", stdin=token).code == 0
    assert own.run("verify", "-", stdin=token).code == 0
    refused = own.run("verify", "-", stdin=token)
    assert refused.code == 1
    assert "key hour, again in" in " ".join(refused.out.split())
    told = json.loads(own.run("verify", "-", "--json", stdin=token).out)
    assert (told["code"], told["refused_by"]) == ("RATE_LIMITED", {"level": "key", "name": "hour"})
    assert own.run("keys", "update", "limited", "--no-limits", "--clear", "credits").code == 0
    shown = json.loads(own.run("keys", "show", "limited", "--json").out)
    assert (shown["limits"], shown["credits"]) == ([], None)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("keys", "create", "a", "--limit", "x=1/1s", "--no-limits"), "--no-limits"),
        (("keys", "create", "a", "--refill", "1/day"), "--refill"),
        (("keys", "update", "a", "--limit", "x=1/1s", "--clear", "limit"), "--clear limit"),
        (("keys", "create", "a", "--limit", "x y=1/1s"), "--limit"),
        (("keys", "create", "a", "--credits", "-1"), "--credits"),
        (("keys", "create", "a", "--credits", "1", "--refill", "1/year"), "--refill"),
        (("service-accounts", "create", "a", "--limit", "x=0/1s"), "--limit"),
        (("tenants", "update", "default", "--limit", "x=0/1s"), "--limit"),
        (("verify", "x", "--cost", "-1"), "--cost"),
    ],
)
def test_what_is_wrong_is_told_by_its_option(shell: Shell, arguments: tuple[str, ...], told: str) -> None:
    wrong = shell.with_(KEYWRIGHT_TENANT="default").run(*arguments)
    assert wrong.code != 0
    assert told in wrong.err
