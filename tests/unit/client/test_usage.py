"""What the client sends for usage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from keywright.client import Client, UnexpectedAnswer
from tests.unit.client.scripted import Answer, scripted

if TYPE_CHECKING:
    from collections.abc import Callable

USAGE = Answer(body={"totals": {"VALID": 3}})
SINCE = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda c: c.usage.of_key("key_1"), "/v1/keys/key_1/usage"),
        (
            lambda c: c.usage.of_key("a.b", since=SINCE, until=None, by="hour"),
            "/v1/keys/a%2Eb/usage?since=2026-11-03T12%3A00%3A00Z&by=hour",
        ),
        (lambda c: c.usage.of_all(), "/v1/usage"),
        (
            lambda c: c.usage.of_all(until="2026-11-03T12:00:00Z", top=3),
            "/v1/usage?until=2026-11-03T12%3A00%3A00Z&top=3",
        ),
    ],
)
def test_what_is_asked_about_usage(call: Callable[[Client], Any], path: str) -> None:
    with scripted(USAGE) as server, server.client() as client:
        assert call(client) == {"totals": {"VALID": 3}}
    (sent,) = server.requests
    assert (sent.method, sent.path, sent.body) == ("GET", path, None)


def test_an_answer_without_counts_is_none_of_keywright() -> None:
    with (
        scripted(Answer(body={"count": 1})) as server,
        server.client() as client,
        pytest.raises(UnexpectedAnswer),
    ):
        client.usage.of_all()
