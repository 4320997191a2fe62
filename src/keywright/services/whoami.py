"""Who the caller is: every caller may ask that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.core.identities import grants_in, role_set
from keywright.services.keys import KeyView
from keywright.services.users.rules import views
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from keywright.core.identities import HeldRole, Identity, Tenant
    from keywright.core.sessions import Session
    from keywright.services.users import UserView
    from keywright.services.work import Work


@dataclass(frozen=True, slots=True)
class Holder:
    """The caller: its identity, its credential (a key or a session), the tenant it is confined to, the roles there.

    `user` is who is logged in, by what they log in with; None for a key.
    """

    identity: Identity
    key: KeyView | None
    session: Session | None
    tenant: Tenant | None
    roles: tuple[HeldRole, ...]
    user: UserView | None = None


@use_case("whoami", permission=None, reach=Reach.SELF)
async def whoami(work: Work, _nothing: None) -> Holder:
    """The holder of the credential that the call was made with."""
    caller = work.caller
    used = caller.key
    key = None if used is None else await work.transaction.keys(used.tenant_id).by_id(used.id)
    person = None if caller.session is None else await work.transaction.people.by_id(caller.identity.id)
    return Holder(
        identity=caller.identity,
        key=None if key is None else KeyView(key, key.state(work.now), caller.bound, caller.identity),
        session=caller.session,
        tenant=caller.bound,
        roles=role_set(grants_in(caller.grants, None if caller.bound is None else caller.bound.id)).roles,
        user=None if person is None else (await views(work, [person]))[0],
    )
