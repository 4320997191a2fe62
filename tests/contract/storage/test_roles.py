"""Roles that tenants define: kept as they are written, found by their exact name, and listed by it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.errors import RoleTaken
from keywright.core.roles import PolicyTemplate, Role, Variable
from tests.contract.storage.making import EXAMPLES, NASTY, NOW, SECOND, a_role, add_home

if TYPE_CHECKING:
    from keywright.core.roles import DefinedRole
    from keywright.storage import Database
    from tests.contract.storage.making import Home

pytestmark = pytest.mark.anyio


@pytest.fixture
def tenant_id(home: Home) -> str:
    return str(home.tenant_id)


async def add(database: Database, *roles: DefinedRole) -> None:
    async with database.write() as transaction:
        for one in roles:
            await transaction.roles(one.tenant_id).add(one)


async def stored(database: Database, tenant_id: str, name: str) -> DefinedRole | None:
    async with database.read() as transaction:
        return await transaction.roles(tenant_id).by_name(name)


TEXTS = st.sampled_from(NASTY)
PATTERNS = st.sampled_from(["a", "a:*", "**", "a:${v}", "é-${v}:${w}*:**", "日本:${w}"])
ROLES = st.builds(
    Role,
    st.sampled_from(["editor", "e", "e-1", "e_1"]),
    TEXTS,
    st.lists(st.builds(Variable, st.sampled_from(["v", "w"]), st.none() | TEXTS, TEXTS), max_size=2).map(
        tuple
    ),
    st.lists(
        st.builds(
            PolicyTemplate.of,
            st.lists(PATTERNS, min_size=1, max_size=2),
            st.none() | st.lists(PATTERNS, min_size=1, max_size=2),
        ),
        max_size=2,
    ).map(tuple),
)


@EXAMPLES
@given(role=ROLES, other=ROLES, by_catalog=st.booleans())
async def test_a_role_comes_back_as_it_was_written(
    database: Database, role: Role, other: Role, by_catalog: bool
) -> None:
    home = await add_home(database)
    made = a_role(str(home.tenant_id), role=role, by_catalog=by_catalog)
    await add(database, made)
    assert await stored(database, made.tenant_id, role.name) == made
    changed = replace(
        made, role=replace(other, name=role.name), by_catalog=not by_catalog, updated_at=NOW + SECOND
    )
    async with database.write() as transaction:
        await transaction.roles(made.tenant_id).change(changed)
    assert await stored(database, made.tenant_id, role.name) == changed


async def test_a_role_keeps_its_name_its_id_and_when_it_was_made(database: Database, tenant_id: str) -> None:
    made = a_role(tenant_id, "editor")
    await add(database, made)
    async with database.write() as transaction:
        await transaction.roles(tenant_id).change(
            replace(made, role=replace(made.role, name="writer", description="new"), created_at=NOW + SECOND)
        )
    assert await stored(database, tenant_id, "writer") is None
    assert await stored(database, tenant_id, "editor") == replace(
        made, role=replace(made.role, description="new")
    )


async def test_names_are_told_apart_by_every_letter(database: Database, tenant_id: str) -> None:
    roles = [a_role(tenant_id, name) for name in ("editor", "Editor", "editor-1", "editor_1", "éditor")]
    await add(database, *roles)
    for one in roles:
        assert await stored(database, tenant_id, one.role.name) == one
    for absent in ("EDITOR", "editor ", "edito_", "%", ""):
        assert await stored(database, tenant_id, absent) is None


async def test_a_name_is_taken_in_its_tenant_until_the_role_is_removed(
    database: Database, tenant_id: str
) -> None:
    first = a_role(tenant_id, "editor")
    await add(database, first)
    with pytest.raises(RoleTaken) as taken:
        await add(database, a_role(tenant_id, "editor"))
    assert taken.value.field == "name"
    elsewhere = a_role(str((await add_home(database)).tenant_id), "editor")
    await add(database, elsewhere)
    async with database.write() as transaction:
        await transaction.roles(tenant_id).remove(first.id)
    again = a_role(tenant_id, "editor")
    await add(database, again)
    assert await stored(database, tenant_id, "editor") == again
    assert await stored(database, elsewhere.tenant_id, "editor") == elsewhere


async def test_roles_are_listed_by_name(database: Database, tenant_id: str) -> None:
    roles = [a_role(tenant_id, name) for name in ("b", "a", "c-1", "c_1", "c", "0", "ab")]
    await add(database, *roles)
    ordered = sorted(roles, key=lambda one: one.role.name)
    async with database.read() as transaction:
        mine = transaction.roles(tenant_id)
        assert list(await mine.all()) == ordered
        for limit in (1, 2, 3, 7, 8):
            found: list[DefinedRole] = []
            page = await mine.page(limit=limit)
            while True:
                assert len(page.items) == len(page.positions) <= limit
                found += page.items
                if not page.more:
                    break
                page = await mine.page(limit=limit, after=page.positions[-1])
            assert found == ordered
        assert (await mine.page(limit=1, after=page.positions[-1])).items == ()
