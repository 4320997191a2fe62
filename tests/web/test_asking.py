"""Use cases for one request: as many as one request may, on behalf of its caller, in the tenant that is named."""

from __future__ import annotations

from typing import Any

import pytest

from keywright.core.errors import InvalidValue
from keywright.services.cursors import Listed
from keywright.services.service import Changed
from keywright.services.work import Call, UseCase
from keywright.web.asking import MAX_USE_CASES, Asking

pytestmark = pytest.mark.anyio
CALLER: Any = object()
USE: UseCase[Any, Any] = object()  # type: ignore[assignment] - what it is does not matter here
RECEIPT: Any = object()


class Recorder:
    """In place of the services: remembers each call and answers pages of numbers."""

    def __init__(self, pages: int = 1) -> None:
        self.calls: list[tuple[str | None, Any]] = []
        self.pages = pages

    async def change(self, use: Any, call: Call, data: Any) -> Changed[Any]:
        assert use is USE
        assert call.caller is CALLER
        self.calls.append((call.tenant, data))
        number = len(self.calls)
        return Changed(Listed((number,), (f"c{number}",), number < self.pages), RECEIPT)


def asking(services: Any, **fields: Any) -> Asking:
    return Asking(services, Call(caller=CALLER, tenant="own"), **fields)


async def test_a_use_case_runs_in_the_tenant_of_the_call_or_in_one_that_is_named() -> None:
    services = Recorder()
    one = asking(services)
    await one.run(USE, "a")
    await one.run(USE, "b", tenant="other")
    await one.run(USE, "c", tenant="*")
    await one.run(USE, "d")
    assert services.calls == [("own", "a"), ("other", "b"), ("*", "c"), ("own", "d")]


async def test_what_is_changed_has_its_receipt() -> None:
    changed: Changed[Any] = await asking(Recorder()).change(USE, None)
    assert changed.receipt is RECEIPT
    assert (await asking(Recorder()).run(USE, None)).items == changed.result.items


async def test_a_list_is_read_page_by_page_to_its_end() -> None:
    services = Recorder(pages=3)
    found = await asking(services).every(USE, lambda cursor: {"cursor": cursor}, tenant="other")
    assert found == [1, 2, 3]
    cursors = [None, "c1", "c2"]
    assert services.calls == [("other", {"cursor": cursor}) for cursor in cursors]


async def test_a_request_has_a_budget() -> None:
    services = Recorder(pages=10)
    one = asking(services, left=3)
    await one.run(USE, None)
    with pytest.raises(InvalidValue):
        await one.every(USE, lambda cursor: cursor)
    assert (len(services.calls), one.left) == (3, 0)
    for _ in range(2):
        with pytest.raises(InvalidValue):
            await one.change(USE, None)
    assert len(services.calls) == 3


async def test_the_budget_of_a_request_is_its_own() -> None:
    assert asking(Recorder()).left == MAX_USE_CASES
    endless = Recorder(pages=10**9)
    with pytest.raises(InvalidValue):
        await asking(endless).every(USE, lambda cursor: cursor)
    assert len(endless.calls) == MAX_USE_CASES
