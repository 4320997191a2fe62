"""Text: kept exactly as given, told apart by every letter, and folded and sorted alike on both engines."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keywright.core.audit import SYSTEM, AuditEntry, Change
from keywright.core.ids import new_id
from keywright.core.listing import KeyQuery, KeySort, fold
from keywright.storage.people import Person
from tests.contract.storage.making import (
    EXAMPLES,
    NASTY,
    NOW,
    Home,
    a_key,
    a_tenant,
    add_home,
    add_key,
    add_keys,
    all_pages,
    an_identity,
    as_json,
    key_by_id,
)

if TYPE_CHECKING:
    from keywright.storage import Database

pytestmark = pytest.mark.anyio

# What no door lets through, and PostgreSQL cannot store: NUL, and halves of surrogate pairs.
STORABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
LOOK_ALIKES = [
    ("a", "A"),
    ("a", "a "),
    ("a", " a"),
    ("z-1", "z_1"),
    ("straße", "strasse"),
    ("\u00e1", "a\u0301"),
    ("i", "\u0131"),
    ("K", "\u212a"),  # the Kelvin sign
    ("a", "\u0430"),  # the second is Cyrillic
    ("_", "%"),
]


@pytest.mark.parametrize(("one", "other"), LOOK_ALIKES)
async def test_look_alikes_are_others(database: Database, home: Home, one: str, other: str) -> None:
    people = [an_identity(), an_identity()]
    async with database.write() as transaction:
        for text, who in zip((one, other), people, strict=True):
            await transaction.tenants.add(a_tenant(text))
            await transaction.people.add(Person(who, text, "hash"))
            await add_keys(transaction, [a_key(home, handle=text)])
    async with database.read() as transaction:
        for text, who in zip((one, other), people, strict=True):
            tenant = await transaction.tenants.by_slug(text)
            assert tenant is not None
            assert tenant.slug == text
            assert await database.lookup.tenant(text) == (tenant, 0)
            person = await transaction.people.by_login(text)
            assert person is not None
            assert (person.identity.id, person.login) == (who.id, text)
            page = await transaction.keys(home.tenant_id).page(KeyQuery(handle=text), NOW)
            assert [key.handle for key in page.items] == [text]


async def test_letter_case_is_not_folded_when_looking_up(database: Database, home: Home) -> None:
    async with database.write() as transaction:
        await transaction.tenants.add(a_tenant("acme"))
        await transaction.people.add(Person(an_identity(), "ada", "hash"))
        await add_keys(transaction, [a_key(home, handle="deploy")])
    async with database.read() as transaction:
        assert await transaction.tenants.by_slug("ACME") is None
        assert await database.lookup.tenant("Acme") is None
        assert await transaction.people.by_login("Ada") is None
        assert not (await transaction.keys(home.tenant_id).page(KeyQuery(handle="Deploy"), NOW)).items
        assert await transaction.tenants.by_id(str(home.tenant_id).upper()) is None


async def test_text_comes_back_exactly(database: Database) -> None:
    for text in NASTY:
        await text_comes_back(database, text)


async def text_comes_back(database: Database, text: str) -> None:
    tenant = a_tenant(text, name=text)
    who = an_identity(name=text)
    home = Home(tenant, who)
    key = a_key(home, name=text, description=text, handle=text, metadata=as_json({text: [text]}))
    entry = AuditEntry(
        id=new_id("aud"),
        at=NOW,
        tenant_id=tenant.id,
        actor=SYSTEM,
        action="key.create",
        target_type="key",
        target_id=key.id,
        ip=None,
        request_id=text,
        changes={text: Change(None, {text: text})},
    )
    async with database.write() as transaction:
        await transaction.tenants.add(tenant)
        await transaction.people.add(Person(who, text, "hash"))
        await add_keys(transaction, [key])
        await transaction.audit(tenant.id).add(entry)
    async with database.read() as transaction:
        assert await transaction.tenants.by_id(tenant.id) == tenant
        assert await transaction.identities.by_id(who.id) == who
        assert await transaction.keys(tenant.id).by_id(key.id) == key
        assert (await transaction.audit(tenant.id).page(limit=1)).items == (entry,)


@EXAMPLES
@given(text=STORABLE, json=st.dictionaries(STORABLE, STORABLE | st.none() | st.floats(allow_nan=False)))
async def test_any_text_comes_back_exactly(
    database: Database, home: Home, text: str, json: dict[str, object]
) -> None:
    key = await add_key(database, home, name=text, description=text, metadata=as_json(json))
    assert await key_by_id(database, key) == key


async def test_lists_are_sorted_alike(database: Database, home: Home) -> None:
    """By the code points of the folded name, which neither an engine's collation nor its locale decides."""
    keys = [a_key(home, name=name) for name in NASTY]
    async with database.write() as transaction:
        await add_keys(transaction, keys)
    expected = sorted(keys, key=lambda key: (fold(key.name), key.id))
    for limit in (1, 7, 200):
        query = KeyQuery(sort=KeySort.NAME, descending=False, limit=limit)
        assert await all_pages(database, home.tenant_id, query) == expected


BEGINNINGS = (*NASTY, "A\u0301", "STRASSE", "a\U0010ffff", "\U0010ffff\U0010ffff", "\ud7ffx", "absent")


async def test_the_beginning_of_a_name_is_found_folded(database: Database, home: Home) -> None:
    names = [*NASTY, *(f"{name}{more}" for name in NASTY for more in ("x", "\U0010ffff", "\U0010ffffx"))]
    names += ["Straße 5", "strasse 6", "\ud7fe\U0010ffff"]
    async with database.write() as transaction:
        await add_keys(transaction, [a_key(home, name=name) for name in names])
    for prefix in BEGINNINGS:
        found = await all_pages(database, home.tenant_id, KeyQuery(name_prefix=prefix, limit=200))
        assert {key.name for key in found} == {name for name in names if fold(name).startswith(fold(prefix))}


@st.composite
def names_and_beginning(draw: st.DrawFn) -> tuple[list[str], str]:
    names = draw(st.lists(STORABLE, min_size=1, max_size=8))
    name = draw(st.sampled_from(names))
    return names, name[: draw(st.integers(0, len(name)))]


@EXAMPLES
@given(names_and_beginning())
@example((["a\U0010ffffb", "b"], "a"))
async def test_any_beginning_is_found(database: Database, drawn: tuple[list[str], str]) -> None:
    names, prefix = drawn
    home = await add_home(database)
    async with database.write() as transaction:
        await add_keys(transaction, [a_key(home, name=name) for name in names])
    found = await all_pages(database, home.tenant_id, KeyQuery(name_prefix=prefix, limit=200))
    expected = sorted(name for name in names if fold(name).startswith(fold(prefix)))
    assert sorted(key.name for key in found) == expected


async def test_names_that_look_alike_fold_alike(database: Database, home: Home) -> None:
    """Composed and decomposed, upper and lower case, with marks in any order: one search finds them all."""
    alike = ["Ångström", "\u212bngstr\u00f6m", "A\u030angstro\u0308m", "ÅNGSTRÖM"]
    assert len({unicodedata.normalize("NFC", name) for name in alike}) == 2
    keys = [a_key(home, name=name) for name in alike]
    async with database.write() as transaction:
        await add_keys(transaction, [*keys, a_key(home, name="Angstrom")])
    for name in alike:
        found = await all_pages(database, home.tenant_id, KeyQuery(name_prefix=name))
        assert {key.id for key in found} == {key.id for key in keys}
        assert {key.name for key in found} == set(alike)


async def test_long_names_fold_to_what_an_index_can_hold(database: Database, home: Home) -> None:
    """Some characters become three when folded; names that differ only behind the 255th sort by id."""
    keys = [a_key(home, name="\ufb03" * 255), a_key(home, name="\ufb03" * 254 + "x")]
    async with database.write() as transaction:
        await add_keys(transaction, keys)
    query = KeyQuery(sort=KeySort.NAME, descending=False, limit=1)
    assert await all_pages(database, home.tenant_id, query) == sorted(keys, key=lambda key: key.id)
    assert len(await all_pages(database, home.tenant_id, KeyQuery(name_prefix="\ufb03" * 255))) == 2
