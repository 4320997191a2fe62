"""The use cases of service accounts, and of the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.ids import new_id
from keywright.services.service_accounts import (
    ListServiceAccounts,
    NewServiceAccount,
    ServiceAccountChanges,
    ServiceAccountId,
)
from keywright.services.trail import ListEntries
from tests.support.cases import Case, Place

if TYPE_CHECKING:
    from tests.support.house import House


async def an_account(home: House, place: Place) -> None:
    """A service account with a key."""
    account = place.things["account"] = await home.service_account(place.tenant)
    place.things["key"] = await home.key(place.tenant, account)


CASES = {
    "service_accounts.create": Case(
        lambda _: NewServiceAccount(name="Importer"),
        lambda: NewServiceAccount(name=""),
        ("service_account.create",),
        yields=True,
    ),
    "service_accounts.get": Case(
        lambda place: ServiceAccountId(place.things["account"].id),
        lambda: ServiceAccountId(new_id("idn")),
        prepare=an_account,
    ),
    "service_accounts.list": Case(lambda _: ListServiceAccounts(), ListServiceAccounts, yields=True),
    "service_accounts.update": Case(
        lambda place: ServiceAccountChanges(id=place.things["account"].id, name="Other"),
        lambda: ServiceAccountChanges(id=new_id("idn"), name="Other"),
        ("service_account.update",),
        prepare=an_account,
    ),
    "service_accounts.delete": Case(
        lambda place: ServiceAccountId(place.things["account"].id),
        lambda: ServiceAccountId(new_id("idn")),
        ("service_account.delete",),
        prepare=an_account,
    ),
    "audit.list": Case(lambda _: ListEntries(), ListEntries, yields=True),
}
