"""The verifier in an application: on the same database as a server, and heard of by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import keywright
from keywright.core.decision import Code
from keywright.core.errors import InvalidValue, MissingField
from keywright.services import embedded
from keywright.services.keys import KeyIds, NewKey, create_key, delete_keys
from keywright.services.upkeep import Upkeep
from keywright.services.work import Call
from keywright.storage import Database, StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.house import House

pytestmark = pytest.mark.anyio


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
