"""The use cases of keys."""

from __future__ import annotations

from keywright.core.ids import new_id
from keywright.core.listing import KeyQuery
from keywright.services.keys import KeyChanges, KeyId, KeyIds, ListKeys, NewKey
from tests.support.cases import Case

CASES = {
    "keys.create": Case(
        lambda place: NewKey(name="New", scope=((("keys:create",), None),), tenant=place.tenant.slug),
        lambda: NewKey(name="New", scope=((("keys:create",), None),), tenant="nowhere"),
        ("key.create",),
        secrets=lambda created: [created.token.reveal()],
    ),
    "keys.get": Case(lambda place: KeyId(place.target.id), lambda: KeyId(new_id("key"))),
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
