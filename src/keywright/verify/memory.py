"""What a node remembers of keys, and what it has heard since of each.

Nothing is searched for when a change comes in: the memory notes at which epoch a key, an identity or a tenant was
touched last, and an entry that was read before that is not used any more. The same comparison is the fill fence: a
read that was on its way when the change was applied carries an older epoch.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from keywright.core.changes import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from keywright.core.changes import FeedEntry
    from keywright.core.identities import Tenant
    from keywright.core.ports import KeyFacts

MAX_TOUCHED: Final = 10_000
"""Ids whose last change is remembered, before the entries that they outdate are searched for and dropped."""
ENTRY_BYTES: Final = 900
"""What an entry takes beside its texts, with all that it alone holds on to; `bench/` measures it."""
MAX_PLACES: Final = 1_000


class Memory:
    """A bounded memory of facts by the digest of the token; what was not used for longest goes first.

    `called` says what an id is called in the entries of the feed, where that is not the id itself.
    """

    __slots__ = (
        "_bytes",
        "_called",
        "_entries",
        "_floor",
        "_max_bytes",
        "_max_entries",
        "_places",
        "_touched",
        "heard",
    )

    def __init__(
        self, *, max_entries: int, max_bytes: int, called: Callable[[str], str] | None = None
    ) -> None:
        self._called = called
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: OrderedDict[bytes, KeyFacts] = OrderedDict()
        self._places: dict[str, tuple[Tenant, int]] = {}
        self._touched: dict[str, int] = {}
        self._bytes = 0
        self.heard = 0
        """How many changes were heard of. Facts that were `compared` with so many are remembered, and hold."""
        self._floor = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """About how many bytes the entries take."""
        return self._bytes

    def get(self, digest: bytes) -> KeyFacts | None:
        """What is remembered under a digest, unless something that it rests on was touched since it was read."""
        facts = self._entries.get(digest)
        if facts is None:
            return None
        if facts.compared != self.heard:
            if not self.holds(facts):
                self._drop(digest)
                return None
            facts.compare(self.heard)
        self._entries.move_to_end(digest)
        return facts

    def glimpse(self, digest: bytes) -> KeyFacts | None:
        """What `get` gives, if it was compared with all that was heard; changes nothing, and any thread may call it.

        Each of its three reads is one step for other threads, and `heard` is the last: facts carry that number only
        after they were found to hold, and what outdates some raises it before anybody is told that it was heard. Who
        looked before that may still be given them, like a decision that had begun before.
        """
        facts = self._entries.get(digest)
        if facts is None or facts.compared != self.heard:
            return None
        return facts

    def holds(self, facts: KeyFacts) -> bool:
        """Whether nothing that these facts rest on was touched since they were read, as far as was heard."""
        epoch = facts.epoch
        touched = self._touched_at
        key = facts.key
        if touched(key.id) > epoch or touched(key.identity_id) > epoch:
            return False
        if key.tenant_id is not None:
            return touched(key.tenant_id) <= epoch
        return all(grant.tenant_id is None or touched(grant.tenant_id) <= epoch for grant in facts.grants)

    def _touched_at(self, one: str) -> int:
        """The epoch at which an id was touched last, as far as was heard; 0 for never."""
        return self._touched.get(one if self._called is None else self._called(one), 0)

    def is_newest(self, facts: KeyFacts) -> bool:
        """Whether facts that were just read are not overtaken by a change that was heard of meanwhile."""
        return facts.epoch >= self._floor and self.holds(facts)

    def put(self, digest: bytes, facts: KeyFacts) -> bool:
        """Remember facts that were just read; False, and nothing is, when a change overtook the read."""
        if not self.is_newest(facts):
            return False
        if digest in self._entries:
            self._drop(digest)
        facts.compare(self.heard)
        self._entries[digest] = facts
        self._bytes += _size(facts)
        while self._entries and (len(self._entries) > self._max_entries or self._bytes > self._max_bytes):
            self._gone(self._entries.popitem(last=False)[1])
        return True

    def place(self, slug: str) -> Tenant | None:
        """The tenant that is remembered under a slug, unless it was touched since."""
        found = self._places.get(slug)
        if found is None:
            return None
        tenant, epoch = found
        if self._touched_at(tenant.id) > epoch:
            del self._places[slug]
            return None
        return tenant

    def put_place(self, tenant: Tenant, epoch: int) -> None:
        """Remember a tenant that was just read, unless a change overtook the read."""
        if epoch < self._floor or self._touched_at(tenant.id) > epoch:
            return
        if len(self._places) >= MAX_PLACES:
            self._places.clear()
        self._places[tenant.slug] = (tenant, epoch)

    def apply(self, entries: Iterable[FeedEntry]) -> None:
        """Drop what entries of the change feed touched."""
        newest = 0
        for entry in entries:
            newest = entry.epoch
            if EVERYTHING in entry.touched:
                self.forget_all(entry.epoch)
            else:
                self._touched.update(dict.fromkeys(entry.touched, entry.epoch))
        self.heard += 1
        if len(self._touched) > MAX_TOUCHED:
            self._tidy(newest)

    def forget_all(self, epoch: int) -> None:
        """Drop everything, and what is still being read, unless it is read at this epoch or later."""
        self._entries.clear()
        self._places.clear()
        self._touched.clear()
        self._bytes = 0
        self.heard += 1
        self._floor = epoch

    def _tidy(self, newest: int) -> None:
        """Drop the outdated entries themselves, so that what was touched need not be remembered any longer.

        What is still being read from before `newest` is not known to be outdated or not, and is thrown away.
        """
        kept = [(digest, facts) for digest, facts in self._entries.items() if self.holds(facts)]
        self._entries = OrderedDict(kept)
        self._bytes = sum(_size(facts) for _, facts in kept)
        self._places.clear()
        self._touched.clear()
        self._floor = newest
        for _, facts in kept:
            facts.compare(self.heard)

    def _drop(self, digest: bytes) -> None:
        self._gone(self._entries.pop(digest))

    def _gone(self, facts: KeyFacts) -> None:
        """Have facts that are remembered no longer be compared with nothing, for whoever else has them."""
        facts.compare(-1)
        self._bytes -= _size(facts)


def _size(facts: KeyFacts) -> int:
    key = facts.key
    return ENTRY_BYTES + len(key.name) + len(key.metadata) + len(facts.identity.name)
