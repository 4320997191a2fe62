"""`POST /v1/verify` of keys with limits and credits: what the answer says of them, and its HTTP fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from keywright.api.rest.verify import verdict
from keywright.core.decision import Code, Decision
from keywright.core.limits import Bucket, Level, Limit, LimitState, Taken
from tests.doors.rest.house import house
from tests.support.facts import some_facts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from httpx2 import Response

    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

HOUR: dict[str, Any] = {"name": "hour", "limit": 3, "window_seconds": 3_600}
TOLD = {"limits", "credits_left", "refused_by", "retry_after_seconds", "limits_local"}


@pytest.fixture(scope="module")
async def rest(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("limits")) as found:
        yield found


async def verify(rest: House, **question: Any) -> Response:
    answer = await rest.ask("POST", "/v1/verify", json=question)
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_key_without_limits_is_told_of_none(rest: House) -> None:
    answer = await verify(rest, token=(await rest.make())["token"])
    assert answer.json()["valid"]
    assert not TOLD & set(answer.json())
    assert not {"ratelimit", "ratelimit-policy", "retry-after"} & set(answer.headers)


async def test_each_use_is_counted_and_the_one_too_many_is_told_when_to_come_again(rest: House) -> None:
    made = await rest.make(limits=[HOUR])
    first = await verify(rest, token=made["token"], cost=2)
    (state,) = first.json()["limits"]
    assert state | {"reset_seconds": 0} == {"level": "key", **HOUR, "remaining": 1, "reset_seconds": 0}
    assert 2_000 < state["reset_seconds"] <= 2_400
    assert first.headers["ratelimit-policy"] == '"key:hour";q=3;w=3600'
    assert first.headers["ratelimit"].startswith('"key:hour";r=1;t=')
    assert "retry-after" not in first.headers
    assert not {"refused_by", "retry_after_seconds"} & set(first.json())
    looked = await verify(rest, token=made["token"], cost=0)
    assert looked.json()["limits"][0]["remaining"] == 1
    refused = await verify(rest, token=made["token"], cost=2)
    told = refused.json()
    assert (told["valid"], told["code"], told["key_id"]) == (False, "RATE_LIMITED", made["key"]["id"])
    assert told["refused_by"] == {"level": "key", "name": "hour"}
    assert 0 < told["retry_after_seconds"] <= 1_200
    assert refused.headers["retry-after"] == str(told["retry_after_seconds"])
    assert refused.headers["ratelimit"].startswith('"key:hour";r=1;t=')
    assert (await verify(rest, token=made["token"])).json()["valid"]


async def test_credits_are_spent_by_what_a_use_costs(rest: House) -> None:
    made = await rest.make(credits={"remaining": 5})
    told = (await verify(rest, token=made["token"], cost=3)).json()
    assert (told["valid"], told["credits_left"]) == (True, 2)
    spent = (await verify(rest, token=made["token"], cost=3)).json()
    assert (spent["valid"], spent["code"]) == (False, "CREDITS_EXHAUSTED")
    assert "credits_left" in spent
    assert (await verify(rest, token=made["token"], cost=2)).json()["credits_left"] == 0


async def test_a_batch_counts_each_question_and_has_no_fields(rest: House) -> None:
    made = await rest.make(limits=[HOUR])
    question = {"token": made["token"]}
    answer = await rest.ask("POST", "/v1/verify/batch", json={"items": [question] * 4})
    assert [one["code"] for one in answer.json()["items"]] == ["VALID"] * 3 + ["RATE_LIMITED"]
    assert [one["limits"][0]["remaining"] for one in answer.json()["items"]] == [2, 1, 0, 0]
    assert not {"ratelimit", "ratelimit-policy", "retry-after"} & set(answer.headers)
    bad = await rest.ask("POST", "/v1/verify/batch", json={"items": [question, question | {"cost": -1}]})
    assert (bad.status_code, bad.json()["field"]) == (422, "items.1.cost")


def test_a_node_that_counts_alone_says_so_and_waiting_in_vain_is_not_advised() -> None:
    facts = some_facts()
    state = LimitState(Bucket(Level.TENANT, "ten_acme", Limit("burst", 1, 1)), 0, 0.12345)
    taken = Taken((state,), state, float("inf"), local=True)
    shown = msgspec.to_builtins(verdict(Decision(Code.RATE_LIMITED, facts, limits=taken)))
    assert shown["limits_local"] is True
    assert shown["refused_by"] == {"level": "tenant", "name": "burst"}
    assert shown["limits"][0]["reset_seconds"] == 0.123
    assert "retry_after_seconds" not in shown
    valid = Decision(Code.VALID, facts, limits=Taken((state,), local=True), credits_left=7)
    assert verdict(valid).limits_local is True
    assert verdict(valid).credits_left == 7
