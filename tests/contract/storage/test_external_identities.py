"""Which person is which account of a provider: letter by letter, and each account one person's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.storage.external_identities import LinkRace
from tests.contract.storage.making import NOW, add_home

if TYPE_CHECKING:
    from keywright.storage import Database

pytestmark = pytest.mark.anyio

ISSUER = "https://id.example.com/Realm"
SUBJECTS = ("ada", "Ada", "ada ", "\uff41da", "a\u0301da", "\u00e1da", "x" * 255, "%")


async def test_an_account_is_found_by_issuer_and_subject_alone(database: Database) -> None:
    people = [(await add_home(database)).identity.id for _ in SUBJECTS]
    async with database.write() as transaction:
        for subject, identity_id in zip(SUBJECTS, people, strict=True):
            await transaction.external_identities.add(ISSUER, subject, identity_id, NOW)
    async with database.read() as transaction:
        links = transaction.external_identities
        for subject, identity_id in zip(SUBJECTS, people, strict=True):
            assert await links.find(ISSUER, subject) == identity_id
            for other in ("https://id.example.com/realm", f"{ISSUER}/", ""):
                assert await links.find(other, subject) is None
        for subject in ("ADA", "", "adaa"):
            assert await links.find(ISSUER, subject) is None


async def test_a_person_may_be_several_accounts_and_an_account_is_one_person(database: Database) -> None:
    ada, bob = [(await add_home(database)).identity.id for _ in range(2)]
    async with database.write() as transaction:
        assert not await transaction.external_identities.linked(ISSUER, ada)
        await transaction.external_identities.add(ISSUER, "ada-1", ada, NOW)
        await transaction.external_identities.add(ISSUER, "ada-2", ada, NOW)
        await transaction.external_identities.add("https://other.example", "ada-1", bob, NOW)
    with pytest.raises(LinkRace):
        async with database.write() as transaction:
            await transaction.external_identities.add(ISSUER, "ada-1", bob, NOW)
    async with database.read() as transaction:
        links = transaction.external_identities
        assert await links.find(ISSUER, "ada-1") == await links.find(ISSUER, "ada-2") == ada
        assert await links.linked(ISSUER, ada)
        assert not await links.linked(ISSUER, bob)
        assert await links.linked("https://other.example", bob)


async def test_who_is_removed_is_no_account_any_more(database: Database) -> None:
    ada, bob = [(await add_home(database)).identity.id for _ in range(2)]
    async with database.write() as transaction:
        await transaction.external_identities.add(ISSUER, "ada-1", ada, NOW)
        await transaction.external_identities.add(ISSUER, "bob-1", bob, NOW)
    async with database.write() as transaction:
        await transaction.people.delete(ada)
    async with database.read() as transaction:
        assert await transaction.external_identities.find(ISSUER, "ada-1") is None
        assert await transaction.external_identities.find(ISSUER, "bob-1") == bob
