"""Every change of what decisions rest on is told to the nodes, and docs/revocation.md says which changes those are."""

from __future__ import annotations

import ast
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keywright import services
from keywright.core.identities import Grant
from keywright.core.roles import READ_ONLY, SUPER_ADMIN, PolicyTemplate, Role
from keywright.services.catalog import NewCatalog, apply_catalog
from keywright.services.keys import KeyChanges, update_key
from keywright.services.limits import CreditsInput, LimitInput
from keywright.services.memberships import (
    MembershipId,
    NewMembership,
    create_membership,
    delete_membership,
)
from keywright.services.roles import RoleChanges, update_role
from keywright.services.service_accounts import ServiceAccountChanges, update_service_account
from keywright.services.tenants import SettingsChanges, TenantChanges, update_tenant
from keywright.services.users import UserChanges, update_user
from keywright.services.work import Call, UseCase, Work, use_case
from tests.services.test_use_cases import a_place, data_for, who_may
from tests.services.touching import everybody_gets_keys, touching
from tests.support.cases import all_cases, use_cases
from tests.support.facts import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.services.touching import Done
    from tests.support.house import House

pytestmark = pytest.mark.anyio

PAGE = (Path(__file__).parents[2] / "docs" / "revocation.md").read_text("utf-8")
CASES = all_cases()
CHANGING = {name: use for name, use in use_cases().items() if use.changes}
LIMITS = (LimitInput("burst", 10, 1),)


def rows(title: str) -> dict[str, list[str]]:
    """The rows of the table under a title, by their first cell."""
    text = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    found = {row[0].strip("`"): row[1:] for row in cells}
    assert len(found) == len(lines)
    return found


USE_CASES = rows("Which calls need an epoch")
BESIDE = rows("What else writes")


def test_every_change_has_its_row() -> None:
    assert list(USE_CASES) == sorted(CHANGING)
    for name, (needs, why) in USE_CASES.items():
        assert needs == ("yes" if CHANGING[name].touches else "no"), name
        assert why, name


def test_only_what_changes_something_touches() -> None:
    assert all(use.changes for use in use_cases().values() if use.touches)


@pytest.mark.parametrize("name", sorted(CHANGING))
async def test_what_a_call_changes_it_also_touches(home: House, name: str) -> None:
    place = await a_place(home, "acme")
    data = await data_for(home, place, name)
    permission = CHANGING[name].permission
    # No more than the permission, so that who makes a tenant becomes its administrator.
    caller = await who_may(home, place, name, None if permission is None else [([permission], None)])
    await everybody_gets_keys(home, place.tenant)
    done = await touching(home, home.run(CHANGING[name], caller, data))
    assert (done.touched is not None) is (USE_CASES[name][0] == "yes")


KEY = {
    "name": "Other",
    "description": "Other",
    "handle": "other",
    "scope": ((("keys:read",), None),),
    "not_before": NOW + timedelta(days=1),
    "expires_at": NOW + timedelta(days=2),
    "allowed_cidrs": ("192.0.2.0/24",),
    "metadata": {"team": "search"},
    "limits": LIMITS,
    "credits": CreditsInput(10),
    "active": False,
}
ACCOUNT = {"name": "Other", "description": "Other", "active": False, "limits": LIMITS}
USER = {"name": "Other", "email": "other@example.com", "active": False, "limits": LIMITS}
TENANT = {
    "new_slug": "other",
    "name": "Other",
    "active": False,
    "settings": SettingsChanges(keys_must_expire=True),
}
SETTINGS = {
    "key_prefix": "acme",
    "max_key_lifetime_seconds": 3_600,
    "keys_must_expire": True,
    "two_factor_required": True,
    "default_limits": LIMITS,
    "limits": LIMITS,
}
UNFELT = {("keys.update", "description"), ("keys.update", "handle"), ("users.update", "email")}
"""Changes that no decision and no answer to one knows of."""


@pytest.mark.parametrize(
    ("shape", "values", "named"),
    [
        (KeyChanges, KEY, "id"),
        (ServiceAccountChanges, ACCOUNT, "id"),
        (UserChanges, USER, "id"),
        (TenantChanges, TENANT, "slug"),
        (SettingsChanges, SETTINGS, None),
    ],
)
def test_every_field_that_can_change_is_tried(shape: type, values: dict[str, Any], named: str | None) -> None:
    assert {one.name for one in fields(shape)} - {named} == values.keys()


async def changed(home: House, name: str, field: str, value: Any) -> Done:
    """What changing one field of something touches, and what changing it back does."""
    place = await a_place(home, "acme")
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    account = await home.service_account(place.tenant, Grant(READ_ONLY, place.tenant.id))
    person = await home.person("berta", "correct horse", Grant(READ_ONLY, place.tenant.id))
    await everybody_gets_keys(home, place.tenant)
    given = {field: value}
    settings: dict[str, Any] = {} if field not in SETTINGS else {"settings": SettingsChanges(**given)}
    made: dict[str, Callable[[], tuple[UseCase[Any, Any], Any]]] = {
        "keys.update": lambda: (update_key, KeyChanges(id=place.target.id, **given)),
        "service_accounts.update": lambda: (
            update_service_account,
            ServiceAccountChanges(id=account.id, **given),
        ),
        "users.update": lambda: (update_user, UserChanges(id=person.id, **given)),
        "tenants.update": lambda: (update_tenant, TenantChanges(slug="acme", **(settings or given))),
    }
    use, data = made[name]()
    tenant = None if name == "users.update" else "acme"
    done = await touching(home, home.run(use, root, data, tenant=tenant))
    if field == "active":
        back = await touching(home, home.run(use, root, replace(data, active=True), tenant=tenant))
        assert back.touched == done.touched
    return done


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        *(("keys.update", field, value) for field, value in KEY.items()),
        *(("service_accounts.update", field, value) for field, value in ACCOUNT.items()),
        *(("users.update", field, value) for field, value in USER.items()),
        *(("tenants.update", field, value) for field, value in {**TENANT, **SETTINGS}.items()),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
async def test_each_field_is_told_where_it_counts(home: House, name: str, field: str, value: Any) -> None:
    done = await changed(home, name, field, value)
    assert (done.touched is None) is ((name, field) in UNFELT)


async def test_a_role_that_is_held_everywhere_touches_its_holder(home: House) -> None:
    place = await a_place(home, "acme")
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    holder = await home.identity()
    await everybody_gets_keys(home, place.tenant)
    new = NewMembership(identity_id=holder.id, role="monitor")
    given = await touching(home, home.run(create_membership, root, new, tenant="*"))
    gone = MembershipId(given.result.view.membership.id)
    taken = await touching(home, home.run(delete_membership, root, gone, tenant="*"))
    assert given.touched == taken.touched == frozenset({holder.id})


EDITOR = {"editor": {"policies": [{"actions": ["article:*"]}]}}
NARROWER = {"editor": {"policies": [{"actions": ["article:read"]}]}}


async def test_a_catalog_touches_whoever_holds_its_roles(home: House) -> None:
    place = await a_place(home, "acme")
    holder = await home.identity(Grant(READ_ONLY, place.tenant.id))
    await everybody_gets_keys(home, place.tenant)

    async def applied(roles: dict[str, Any]) -> frozenset[str] | None:
        document = NewCatalog({"roles": roles})
        return (await touching(home, home.run(apply_catalog, place.admin, document))).touched

    assert await applied(EDITOR) == frozenset({place.tenant.id})
    await home.give(place.tenant, holder, "editor")
    assert await applied(EDITOR) is None
    assert await applied(NARROWER) == frozenset({place.tenant.id})
    assert await applied({}) == frozenset({place.tenant.id})


async def test_a_role_that_allows_something_else_touches_its_tenant(home: House) -> None:
    place = await a_place(home, "acme")
    await home.role(place.tenant, Role("editor", policies=(PolicyTemplate.of(["article:*"]),)))
    await home.identity(Grant("editor", place.tenant.id))
    await everybody_gets_keys(home, place.tenant)
    change = RoleChanges(name="editor", policies=((("article:read",), None),))
    done = await touching(home, home.run(update_role, place.admin, change))
    assert done.touched == frozenset({place.tenant.id})


async def test_what_another_tenant_does_touches_nothing_here(home: House) -> None:
    await a_place(home, "acme")
    other = await a_place(home, "other")
    change = KeyChanges(id=other.target.id, active=False)
    done = await touching(home, home.run(update_key, other.admin, change))
    assert done.touched == frozenset({other.target.id})


async def test_a_use_case_that_touches_without_saying_so_is_stopped(home: House) -> None:
    place = await a_place(home, "acme")

    async def run(work: Work, _data: None) -> None:
        work.touch(work.tenant.id)
        work.record("thing.do", "thing", "thing", {})

    silent = use_case("things.do", permission="things:do", changes=True)(run)
    with pytest.raises(RuntimeError, match=r"things\.do touched something"):
        await home.services.run(silent, Call(caller=place.admin), None)
    assert "thing.do" not in {entry.action for entry in await home.trail(place.tenant)}


# What writes beside the use cases


def writers() -> set[str]:
    """Every function of the services that opens a transaction to write in, by module and name."""
    root = Path(services.__path__[0])
    found = set()
    for path in sorted(root.rglob("*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef) and any(
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr == "write"
                for call in ast.walk(node)
            ):
                found.add(f"{module}.{node.name}")
    return found


def test_everything_else_that_writes_has_its_row() -> None:
    assert BESIDE.keys() == writers()
    assert {row[0] for row in BESIDE.values()} <= {"yes", "no"}
    assert all(row[1] for row in BESIDE.values())


def test_the_rows_say_which_of_them_makes_an_epoch() -> None:
    root = Path(services.__path__[0])
    saying = {name for name, row in BESIDE.items() if row[0] == "yes"}
    adding = {
        module
        for path in root.rglob("*.py")
        if ".changes.add(" in path.read_text("utf-8")
        and (module := ".".join(path.relative_to(root).with_suffix("").parts)) != "work"
    }
    assert {name.rpartition(".")[0] for name in saying} == adding
