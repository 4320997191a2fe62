"""Making, listing and reading tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.audit import Change
from keywright.core.errors import KeywrightError
from keywright.core.identities import Grant
from keywright.core.ids import is_id
from keywright.core.roles import ADMIN, SUPER_ADMIN
from keywright.core.tokens import mint
from keywright.services.tenants import (
    ListTenants,
    NewTenant,
    TenantSlug,
    create_tenant,
    get_tenant,
    list_tenants,
)
from tests.support.facts import NOW

if TYPE_CHECKING:
    from keywright.services.callers import Caller
    from tests.support.house import House, Scope

pytestmark = pytest.mark.anyio


async def root(home: House, scope: Scope | None = None) -> Caller:
    owner = await home.identity(Grant(SUPER_ADMIN))
    return await home.caller(await home.key(None, owner, scope=scope))


async def refused(home: House, use: Any, caller: Caller, data: Any, **call: Any) -> KeywrightError:
    before = await home.count_entries()
    with pytest.raises(KeywrightError) as caught:
        await home.run(use, caller, data, **call)
    assert await home.count_entries() == before
    return caught.value


async def slugs(home: House, caller: Caller, **wanted: Any) -> list[str]:
    page = await home.run(list_tenants, caller, ListTenants(**wanted))
    return [tenant.slug for tenant in page.items]


async def test_a_tenant_is_made_and_noted_in_the_installation_s_trail(home: House) -> None:
    caller = await root(home)
    made = (await home.run(create_tenant, caller, NewTenant("my-blog", " My blog "))).tenant
    assert is_id(made.id, "ten")
    assert (made.slug, made.name, made.active, made.created_at) == ("my-blog", "My blog", True, NOW)
    (entry,) = await home.trail(None)
    assert (entry.action, entry.target_type, entry.target_id) == ("tenant.create", "tenant", made.id)
    assert entry.changes == {"slug": Change(None, "my-blog"), "name": Change(None, "My blog")}
    assert await home.trail(made) == ()
    assert await home.run(get_tenant, caller, TenantSlug("my-blog")) == made


async def test_a_tenant_without_a_name_is_named_after_its_slug(home: House) -> None:
    made = await home.run(create_tenant, await root(home), NewTenant("my-blog"))
    assert (made.tenant.name, made.replayed) == ("my-blog", False)


@pytest.mark.parametrize(
    ("new", "error", "field"),
    [
        (NewTenant("My blog"), errors.InvalidValue, "slug"),
        (NewTenant(""), errors.InvalidValue, "slug"),
        (NewTenant("\ud800"), errors.InvalidValue, "slug"),
        (NewTenant("b", ""), errors.InvalidValue, "name"),
        (NewTenant("b", mint().reveal()), errors.SecretInText, "name"),
        (NewTenant("taken"), errors.SlugTaken, "slug"),
    ],
)
async def test_what_cannot_be_made_is_refused_by_its_field(
    each_home: House, new: NewTenant, error: type[KeywrightError], field: str
) -> None:
    home = each_home
    await home.tenant("taken")
    refusal = await refused(home, create_tenant, await root(home), new)
    assert (type(refusal), refusal.field) == (error, field)


async def test_a_list_is_walked_page_by_page(each_home: House) -> None:
    home = each_home
    caller = await root(home)
    made = ["b", "0", "a-1", "a_1", "a1", "z"]
    for slug in made:
        await home.tenant(slug)
    seen: list[str] = []
    cursor = None
    while True:
        page = await home.run(list_tenants, caller, ListTenants(limit=2, cursor=cursor))
        seen += [tenant.slug for tenant in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(made)


async def test_everybody_sees_the_tenants_in_which_they_may_read_them(home: House) -> None:
    one, two, three = [await home.tenant(slug) for slug in ("one", "two", "three")]
    owner = await home.identity(
        Grant(ADMIN, one.id), Grant(ADMIN, three.id), Grant("unheard-of", two.id), name="Owner"
    )
    reading: Scope = [(["tenants:read"], None)]
    of_one: Scope = [(["tenants:read"], ["tenant:one"])]
    callers = {
        "root": await root(home),
        "reading root": await root(home, reading),
        "blind root": await root(home, [(["keys:read"], None)]),
        "root of one": await root(home, of_one),
        "global": await home.caller(await home.key(None, owner)),
        "blind global": await home.caller(await home.key(None, owner, scope=[])),
        "in one": await home.caller(await home.key(one, owner)),
        "in two": await home.caller(await home.key(two, owner)),
        "blind in one": await home.caller(await home.key(one, owner, scope=[(["keys:read"], None)])),
    }
    seen = {
        "root": {"one", "two", "three"},
        "reading root": {"one", "two", "three"},
        "global": {"one", "three"},
        "in one": {"one"},
    }
    for name, caller in callers.items():
        expected = seen.get(name, set())
        assert set(await slugs(home, caller)) == expected, name
        for slug in ("one", "two", "three"):
            if slug in expected:
                assert (await home.run(get_tenant, caller, TenantSlug(slug))).slug == slug
            else:
                refusal = await refused(home, get_tenant, caller, TenantSlug(slug))
                assert (type(refusal), refusal.detail, refusal.field) == (
                    errors.NotFound,
                    "No such tenant.",
                    None,
                ), name


@pytest.mark.parametrize("slug", ["", "nowhere", "ONE", "\0", "\ud800", "a" * 101])
async def test_a_slug_that_nothing_has_is_missing(each_home: House, slug: str) -> None:
    refusal = await refused(each_home, get_tenant, await root(each_home), TenantSlug(slug))
    assert (type(refusal), refusal.detail) == (errors.NotFound, "No such tenant.")


@pytest.mark.parametrize("limit", [0, 201, -1])
async def test_a_page_has_bounds(home: House, limit: int) -> None:
    refusal = await refused(home, list_tenants, await root(home), ListTenants(limit=limit))
    assert (type(refusal), refusal.field) == (errors.InvalidValue, "limit")


async def test_a_foreign_cursor_is_refused(home: House) -> None:
    refusal = await refused(home, list_tenants, await root(home), ListTenants(cursor="xx"))
    assert (type(refusal), refusal.field) == (errors.InvalidCursor, "cursor")


async def test_a_disabled_tenant_is_still_seen_by_its_members(home: House) -> None:
    tenant = await home.tenant("off", active=False)
    await home.person("anna", "correct horse", Grant(ADMIN, tenant.id))
    caller = await home.logged_in("anna", "correct horse")
    assert not (await home.run(get_tenant, caller, TenantSlug("off"))).active
