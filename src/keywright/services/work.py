"""How a use case is declared and run: permission first, then one transaction, with its audit entries in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from keywright.core.audit import AuditEntry, Change
from keywright.core.errors import FreshLoginRequired, PermissionDenied, TenantRequired
from keywright.core.ids import new_id
from keywright.services.places import EVERYWHERE, find_tenant, one_tenant, require

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from keywright.services.tools import Tools
    from keywright.storage import Transaction

In = TypeVar("In")
Out = TypeVar("Out")
Run = TypeVar("Run")


class Reach(StrEnum):
    """What a use case concerns, and so where its permission must be held."""

    TENANT = "tenant"
    INSTALLATION = "installation"
    EITHER = "either"
    """One tenant, or the installation where the call names `*` in place of a tenant."""
    SELF = "self"
    """Only the caller's own credential; any caller may."""


@dataclass(frozen=True, slots=True)
class UseCase(Generic[In, Out]):
    """One thing that Keywright can do for a caller.

    `permission` is the action that the caller must be allowed, on each of the resources that `resources`
    finds in the input (None: on everything); `tenant` finds the slug of a tenant that the input names.
    With `own`, who lacks the permission and may do that instead does it with what is its own alone.
    `changes` says whether it writes, `touches` that it may also change what decisions about keys rest on, for which
    there is a receipt then, and `fresh` that a session needs a recent login for it. `first` is what has
    to be done before the transaction, since it takes long or stands whatever becomes of the call; its result is
    the work's `prepared`. `after` is what remains once the transaction has committed, and can undo nothing: it is
    given the result, and gives the one that the caller gets. Doors know nothing else of a use case, and run it by
    `Services.run`.
    """

    name: str
    permission: str | None
    reach: Reach
    changes: bool
    run: Callable[[Work, In], Awaitable[Out]]
    resources: Callable[[Any], tuple[str | None, ...]]
    tenant: Callable[[Any], str | None]
    own: str | None = None
    fresh: bool = False
    first: Callable[[Tools, Call, Any], Awaitable[Any]] | None = None
    after: Callable[[Tools, Out], Awaitable[Out]] | None = None
    touches: bool = False


def _unnamed(_data: object) -> None:
    return None


def _everything(_data: object) -> tuple[None]:
    return (None,)


def use_case(  # noqa: PLR0913 - each is one thing to say of a use case, by its name
    name: str,
    *,
    permission: str | None,
    reach: Reach = Reach.TENANT,
    changes: bool = False,
    touches: bool = False,
    resources: Callable[[Any], tuple[str | None, ...]] = _everything,
    tenant: Callable[[Any], str | None] = _unnamed,
    own: str | None = None,
    fresh: bool = False,
    first: Callable[[Tools, Call, Any], Awaitable[Any]] | None = None,
    after: Callable[[Tools, Any], Awaitable[Any]] | None = None,
) -> Callable[[Callable[[Work, In], Awaitable[Out]]], UseCase[In, Out]]:
    """Declare a function as a use case. It cannot be declared without saying what permission it needs."""
    if (permission is None) is not (reach is Reach.SELF):
        raise TypeError(f"{name} must name the permission it needs, or reach only the caller itself")

    def declare(run: Callable[[Work, In], Awaitable[Out]]) -> UseCase[In, Out]:
        return UseCase(
            name, permission, reach, changes, run, resources, tenant, own, fresh, first, after, touches
        )

    return declare


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who calls, for which tenant (a slug, where one was named), from where, in which request."""

    caller: Caller
    tenant: str | None = None
    ip: str | None = None
    wait: bool = True
    """Whether the caller waits until a change is true on every node."""
    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass(slots=True, kw_only=True)
class Work:
    """A use case at work: its transaction, its tenant, the moment, and what it has noted for the audit trail."""

    transaction: Transaction
    call: Call
    now: datetime
    place: Tenant | None
    own_only: bool = False
    """Whether the caller may do this with what is its own alone."""
    prepared: Any = None
    """What the use case's `first` gave."""
    entries: list[AuditEntry] = field(default_factory=list)
    nothing_changed: bool = False
    touched: set[str] = field(default_factory=set)

    @property
    def caller(self) -> Caller:
        """Who asked."""
        return self.call.caller

    @property
    def tenant(self) -> Tenant:
        """The tenant that the call concerns; only use cases that reach a tenant have one."""
        if self.place is None:
            raise TenantRequired("This concerns one tenant, and none was named.", field="tenant")
        return self.place

    @property
    def tenant_id(self) -> str | None:
        """The id of the call's tenant, None where it concerns the installation."""
        return None if self.place is None else self.place.id

    def touch(self, *ids: str) -> None:
        """Note keys, identities or tenants (or `EVERYTHING`) of which decisions may differ from now on.

        Each node forgets what it remembers of them before the call returns. A key that is only just made needs no
        such note, since no node knows it.
        """
        self.touched.update(ids)

    def record(
        self,
        action: str,
        target_type: str,
        target_id: str,
        changes: Mapping[str, Change],
        *,
        everywhere: bool = False,
    ) -> None:
        """Note one audit entry; it is written in the same transaction.

        It stands in the trail of the call's tenant, or in that of the installation if `everywhere`.
        """
        self.entries.append(
            AuditEntry(
                id=new_id("aud"),
                at=self.now,
                tenant_id=None if everywhere else self.tenant_id,
                actor=self.caller.actor,
                action=action,
                target_type=target_type,
                target_id=target_id,
                ip=self.call.ip,
                request_id=self.call.request_id,
                changes=changes,
            )
        )


async def perform(
    use: UseCase[In, Out],
    transaction: Transaction,
    call: Call,
    data: In,
    now: datetime,
    prepared: Any = None,  # noqa: ANN401 - what comes first is each use case's own
) -> tuple[Out, int | None]:
    """Run a use case in an open transaction: find the tenant, check the permission, do it, write the audit entries.

    Answers its result, and for one that touches the epoch that every node has to apply before that is true on it. A
    use case that changes something and notes nothing, or touches something and was not declared to, is a defect; it is
    stopped before the commit.
    """
    place, own_only = await _enter(use, transaction, call, data)
    session = call.caller.session
    if use.fresh and session is not None and not session.fresh(now):
        raise FreshLoginRequired("This asks for a login within the last ten minutes. Log in again.")
    work = Work(
        transaction=transaction, call=call, now=now, place=place, own_only=own_only, prepared=prepared
    )
    result = await use.run(work, data)
    if use.changes and not work.entries and not work.nothing_changed:
        raise RuntimeError(f"{use.name} changed something without an audit entry")
    if work.touched and not use.touches:
        raise RuntimeError(f"{use.name} touched something, and no door shows a receipt for it")
    for entry in work.entries:
        await transaction.audit(entry.tenant_id).add(entry)
    if work.touched:
        return result, await transaction.changes.add(work.touched, now)
    # Where all is as it should be already, another call may have made it so, and be waiting still.
    return result, await transaction.changes.head() if use.touches else None


async def _enter(
    use: UseCase[In, Out], transaction: Transaction, call: Call, data: In
) -> tuple[Tenant | None, bool]:
    """The tenant that the call concerns, and whether the caller may do it with its own alone."""
    if use.permission is None:
        return call.caller.bound, False
    place = await _place(use, transaction, call, data)
    tenant_id = None if place is None else place.id
    own_only = False
    for resource in use.resources(data) or _everything(data):
        if use.own is not None and not call.caller.may(tenant_id, use.permission, resource):
            own_only = call.caller.may(tenant_id, use.own, resource)
        if not own_only:
            require(call.caller, tenant_id, use.permission, resource)
    return place, own_only


async def _place(use: UseCase[In, Out], transaction: Transaction, call: Call, data: In) -> Tenant | None:
    if use.reach is not Reach.INSTALLATION:
        named = one_tenant(call.tenant, use.tenant(data))
        if use.reach is Reach.TENANT or named != EVERYWHERE:
            return await find_tenant(transaction, call.caller, named)
    if call.caller.bound is not None:
        raise PermissionDenied("This concerns the whole installation, and the key is confined to one tenant.")
    return None
