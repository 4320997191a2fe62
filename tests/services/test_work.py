"""How use cases are declared and run: permission, transaction, trail, attempts and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.audit import Change
from keywright.core.errors import (
    HandleTaken,
    IdempotencyKeyReused,
    InvalidValue,
    PermissionDenied,
    TenantRequired,
    Unavailable,
)
from keywright.core.identities import Grant, Tenant
from keywright.core.ids import new_id
from keywright.core.roles import SUPER_ADMIN
from keywright.services.work import Call, Reach, UseCase, Work, use_case
from keywright.storage import Database
from keywright.storage.idempotency import ReplayRace
from tests.support.facts import NOW, SOMEBODY
from tests.support.house import House

if TYPE_CHECKING:
    from pathlib import Path

    from keywright.services.callers import Caller

pytestmark = pytest.mark.anyio


async def do_nothing(_work: Work, data: Any) -> Any:
    return data


@pytest.mark.parametrize("reach", [Reach.TENANT, Reach.INSTALLATION])
def test_a_use_case_cannot_be_declared_without_its_permission(reach: Reach) -> None:
    with pytest.raises(TypeError, match=r"things\.do must name the permission it needs"):
        use_case("things.do", permission=None, reach=reach)


def test_a_use_case_of_the_caller_alone_names_no_permission() -> None:
    with pytest.raises(TypeError, match=r"things\.do"):
        use_case("things.do", permission="things:do", reach=Reach.SELF)


def test_a_declaration_is_kept_as_it_was_made() -> None:
    declared = use_case("things.do", permission="things:do", changes=True)(do_nothing)
    assert isinstance(declared, UseCase)
    assert (declared.name, declared.permission, declared.reach, declared.changes) == (
        "things.do",
        "things:do",
        Reach.TENANT,
        True,
    )
    assert declared.run is do_nothing
    assert declared.resources(None) == (None,)
    assert declared.tenant(None) is None


def new_tenant(slug: str) -> Tenant:
    return Tenant(id=new_id("ten"), slug=slug, name=slug, active=True, created_at=NOW)


def changing(run: Any, **options: Any) -> UseCase[Any, Any]:
    return use_case("things.do", permission="things:do", changes=True, **options)(run)


async def slugs(home: House) -> list[str]:
    async with home.database.read() as transaction:
        page = await transaction.tenants.page(among=None, limit=100, after=None)
    return [tenant.slug for tenant in page.items]


async def test_a_change_that_is_not_noted_is_undone(each_home: House) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))

    async def forget(work: Work, _data: None) -> None:
        await work.transaction.tenants.add(new_tenant("new"))

    with pytest.raises(RuntimeError, match=r"things\.do changed something without an audit entry"):
        await home.run(changing(forget), admin, None)
    assert await slugs(home) == ["acme"]


async def test_a_change_and_its_entries_stand_or_fall_together(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)

    async def change(work: Work, fail: bool) -> None:
        await work.transaction.tenants.add(new_tenant("new"))
        for number in range(2):
            work.record("thing.do", "thing", f"thing_{number}", {"a": Change(1, {"b": [None]})})
        if fail:
            raise InvalidValue("No.", field="a")

    with pytest.raises(InvalidValue):
        await home.run(changing(change), admin, True)
    assert (await slugs(home), await home.count_entries()) == (["acme"], 0)
    await home.run(changing(change), admin, False, ip="192.0.2.7", request_id="r")
    assert await slugs(home) == ["acme", "new"]
    entries = await home.trail(acme)
    assert {entry.target_id for entry in entries} == {"thing_0", "thing_1"}
    for entry in entries:
        assert (entry.at, entry.tenant_id, entry.actor) == (NOW, acme.id, admin.actor)
        assert (entry.action, entry.target_type, entry.ip, entry.request_id) == (
            "thing.do",
            "thing",
            "192.0.2.7",
            "r",
        )
        assert entry.changes == {"a": Change(1, {"b": [None]})}


async def test_what_says_that_it_changed_nothing_leaves_no_entry(home: House, admin: Caller) -> None:
    async def keep(work: Work, _data: None) -> str:
        work.nothing_changed = True
        return "kept"

    assert await home.run(changing(keep), admin, None) == "kept"
    assert await home.count_entries() == 0


async def test_a_defect_undoes_everything_and_shows_as_one(home: House, admin: Caller) -> None:
    async def break_down(work: Work, _data: None) -> None:
        await work.transaction.tenants.add(new_tenant("new"))
        work.record("thing.do", "thing", "thing_1", {})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await home.run(changing(break_down), admin, None)
    assert (await slugs(home), await home.count_entries()) == (["acme"], 0)


async def test_the_work_knows_its_caller_and_its_tenant(home: House, admin: Caller) -> None:
    async def look(work: Work, data: str) -> tuple[Caller, Tenant, str]:
        return work.caller, work.tenant, data

    declared = use_case("things.read", permission="things:read")(look)
    assert await home.run(declared, admin, "data") == (admin, admin.bound, "data")


async def test_what_concerns_no_tenant_has_none(home: House) -> None:
    async def look(work: Work, _data: None) -> Tenant:
        return work.tenant

    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    declared = use_case("things.read", permission="things:read", reach=Reach.INSTALLATION)(look)
    with pytest.raises(TenantRequired) as caught:
        await home.run(declared, root, None)
    assert caught.value.field == "tenant"


async def test_each_resource_is_asked_for_and_none_at_all_means_everything(home: House) -> None:
    acme = await home.tenant("acme")
    scoped = await home.admin(acme, scope=[(["things:do"], ["thing:1", "thing:2"])])
    declared = use_case("things.do", permission="things:do", resources=tuple)(do_nothing)
    await home.run(declared, scoped, ["thing:1", "thing:2"])
    for refused in (["thing:1", "thing:3"], ["thing:3"], [], [None], ["thing:1", None]):
        with pytest.raises(PermissionDenied):
            await home.run(declared, scoped, refused)
    admin = await home.admin(acme)
    for resources in ([], ["thing:9"], [None]):
        await home.run(declared, admin, resources)


async def test_what_a_call_carries_is_the_caller_s(home: House, admin: Caller) -> None:
    call = Call(caller=admin)
    assert (call.tenant, call.ip, call.request_id, call.idempotency_key) == (None, None, None, None)
    assert call.caller.identity != SOMEBODY


# `Services`


async def test_every_run_is_counted_by_its_outcome(home: House, admin: Caller) -> None:
    async def work(work: Work, error: Exception | None) -> None:
        work.nothing_changed = True
        if error is not None:
            raise error

    declared = changing(work)
    await home.run(declared, admin, None)
    for error in (HandleTaken("Taken."), HandleTaken("Taken."), PermissionDenied("No.")):
        with pytest.raises(type(error)):
            await home.run(declared, admin, error)
    counts = {"ok": 1, "handle_taken": 2, "permission_denied": 1, "not_found": 0}
    for outcome, count in counts.items():
        line = f'keywright_use_cases_total{{outcome="{outcome}",use_case="things.do"}}'
        assert home.metric(line) == count


async def test_a_race_for_an_idempotency_key_is_run_again_a_few_times(home: House, admin: Caller) -> None:
    attempts = 0

    async def race(work: Work, wins_at: int) -> int:
        nonlocal attempts
        attempts += 1
        work.nothing_changed = True
        if attempts < wins_at:
            raise ReplayRace
        return attempts

    assert await home.run(changing(race), admin, 3) == 3
    attempts = 0
    with pytest.raises(IdempotencyKeyReused) as caught:
        await home.run(changing(race), admin, 4)
    assert attempts == 3
    assert caught.value.field == "Idempotency-Key"


async def test_it_is_ready_when_the_database_answers_and_it_holds_a_lease(each_home: House) -> None:
    assert not await each_home.services.ready()
    await each_home.node.register()
    assert await each_home.services.ready()


async def test_it_is_not_ready_when_the_database_is_away(tmp_path: Path, home: House) -> None:
    lost = House(Database.connect(f"sqlite:///{tmp_path / 'nowhere' / 'house.db'}"), home.clock)
    try:
        with pytest.raises(Unavailable):
            await lost.services.ready()
    finally:
        await lost.close()
