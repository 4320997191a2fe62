"""The calls on API keys: list, create, get, update, delete."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from keywright.core import checks
from keywright.core.errors import HandleTaken
from keywright.core.ids import is_id
from keywright.core.listing import MAX_PAGE, KeyQuery
from keywright.dialects.cycloid import bodies, filters, mapping
from keywright.dialects.cycloid.asked import Page
from keywright.dialects.cycloid.errors import invalid
from keywright.dialects.cycloid.owners import Owners
from keywright.services.keys import (
    KeyChanges,
    KeyId,
    KeyIds,
    KeyTransfer,
    ListKeys,
    NewKey,
    create_key,
    delete_keys,
    get_key,
    list_keys,
    transfer_key,
    update_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keywright.dialects.cycloid.asked import Asked
    from keywright.dialects.cycloid.bodies import UpdateAPIKey
    from keywright.dialects.cycloid.filters import Filters
    from keywright.dialects.cycloid.mapping import Plain
    from keywright.services.keys import CreatedKey, KeyView

MISSING = "none"
"""In place of an id: a use case answers for it as for any key that is not there."""
_NUMBERS, _RANDOM_NUMBERS = range(2, 10), 5
_RULES_STAY = "rules in body cannot be changed; delete the API key and make another"
_CANONICAL_STAYS = "canonical in body cannot be changed; delete the API key and make another"


async def list_api_keys(asked: Asked) -> Page:
    """A page of the organization's keys, the newest first, with the number of all that match."""
    paging, wanted = bodies.paging(asked.query), filters.read(asked.query)
    owners = Owners(asked)
    query = await _question(wanted, owners)
    names = await owners.all_names() if wanted.by_owner else {}
    found: list[KeyView] = await asked.walk(
        list_keys,
        lambda cursor: ListKeys(query=query, cursor=cursor),
        tenant=asked.organization,
        wanted=lambda view: wanted.pass_(view.key, asked.organization, names.get(view.key.identity_id, "")),
    )
    items = [mapping.api_key(view.key, await owners.of(view.owner)) for view in paging.of(found)]
    return Page(items, paging, len(found))


async def _question(wanted: Filters, owners: Owners) -> KeyQuery:
    """What the database can answer of the filters; they are all looked at once more afterwards."""
    owner = wanted.exactly(*filters.OWNER)
    canonical = wanted.exactly("canonical", "api_key_canonical")
    named = canonical is not None and mapping.is_canonical(canonical) and not is_id(canonical, "key")
    return KeyQuery(
        identity_id=None if not owner else await owners.id_of(owner),
        handle=canonical if named else None,
        limit=MAX_PAGE,
    )


async def create_api_key(asked: Asked) -> Plain:
    """Make a key; its token is in this answer and in no other."""
    new = bodies.new_api_key(asked.body)
    owners = Owners(asked)
    wanted = NewKey(
        name=new.name,
        description=new.description,
        handle=new.canonical,
        scope=mapping.policies_of(new.rules),
        identity_id=None if new.owner is None else await owners.wanted(new.owner),
    )
    if new.canonical is not None:
        made: CreatedKey = await asked.run(create_key, wanted)
    else:
        made = await _under_a_free_canonical(asked, wanted)
    token = None if made.token is None else made.token.reveal()
    return mapping.api_key(made.view.key, await owners.of(made.view.owner), token)


async def _under_a_free_canonical(asked: Asked, wanted: NewKey) -> CreatedKey:
    """Make a key under a canonical from its name, with a number at its end where another key has that one."""
    taken: HandleTaken | None = None
    for handle in _candidates(mapping.canonical_from(checks.name(wanted.name))):
        try:
            made: CreatedKey = await asked.run(create_key, _named(wanted, handle))
        except HandleTaken as error:
            taken = error
        else:
            return made
    raise taken or HandleTaken("Every canonical that was tried is taken.", field="handle")


def _candidates(canonical: str) -> Iterator[str]:
    yield canonical
    for number in _NUMBERS:
        yield mapping.numbered(canonical, number)
    for _ in range(_RANDOM_NUMBERS):
        yield mapping.numbered(canonical, 10 + secrets.randbelow(1_000_000))


def _named(wanted: NewKey, handle: str) -> NewKey:
    return NewKey(
        name=wanted.name,
        description=wanted.description,
        handle=handle,
        scope=wanted.scope,
        identity_id=wanted.identity_id,
    )


async def get_api_key(asked: Asked) -> Plain:
    """One key by its canonical."""
    view: KeyView = await asked.run(get_key, KeyId(await _id_in_path(asked)))
    return mapping.api_key(view.key, await Owners(asked).of(view.owner))


async def update_api_key(asked: Asked) -> Plain:
    """Change a key's name, description and owner; a description that is left out is cleared, an owner stays.

    Who may change all of it is known before anything is changed.
    """
    wanted = bodies.update_api_key(asked.body)
    key_id, owners = await _id_in_path(asked), Owners(asked)
    before: KeyView = await asked.run(get_key, KeyId(key_id))
    _unchangeable(before, wanted)
    owner = before.key.identity_id if wanted.owner is None else await owners.wanted(wanted.owner)
    given = owner != before.key.identity_id
    if given:
        await asked.run(transfer_key, KeyTransfer(key_id, owner))
    view: KeyView = await asked.run(
        update_key, KeyChanges(id=key_id, name=wanted.name, description=wanted.description)
    )
    if given:
        view = (await asked.run(transfer_key, KeyTransfer(key_id, owner, confirm=True))).view
    return mapping.api_key(view.key, await owners.of(view.owner))


def _unchangeable(before: KeyView, wanted: UpdateAPIKey) -> None:
    """Raise `Declined` where rules or canonical are to be others; the same again are taken for what they are."""
    faults = []
    if wanted.canonical not in {None, mapping.canonical_of(before.key)}:
        faults.append(_CANONICAL_STAYS)
    if wanted.rules is not None:
        rules = mapping.rules_of(mapping.policies_of(wanted.rules))
        if rules != mapping.scope_rules(before.key.scope):
            faults.append(_RULES_STAY)
    if faults:
        raise invalid(*faults)


async def delete_api_key(asked: Asked) -> None:
    """Revoke a key. Also that there is none is told only when that is true on every node."""
    await asked.run(delete_keys, KeyIds((await _id_in_path(asked),)))


async def _id_in_path(asked: Asked) -> str:
    """The id of the key with the canonical in the path, or `MISSING`."""
    canonical = asked.path["api_key_canonical"]
    if is_id(canonical, "key"):
        return canonical
    if not mapping.is_canonical(canonical):
        return MISSING
    found = await asked.run(list_keys, ListKeys(query=KeyQuery(handle=canonical, limit=1)))
    return found.items[0].key.id if found.items else MISSING
