"""The use cases of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.listing import KeyQuery
from keywright.core.roles import ADMIN, MEMBER
from keywright.core.tokens import digest, mint
from keywright.services.keys import (
    KeyChanges,
    KeyId,
    KeyIds,
    KeyImport,
    KeyQuestion,
    KeysQuestion,
    KeyToken,
    KeyTransfer,
    ListKeys,
    NewKey,
)
from tests.support.cases import Case, Place, nothing

if TYPE_CHECKING:
    from keywright.services.callers import Caller
    from tests.support.house import House


async def somebody_else(home: House, place: Place) -> None:
    """A key with a scope, and another identity that holds a role."""
    owner = await home.identity(Grant(ADMIN, place.tenant.id))
    place.things["key"] = await home.key(place.tenant, owner, scope=[(["keys:update"], None)])
    place.things["heir"] = await home.identity(Grant(MEMBER, place.tenant.id), name="Heir")


async def its_holder(home: House, _place: Place) -> Caller:
    """Somebody with a global key."""
    return await home.caller(await home.key(None, await home.identity(Grant(ADMIN))))


async def an_administrator(_home: House, place: Place) -> Caller:
    """Somebody who may read every key of the place."""
    return place.admin


def an_import() -> NewKey:
    """A key whose token is elsewhere."""
    return NewKey(name="New", token_hash=digest(mint().reveal()).hex(), scope=((("keys:create",), None),))


CASES = {
    "keys.revoke": Case(nothing, nothing, ("key.revoke",), who=its_holder, yields=True),
    "keys.disable_own": Case(nothing, nothing, ("key.disable",), who=its_holder, yields=True),
    "keys.transfer": Case(
        lambda place: KeyTransfer(place.things["key"].id, place.things["heir"].id, confirm=True),
        lambda: KeyTransfer(new_id("key"), new_id("idn"), confirm=True),
        ("key.transfer",),
        prepare=somebody_else,
    ),
    "keys.explain": Case(
        lambda place: KeyQuestion(id=place.target.id, action="keys:read"),
        lambda: KeyQuestion(id=new_id("key"), action="keys:read"),
    ),
    "keys.allowed": Case(
        lambda place: KeysQuestion((place.target.id,), ("keys:read",)),
        lambda: KeysQuestion((new_id("key"),), ("keys:read",)),
    ),
    "keys.create": Case(
        lambda place: NewKey(name="New", scope=((("keys:create",), None),), tenant=place.tenant.slug),
        lambda: NewKey(name="New", scope=((("keys:create",), None),), tenant="nowhere"),
        ("key.create",),
        secrets=lambda created: [created.token.reveal()],
    ),
    "keys.import": Case(
        lambda _: KeyImport((an_import(),)), lambda: KeyImport((an_import(),)), ("key.import",), yields=True
    ),
    "keys.get": Case(lambda place: KeyId(place.target.id), lambda: KeyId(new_id("key"))),
    "keys.impact": Case(
        lambda place: KeyIds((place.target.id,)), lambda: KeyIds((new_id("key"),)), yields=True
    ),
    "keys.find": Case(lambda place: KeyToken(place.target.token), lambda: KeyToken(mint().reveal())),
    "keys.locate": Case(
        lambda place: KeyId(place.target.id), lambda: KeyId(new_id("key")), who=an_administrator
    ),
    "keys.list": Case(lambda _: ListKeys(query=KeyQuery()), lambda: ListKeys(query=KeyQuery()), yields=True),
    "keys.update": Case(
        lambda place: KeyChanges(id=place.target.id, name="Other"),
        lambda: KeyChanges(id=new_id("key"), name="Other"),
        ("key.update",),
    ),
    "keys.delete": Case(
        lambda place: KeyIds((place.target.id,)), lambda: KeyIds((new_id("key"),)), ("key.delete",)
    ),
}
