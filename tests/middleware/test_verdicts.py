"""A verdict is the same whether it was made in process or came over HTTP."""

from __future__ import annotations

import pickle
from copy import copy, deepcopy
from dataclasses import FrozenInstanceError, asdict, fields, replace
from typing import TYPE_CHECKING, Any, cast

import pytest

import keywright
from keywright.client import Client, Verdict
from keywright.client.protection import verdict_of
from keywright.client.verdict import from_decision, rate_limit_fields
from keywright.web.rate_limit_fields import rate_limit_fields as fields_of_the_server

if TYPE_CHECKING:
    from tests.middleware.apps import Place

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("middleware")]
ROLE = {
    "name": "translator",
    "variables": {"language": {}},
    "policies": [{"actions": ["article:*"], "resources": ["article:${language}:**"]}],
}
LIMITS = [
    {"name": "slow", "limit": 2, "window_seconds": 3600},
    {"name": "often", "limit": 100, "window_seconds": 1},
]
KEYS: dict[str, dict[str, Any]] = {
    "plain": {"memberships": [{"role": "admin"}]},
    "rich": {
        "memberships": [{"role": "translator", "variables": {"language": ["cs", "en"]}}],
        "scope": [
            {"actions": ["article:read"], "resources": ["article:cs:**"]},
            {"actions": ["article:list"]},
        ],
        "expires_at": "2099-01-01T00:00:00Z",
        "metadata": {"team": "search", "nested": {"n": [1, None]}},
        "allowed_cidrs": ["192.0.2.0/24"],
        "credits": {"remaining": 1000},
    },
}
QUESTIONS: list[dict[str, Any]] = [
    {},
    {"ip": "192.0.2.7"},
    {"action": "article:read", "resource": "article:cs:42", "ip": "192.0.2.7"},
    {"action": "article:read", "resource": "article:de:42", "ip": "192.0.2.7"},
]


@pytest.fixture(scope="module", autouse=True)
def _translator(place: Place) -> None:
    place.keywright.rest("POST", "/v1/roles", ROLE, tenant="default")


async def test_both_tell_the_same(place: Place) -> None:
    server = place.keywright
    tokens = [server.key("default", **fields)["token"] for fields in KEYS.values()] + ["kw_nonsense"]
    async with keywright.Verifier(f"sqlite:///{place.database}", tenant="default") as verifier:
        with Client(server.url, place.asker) as client:
            for token in tokens:
                for question in [{**one, "cost": 0} for one in QUESTIONS]:
                    here = verdict_of(await verifier.verify(token, **question))
                    there = client.verify(token, **question)
                    assert here == replace(there, answer={}), question
                    assert verdict_of(there.answer) == there
                    assert bool(here) is here.valid


async def test_what_is_made_of_a_decision_when_it_is_asked_for_is_a_verdict_like_any_other(
    place: Place,
) -> None:
    token = place.keywright.key("default", **KEYS["rich"])["token"]
    async with keywright.Verifier(f"sqlite:///{place.database}", tenant="default") as verifier:
        decision = await verifier.verify(token, ip="192.0.2.7", cost=0)
    whole = Verdict(**{one.name: getattr(from_decision(decision), one.name) for one in fields(Verdict)})
    for change in (copy, deepcopy, replace, lambda one: pickle.loads(pickle.dumps(one)), lambda one: one):
        assert change(from_decision(decision)) == whole
    assert repr(from_decision(decision)) == repr(whole)
    assert asdict(from_decision(decision)) == asdict(whole)
    # What one request writes into it, no other sees: they may share a verdict.
    shared = from_decision(decision)
    shared.metadata["team"] = "another"
    shared.answer["valid"] = False
    assert shared.roles
    assert shared.scope
    cast("dict[str, Any]", shared.roles[0].variables).clear()
    shared.scope[0]["actions"].clear()
    assert shared == whole
    for verdict in (whole, from_decision(decision)):
        with pytest.raises(AttributeError, match="no 'colour'"):
            _ = verdict.colour  # type: ignore[attr-defined] # that is the point
        with pytest.raises(FrozenInstanceError):
            verdict.valid = True  # type: ignore[misc] # as above


async def test_limits_are_told_in_the_fields_of_the_server(place: Place) -> None:
    token = place.keywright.key("default", memberships=[{"role": "admin"}], limits=LIMITS)["token"]
    async with keywright.Verifier(f"sqlite:///{place.database}", tenant="default") as verifier:
        seen = set()
        for cost in (1, 0, 1, 1, 1000):
            decision = await verifier.verify(token, cost=cost)
            verdict = from_decision(decision)
            expected = fields_of_the_server(decision)
            assert {**rate_limit_fields(verdict)} == expected
            seen.add((verdict.code, verdict.retry_after_seconds is not None))
    # What costs more than there is room for is never let through, and no waiting helps.
    assert {("VALID", False), ("RATE_LIMITED", True)} <= seen


def test_what_is_no_verdict_is_not_taken_for_a_yes() -> None:
    for wrong in (True, "VALID", None, object()):
        with pytest.raises(TypeError):
            verdict_of(wrong)
    assert not verdict_of({"valid": 1, "code": "VALID"})
