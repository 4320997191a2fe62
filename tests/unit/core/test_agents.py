"""Agents: what makes two announcements the same agent, and whose it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from keywright.core.agents import Agent
from tests.support.facts import NOW

AGENT = Agent(
    id="agt_1",
    tenant_id="ten_1",
    key_id="key_1",
    identity_id="idn_1",
    kind="LocalAgent",
    name="agent",
    labels=("a", "b"),
    version=None,
    registered_at=NOW,
    last_seen_at=NOW,
    last_seen_ip=None,
)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ("b", "a")},
        {"version": "2"},
        {"identity_id": "idn_2"},
        {"last_seen_ip": "192.0.2.1"},
        {"id": "agt_2"},
    ],
    ids=str,
)
def test_the_same_agent(changes: dict[str, Any]) -> None:
    assert replace(AGENT, **changes).fingerprint == AGENT.fingerprint
    assert len(AGENT.fingerprint) == 32


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ("a",)},
        {"labels": ("ab",)},
        {"labels": ("a", "B")},
        {"name": "Agent"},
        {"kind": "LocalAgenta", "name": "gent"},
        {"key_id": "key_2"},
        {"key_id": None},
        {"key_id": None, "identity_id": "idn_2"},
    ],
    ids=str,
)
def test_another_agent(changes: dict[str, Any]) -> None:
    other = replace(AGENT, **changes)
    assert other.fingerprint != AGENT.fingerprint


def test_without_a_key_the_identity_is_the_holder() -> None:
    alone = replace(AGENT, key_id=None)
    assert alone.fingerprint != replace(alone, identity_id="idn_2").fingerprint
    assert AGENT.is_held_by("key_1", "idn_2")
    assert not AGENT.is_held_by("key_2", "idn_1")
    assert not AGENT.is_held_by(None, "idn_1")
    assert alone.is_held_by(None, "idn_1")
    assert not alone.is_held_by(None, "idn_2")
    assert not alone.is_held_by("key_1", "idn_1")
