"""What the core needs of the world, where the world comes in more than one form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

from keywright.core.identities import grants_in, role_set
from keywright.core.instants import to_us
from keywright.core.permissions import compile_policies
from keywright.core.ranges import ranges_of

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.changes import FeedEntry, NodeState
    from keywright.core.identities import Grant, Identity, RoleSet, Tenant
    from keywright.core.keys import UsedKey
    from keywright.core.limits import Bucket, CreditBlock, Taken, UnspentCredits
    from keywright.core.permissions import Policies
    from keywright.core.ranges import Range
    from keywright.core.routes import RouteTable

_WIDE = 2**62
MAX_PLACES = 16
"""Tenants for which one global key keeps its compiled roles at hand."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """All that a decision about one key rests on, read in one snapshot.

    `epoch` is the newest one of the change feed in that snapshot. `tenant` is None for a global key. `grants` are
    the identity's roles, in the key's tenant and everywhere; for a global key those of every tenant. `routes` are
    those of the key's tenant, None where it has none. `narrowed` is the key's scope. All are compiled once.
    """

    key: UsedKey
    identity: Identity
    tenant: Tenant | None
    grants: tuple[Grant, ...]
    epoch: int = 0
    routes: RouteTable | None = None
    narrowed: Policies | None = field(init=False, repr=False, compare=False)
    _home: RoleSet | None = field(init=False, repr=False, compare=False)
    _abroad: dict[str | None, RoleSet] | None = field(init=False, repr=False, compare=False)
    starts_us: int = field(init=False, repr=False, compare=False)
    ends_us: int = field(init=False, repr=False, compare=False)
    """The key's span of validity in microseconds since the epoch; half open, and wide where it has none."""
    uncounted: bool = field(init=False, repr=False, compare=False)
    """Whether the key belongs to a tenant and no limit and no credit is asked at its use."""
    ranges: tuple[Range, ...] | None = field(init=False, repr=False, compare=False)
    """From where the key may be used, as plain numbers; None where from anywhere."""
    buckets: tuple[Bucket, ...] | None = field(init=False, repr=False, compare=False)
    """For whoever counts: the limits that a use in the key's own place asks, once they are known."""
    compared: int = field(init=False, repr=False, compare=False)
    """For whoever remembers the facts: how many changes they were last compared with."""

    def __post_init__(self) -> None:
        scope = self.key.scope
        object.__setattr__(self, "narrowed", None if scope is None else compile_policies(scope))
        object.__setattr__(self, "_home", None)
        object.__setattr__(self, "_abroad", None)
        cidrs = self.key.allowed_cidrs
        object.__setattr__(self, "ranges", None if cidrs is None else ranges_of(cidrs))
        object.__setattr__(self, "buckets", None)
        object.__setattr__(self, "compared", -1)
        object.__setattr__(self, "uncounted", self._is_uncounted())
        starts, ends = self.key.not_before, self.key.expires_at
        object.__setattr__(self, "starts_us", -_WIDE if starts is None else to_us(starts))
        object.__setattr__(self, "ends_us", _WIDE if ends is None else to_us(ends))

    def keep(self, buckets: tuple[Bucket, ...]) -> None:
        """Note the limits that a use in the key's own place asks."""
        object.__setattr__(self, "buckets", buckets)

    def compare(self, changes: int) -> None:
        """Note that these facts hold after so many changes."""
        object.__setattr__(self, "compared", changes)

    def _is_uncounted(self) -> bool:
        key, tenant = self.key, self.tenant
        if tenant is None or key.credits is not None or key.limits or self.identity.limits:
            return False
        own = tenant.settings.default_limits if key.limits is None else ()
        return not own and not tenant.settings.limits

    def held(self, tenant_id: str | None) -> RoleSet:
        """What the identity may do in a tenant, or (None) with the installation."""
        if tenant_id == self.key.tenant_id:
            if self._home is None:
                object.__setattr__(self, "_home", role_set(grants_in(self.grants, tenant_id)))
            return cast("RoleSet", self._home)
        if self._abroad is None or len(self._abroad) >= MAX_PLACES:
            object.__setattr__(self, "_abroad", {})
        abroad = cast("dict[str | None, RoleSet]", self._abroad)
        found = abroad.get(tenant_id)
        if found is None:
            found = abroad[tenant_id] = role_set(grants_in(self.grants, tenant_id))
        return found


class KeyLookup(Protocol):
    """The read behind a decision that memory cannot answer."""

    async def by_digest(self, digest: bytes) -> KeyFacts | None:
        """The facts of the key with this SHA-256 digest, or None; deleted keys are not found.

        Raises `Unavailable` when the database cannot answer.
        """
        ...

    async def tenant(self, slug: str) -> tuple[Tenant, int] | None:
        """The tenant of this slug and the newest epoch in that snapshot, or None. Raises `Unavailable` likewise."""
        ...


class ChangeFeed(Protocol):
    """Where a node says that it lives and what it has applied, and hears what was touched.

    Each call is a transaction of its own, and raises `Unavailable` when the database cannot answer.
    """

    async def register(self, node: NodeState) -> None:
        """Make the node known; from now on changes wait for it."""
        ...

    async def renew(self, node_id: str, applied: int) -> bool:
        """Say that the node lives; False when it is not known any more, and then nothing waits for it."""
        ...

    async def since(self, epoch: int) -> tuple[int, tuple[FeedEntry, ...] | None]:
        """The newest epoch, and every entry after one; None for these when they are too many or not all there."""
        ...

    async def acknowledge(self, node_id: str, applied: int) -> None:
        """Say that the node has dropped what all entries up to an epoch touched; extends no lease."""
        ...

    async def leave(self, node_id: str) -> None:
        """Forget the node, which answers nothing from memory any more."""
        ...

    async def nodes(self) -> tuple[NodeState, ...]:
        """Every node that changes wait for."""
        ...

    async def forget(self, node_id: str, beat: int) -> None:
        """Forget a node whose lease is long over, unless it has renewed since that beat."""
        ...


class Counters(Protocol):
    """What counts uses against limits."""

    async def take(self, buckets: tuple[Bucket, ...], cost: int) -> Taken:
        """Charge a use to all of the buckets, or to none of them when one has no room for it."""
        ...

    async def give_back(self, buckets: tuple[Bucket, ...], cost: int) -> None:
        """Undo a charge, for a use that did not happen."""
        ...


class CreditStore(Protocol):
    """Where nodes take credits from in blocks, and give back what they do not spend."""

    async def take(self, key_id: str, need: int, wish: int, now_us: int) -> CreditBlock:
        """Take `wish` credits of a key where there are plenty, else `need` of them, else none; in one step.

        Credits that are to be filled up by `now_us` are filled up first. Raises `Unavailable` when the database cannot
        answer; what it took all the same is lost.
        """
        ...

    async def left(self, key_id: str, now_us: int) -> CreditBlock:
        """What `take` would find, in a block of nothing. Raises `Unavailable` when the database cannot answer."""
        ...

    async def give_back(self, unspent: tuple[UnspentCredits, ...]) -> None:
        """Put back what was not spent, where nobody has set or filled up the credits since.

        Raises `Unavailable` when surely none of it came back, so that it may be tried again. Where that is not known,
        it is silent: credits that may have come back already must not come back twice.
        """
        ...


class Clock(Protocol):
    """The time by which validity is judged."""

    def now_us(self) -> int:
        """Microseconds since the Unix epoch, UTC."""
        ...

    def now(self) -> datetime:
        """The same moment as an aware UTC datetime."""
        ...
