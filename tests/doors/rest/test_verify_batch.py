"""`POST /v1/verify/batch`: many verdicts at once, and how decisions are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.core.decision import Code

if TYPE_CHECKING:
    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio


async def test_a_batch_answers_in_order(rest: House) -> None:
    first, second = await rest.make(name="First"), await rest.make(name="Second")
    questions = [{"token": "x"}, {"token": second["token"]}, {"token": first["token"]}, {"token": "x"}]
    answer = await rest.ask("POST", "/v1/verify/batch", json={"items": questions})
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [item["name"] for item in items] == [None, "Second", "First", None]
    assert items[0] == items[3]
    assert items[0]["code"] == "NOT_FOUND"
    assert items[1] == (await rest.ask("POST", "/v1/verify", json=questions[1])).json()


async def test_a_batch_of_a_thousand(rest: House) -> None:
    made = await rest.make()
    answer = await rest.ask("POST", "/v1/verify/batch", json={"items": [{"token": made["token"]}] * 1_000})
    assert answer.status_code == 200
    assert [item["valid"] for item in answer.json()["items"]] == [True] * 1_000


async def test_one_wrong_question_refuses_the_batch(rest: House) -> None:
    body = {"items": [{"token": "x"}, {"token": "x", "ip": "nonsense"}]}
    answer = await rest.ask("POST", "/v1/verify/batch", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "items.1.ip")


def decisions(rest: House) -> dict[str, float]:
    text = rest.app.metrics.render()[0].decode()
    lines = [line for line in text.splitlines() if line.startswith("keywright_decisions_total{")]
    return {line.split('"')[1]: float(line.rpartition(" ")[2]) for line in lines if 'door="rest"' in line}


async def test_each_decision_is_counted_once(rest: House) -> None:
    made = await rest.make()
    before = decisions(rest)
    await rest.ask("POST", "/v1/verify", json={"token": made["token"]})
    await rest.ask(
        "POST", "/v1/verify/batch", json={"items": [{"token": "x"}] * 3 + [{"token": made["token"]}]}
    )
    after = decisions(rest)
    assert after["VALID"] - before.get("VALID", 0) == 2
    assert after["NOT_FOUND"] - before.get("NOT_FOUND", 0) == 3
    assert set(after) <= set(Code)
