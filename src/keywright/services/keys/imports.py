"""Many keys at once, whose tokens are elsewhere already: each is judged by itself, as one that is created."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.errors import (
    HandleTaken,
    InvalidTokenHash,
    InvalidValue,
    KeywrightError,
    TokenHashTaken,
    Unavailable,
)
from keywright.services.catalog.vocabulary import vocabulary_of
from keywright.services.keys.owners import from_template, owner_of, within_given_uses
from keywright.services.keys.rules import drafted
from keywright.services.memberships import checked_roles, plain_grant
from keywright.services.places import EVERYWHERE
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keywright.core.catalog import Vocabulary
    from keywright.core.identities import Grant, Identity
    from keywright.core.keys import Key
    from keywright.core.permissions import Policy
    from keywright.services.keys.shapes import NewKey
    from keywright.services.work import Work

MAX_IMPORTED = 1_000
"""Keys that can be imported by one call."""


class Outcome(StrEnum):
    """What became of one key of an import."""

    CREATED = "created"
    PRESENT = "present"
    """A key with this token hash and this name is there already."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class KeyImport:
    """Keys to be made, each with its `token_hash`; with `dry_run` they are judged, and nothing is written."""

    items: tuple[NewKey, ...]
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ImportedKey:
    """What became of one key: `id` where there is one by now, `refusal` where it was refused."""

    outcome: Outcome
    id: str | None = None
    refusal: KeywrightError | None = None


@dataclass(frozen=True, slots=True)
class KeyImported:
    """What became of the keys of an import, in their order."""

    keys: tuple[ImportedKey, ...]
    dry_run: bool

    def count(self, outcome: Outcome) -> int:
        """How many keys had this outcome."""
        return sum(one.outcome is outcome for one in self.keys)


class _Draft(NamedTuple):
    """A key that may be made; `grants` are those of an owner that is made for it alone."""

    key: Key
    digest: bytes
    owner: Identity
    grants: tuple[Grant, ...] | None


@use_case(
    "keys.import",
    permission="keys:create",
    own="keys:own:create",
    reach=Reach.EITHER,
    changes=True,
    fresh=True,
)
async def import_keys(work: Work, wanted: KeyImport) -> KeyImported:
    """Make up to 1,000 keys whose tokens are elsewhere already; answers what became of each, in the order given.

    One that is refused keeps none of the others from being made. Importing the same again changes nothing. Raises
    `TokenHashTaken` or `HandleTaken` where another call takes one at this moment: nothing is made then, and to import
    again tells which.
    """
    if not 1 <= len(wanted.items) <= MAX_IMPORTED:
        raise InvalidValue(f"1 to {MAX_IMPORTED} keys can be imported at once.", field="items")
    judge = _Judge(work, await vocabulary_of(work))
    judged = [await judge.judged(new) for new in wanted.items]
    drafts = [one for one in judged if isinstance(one, _Draft)]
    taken = _Taken(
        await work.transaction.all_keys.by_digests([one.digest for one in drafts]),
        await work.transaction.keys(work.tenant_id).handles_among(
            [one.key.handle for one in drafts if one.key.handle is not None]
        ),
    )
    made: list[_Draft] = []
    found: list[ImportedKey] = []
    for one in judged:
        if not isinstance(one, _Draft):
            found.append(one)
            continue
        outcome = taken.outcome(work, one)
        found.append(outcome)
        if outcome.outcome is Outcome.CREATED:
            made.append(one)
    if wanted.dry_run:
        work.nothing_changed = True
        ids = {one.key.id for one in made}
        return KeyImported(
            tuple(replace(one, id=None) if one.id in ids else one for one in found), dry_run=True
        )
    if made:
        await _write(work, made)
    work.nothing_changed = not made
    return KeyImported(tuple(found), dry_run=False)


class _Judge:
    """Judges keys as `keys.create` does, and asks the database once for what many of them share."""

    def __init__(self, work: Work, vocabulary: Vocabulary) -> None:
        self._work = work
        self._vocabulary = vocabulary
        self._owners: dict[str, Identity] = {}
        self._grants: dict[str, tuple[Grant, ...]] = {work.caller.identity.id: work.caller.grants}
        self._covered: set[tuple[str, tuple[Policy, ...] | None]] = set()

    async def judged(self, asked: NewKey) -> _Draft | ImportedKey:
        """The key that is asked for, or its refusal. Raises `Unavailable`."""
        try:
            return await self._draft(asked)
        except Unavailable:
            raise
        except KeywrightError as refusal:
            return _refused(refusal)

    async def _draft(self, asked: NewKey) -> _Draft:
        work = self._work
        if asked.token_hash is None:
            raise InvalidTokenHash("A key that is imported has the hash of its token.", field="token_hash")
        new = await from_template(work, asked)
        owner = await self._owner(new)
        key = drafted(work, new, owner)
        await within_given_uses(work, asked, key)
        if key.scope is not None:
            self._vocabulary.check_policies(key.scope, "scope")
        stored = checks.token_hash(asked.token_hash)
        grants = None
        if new.memberships is not None:
            grants = await checked_roles(work, new.memberships)
            work.caller.require_covers(work.tenant_id, grants, key.scope)
        else:
            await self._within_own_rights(key)
        return _Draft(key, stored, owner, grants)

    async def _owner(self, new: NewKey) -> Identity:
        named = new.identity_id
        if named is None or new.memberships is not None:
            return await owner_of(self._work, new)
        if named not in self._owners:
            self._owners[named] = await owner_of(self._work, new)
        return self._owners[named]

    async def _within_own_rights(self, key: Key) -> None:
        mark = (key.identity_id, key.scope)
        if mark in self._covered:
            return
        if key.identity_id not in self._grants:
            self._grants[key.identity_id] = await self._work.transaction.all_memberships.grants(
                key.identity_id
            )
        grants = self._grants[key.identity_id]
        self._work.caller.require_covers(self._work.tenant_id, grants, key.scope)
        self._covered.add(mark)


class _Taken:
    """The token hashes and handles that are taken, by what is stored and by the keys before in the same import."""

    def __init__(self, by_digest: Mapping[bytes, Key], handles: set[str]) -> None:
        self._by_digest = dict(by_digest)
        self._handles = handles

    def outcome(self, work: Work, draft: _Draft) -> ImportedKey:
        """What becomes of a key beside all those."""
        key, other = draft.key, self._by_digest.get(draft.digest)
        if other is not None:
            if _is_same(work, key, other):
                return ImportedKey(Outcome.PRESENT, other.id)
            return _refused(
                TokenHashTaken("A key with this token hash exists or existed.", field="token_hash")
            )
        if key.handle is not None and key.handle in self._handles:
            return _refused(HandleTaken("Another key of the tenant has this handle.", field="handle"))
        self._by_digest[draft.digest] = key
        if key.handle is not None:
            self._handles.add(key.handle)
        return ImportedKey(Outcome.CREATED, key.id)


def _refused(refusal: KeywrightError) -> ImportedKey:
    return ImportedKey(Outcome.REFUSED, refusal=refusal)


def _is_same(work: Work, key: Key, other: Key) -> bool:
    """Whether a stored key is the one that is to be made, and the caller may know of it."""
    open_to_caller = not work.own_only or other.identity_id == work.caller.identity.id
    here = other.tenant_id == work.tenant_id and other.deleted_at is None
    return here and open_to_caller and other.name == key.name


async def _write(work: Work, made: Sequence[_Draft]) -> None:
    """Store keys with the owners that are made for them alone, and one entry for all of them."""
    given: dict[str, object] = {}
    for one in made:
        if one.grants is not None:
            await work.transaction.identities.add(one.owner)
            for grant in one.grants:
                await work.transaction.memberships(work.tenant_id).add(
                    one.owner.id, grant, work.now, created_by=work.caller.identity.id
                )
            given[one.key.id] = [plain_grant(grant) for grant in one.grants]
    await work.transaction.keys(work.tenant_id).add_all([(one.key, one.digest) for one in made])
    changes = {"keys": Change(None, [one.key.id for one in made])}
    if given:
        changes["memberships"] = Change(None, given)
    work.record("key.import", "tenant", work.tenant_id or EVERYWHERE, changes)
