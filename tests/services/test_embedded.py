"""The verifier in an application: on the same database as a server, and heard of by it."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import keywright
from keywright.core.decision import Code
from keywright.core.errors import InvalidValue, MissingField
from keywright.services import embedded
from keywright.services.keys import KeyIds, NewKey, create_key, delete_keys
from keywright.services.upkeep import Upkeep
from keywright.services.usage import TenantUsageQuestion, tenant_usage
from keywright.services.work import Call
from keywright.storage import Database, StorageError
from keywright.verify import glances

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.house import House

pytestmark = pytest.mark.anyio
THREADS = 4


async def test_a_few_lines_in_an_application(
    each_home: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = each_home
    monkeypatch.setattr(embedded, "FLUSH_SECONDS", 0.01)
    acme, other = await home.tenant("acme"), await home.tenant("other")
    call = Call(caller=await home.admin(acme))
    made = await home.services.run(
        create_key,
        call,
        NewKey(name="A key", scope=((("article:*",), ("article:cs:**",)),), allowed_cidrs=("10.0.0.0/8",)),
    )
    assert made.token is not None
    token = made.token.reveal()
    async with keywright.Verifier(database_url, tenant="acme", name="shop") as verifier:
        assert verifier.ready
        asked = {"action": "article:read", "resource": "article:cs:42", "ip": "10.1.2.3"}
        for _ in range(2):
            decision = await verifier.verify(token, **asked)
            assert decision.code is Code.INSUFFICIENT_PERMISSIONS or decision.valid
        assert (await verifier.verify(token, ip="10.1.2.3")).valid
        assert (await verifier.verify(token, ip="192.0.2.1")).code is Code.IP_NOT_ALLOWED
        assert (await verifier.verify(token, tenant=other.slug)).code is Code.TENANT_MISMATCH
        assert (await verifier.verify("kw_nonsense", explain=True)).explanation is not None
        async with home.database.read() as transaction:
            (node,) = await transaction.nodes.all()
        assert (node.name, node.kind) == ("shop", "embedded")
        receipt = (await home.services.change(delete_keys, call, KeyIds((made.view.key.id,)))).receipt
        assert receipt is not None
        assert [one.id for one in receipt.nodes] == [node.id]
        assert (await verifier.verify(token, ip="10.1.2.3")).code is Code.NOT_FOUND
    assert not verifier.ready
    async with home.database.read() as transaction:
        assert await transaction.nodes.all() == ()


async def test_usage_that_cannot_be_written_is_told_in_the_log(
    each_home: House, database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = True

    async def flush(_self: object) -> None:
        if broken:
            raise RuntimeError("A defect.")

    monkeypatch.setattr(embedded, "FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(Upkeep, "flush", flush)
    async with keywright.Verifier(database_url):
        while "scheduled_work_failed" not in caplog.text:  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0.01)
        broken = False


async def test_what_is_no_question_is_told(each_home: House, database_url: str) -> None:
    async with keywright.Verifier(database_url) as verifier:
        for wrong in ({"action": "a b"}, {"action": "a", "resource": "*"}, {"ip": "nowhere"}, {"cost": -1}):
            with pytest.raises(InvalidValue):
                await verifier.verify("x", **wrong)  # type: ignore[arg-type] # as a caller might
        with pytest.raises(MissingField):
            await verifier.verify("x", resource="a")


@dataclass(frozen=True, slots=True)
class Sold:
    """A tenant with a key, and who may revoke it."""

    call: Call
    key_id: str
    token: str


async def sold(home: House, **fields: Any) -> Sold:
    call = Call(caller=await home.admin(await home.tenant("acme")))
    made = await home.services.run(create_key, call, NewKey(name="A key", **fields))
    assert made.token is not None
    return Sold(call, made.view.key.id, made.token.reveal())


async def used(home: House, shop: Sold) -> int:
    """How often the tenant's keys were accepted, as it was written down."""
    now = datetime.now(UTC)
    span = TenantUsageQuestion(since=now - timedelta(days=1), until=now + timedelta(days=1))
    return (await home.services.run(tenant_usage, shop.call, span)).counts.totals["VALID"]


async def test_what_is_remembered_is_decided_at_once_in_any_thread(
    each_home: House, database_url: str
) -> None:
    shop = await sold(each_home)
    verifier = keywright.Verifier(database_url, tenant="acme")
    assert verifier.at_once(shop.token) is None
    async with verifier:
        assert verifier.at_once(shop.token) is None
        assert (await verifier.verify(shop.token)).valid
        for ask in (verifier.at_once, partial(asyncio.to_thread, verifier.at_once)):
            found = ask(shop.token, ip="192.0.2.1")
            decision = await found if inspect.isawaitable(found) else found
            assert decision is not None
            assert decision.valid
            other = ask(shop.token, tenant="other", explain=True)
            decision = await other if inspect.isawaitable(other) else other
            assert decision is not None
            assert decision.code is Code.TENANT_MISMATCH
            assert decision.explanation is not None
        for wrong in ({"action": "a b"}, {"ip": "nowhere"}, {"cost": -1}):
            with pytest.raises(InvalidValue):
                verifier.at_once(shop.token, **wrong)  # type: ignore[arg-type] # as a caller might
    assert verifier.at_once(shop.token) is None
    assert await asyncio.to_thread(verifier.at_once, shop.token) is None
    assert await used(each_home, shop) == 3


async def test_keys_with_limits_and_session_tokens_in_the_loops_own_thread(
    each_home: House, database_url: str
) -> None:
    shop = await sold(each_home, limits=(("slow", 1, 3600),))
    async with keywright.Verifier(database_url) as verifier:
        assert (await verifier.verify(shop.token)).valid
        assert verifier.at_once(shop.token) is None
        assert (await verifier.verify(shop.token)).code is Code.RATE_LIMITED
        found = verifier.at_once("kws_x")
        assert found is not None
        assert found.code is Code.NOT_FOUND


async def test_a_revocation_is_final_for_threads_and_each_use_is_counted(
    each_home: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glances, "HAND_OVER_AT", 8)
    home = each_home
    shop = await sold(home)
    accepted = [0] * THREADS
    late: list[object] = []
    revoked, done = threading.Event(), threading.Event()
    async with keywright.Verifier(database_url, tenant="acme") as verifier:
        assert (await verifier.verify(shop.token)).valid

        def ask(number: int) -> None:
            met = None
            while not done.is_set():
                was_revoked = revoked.is_set()
                if number % 2:
                    decision = verifier.at_once(shop.token)
                else:
                    met = met or verifier.bearer(shop.token, told=lambda decision: decision)
                    decision = None if met is None else met.decide()
                    met = None if decision is None else met
                if decision is not None and decision.valid:
                    accepted[number] += 1
                    if was_revoked:
                        late.append(decision)
                time.sleep(0)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            while sum(accepted) < 200:
                assert all(thread.is_alive() for thread in threads)
                await asyncio.sleep(0.01)
            await home.services.change(delete_keys, shop.call, KeyIds((shop.key_id,)))
            revoked.set()
            await asyncio.sleep(0.1)
        finally:
            done.set()
            for thread in threads:
                await asyncio.to_thread(thread.join)
        assert late == []
    assert await used(home, shop) == sum(accepted) + 1


async def test_whoever_was_met_is_decided_about_without_their_token(
    each_home: House, database_url: str
) -> None:
    """In the loop's thread and in others; each use is counted, and a revocation that has returned is final."""
    home = each_home
    shop = await sold(home)
    verifier = keywright.Verifier(database_url, tenant="acme")

    def meet(**place: Any) -> Any:
        return verifier.bearer(shop.token, told=lambda decision: decision.code, **place)

    assert meet() is None
    async with verifier:
        assert meet() is None
        assert (await verifier.verify(shop.token)).valid
        here, elsewhere = meet(ip="192.0.2.1"), meet(tenant="other")
        for _ in range(2):
            assert here.decide() == await asyncio.to_thread(here.decide) == Code.VALID
            assert elsewhere.decide() == Code.TENANT_MISMATCH
        with pytest.raises(InvalidValue):
            here.decide("a b")
        with pytest.raises(InvalidValue):
            meet(ip="nowhere")
        await home.services.change(delete_keys, shop.call, KeyIds((shop.key_id,)))
        assert here.decide() is None
        assert await asyncio.to_thread(here.decide) is None
        assert meet() is None
    assert await used(home, shop) == 5


async def test_a_process_that_is_forked_off_answers_nothing_from_what_it_remembers(
    each_home: House, database_url: str
) -> None:
    shop = await sold(each_home)
    async with keywright.Verifier(database_url) as verifier:
        assert (await verifier.verify(shop.token)).valid
        assert verifier.at_once(shop.token) is not None
        # What the child of a fork calls, which a test could not be without being two.
        embedded._forked()
        assert verifier.at_once(shop.token) is None
        assert not verifier.ready


async def test_a_loop_that_has_ended_is_told_nothing(each_home: House, database_url: str) -> None:
    verifier = keywright.Verifier(database_url)
    async with verifier:
        loop = asyncio.new_event_loop()
        loop.close()
        verifier._loop = loop
        verifier._soon()
        assert verifier.ready


async def test_a_database_of_another_version_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    verifier = keywright.Verifier(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(StorageError):
        await verifier.__aenter__()
    assert not verifier.ready


def test_the_package_offers_nothing_else() -> None:
    assert keywright.Verifier is embedded.Verifier
    with pytest.raises(AttributeError, match="Nothing"):
        _ = keywright.Nothing  # type: ignore[attr-defined] # that is the point
    assert Database is not None
