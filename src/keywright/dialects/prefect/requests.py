"""What a request holds: who asks, for which tenant, and what the fields of its operations share."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from keywright.core.errors import (
    KeywrightError,
    MalformedRequest,
    NotFound,
    PermissionDenied,
    TenantRequired,
    Unauthenticated,
)
from keywright.core.listing import MAX_PAGE
from keywright.dialects.prefect.errors import MalformedHeader
from keywright.dialects.prefect.mapping import id_of, plain_user
from keywright.services.memberships import Belonging, memberships_of
from keywright.services.roles import list_roles
from keywright.services.service_accounts import (
    ListServiceAccounts,
    ServiceAccountId,
    get_service_account,
    list_service_accounts,
)
from keywright.services.tenants import ListTenants, list_tenants
from keywright.services.users import ListUsers, UserId, get_user, list_users
from keywright.web.asking import Asking
from keywright.web.calls import call_with

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from keywright.services.memberships import MembershipView
    from keywright.services.roles import RoleView
    from keywright.services.service import Services
    from keywright.services.service_accounts import ServiceAccountView
    from keywright.services.users import UserView
    from keywright.web.visit import Visit

MAX_OPERATIONS: Final = 50
"""Operations in one body."""
MAX_LOOKED_UP: Final = 20
"""People looked up one by one for one request."""
_UNSEEN: Final = (NotFound, PermissionDenied, TenantRequired)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as it was sent."""

    query: str = field(repr=False)
    variables: dict[str, Any] | None = field(repr=False)
    name: str | None


def operations(body: bytes) -> tuple[list[Operation], bool]:
    """The operations in a body, and whether they stand in an array. Raises `MalformedRequest`."""
    sent = _decoded(body, "The body is not valid JSON.")
    if not isinstance(sent, list):
        return [_operation(sent)], False
    if not 1 <= len(sent) <= MAX_OPERATIONS:
        raise MalformedRequest(f"An array of operations has 1 to {MAX_OPERATIONS} of them.")
    return [_operation(one) for one in sent], True


def _operation(sent: object) -> Operation:
    if not isinstance(sent, dict):
        raise MalformedRequest("An operation is a JSON object.")
    query, name = sent.get("query"), sent.get("operationName")
    if not isinstance(query, str):
        raise MalformedRequest("An operation has a query.", field="query")
    if name is not None and not isinstance(name, str):
        raise MalformedRequest("The name of an operation is a text.", field="operationName")
    return Operation(query, _variables(sent.get("variables")), name or None)


def _variables(sent: object) -> dict[str, Any] | None:
    """Variables: an object, or as Prefect's own client sends it the JSON text of one."""
    if isinstance(sent, str):
        sent = _decoded(sent, "The variables are not valid JSON.") if sent else None
    if sent is not None and not isinstance(sent, dict):
        raise MalformedRequest("Variables are a JSON object, or its text.", field="variables")
    return sent


def _decoded(sent: bytes | str, otherwise: str) -> object:
    try:
        found: object = msgspec.json.decode(sent)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise MalformedRequest(otherwise) from None
    return found


def bearer(visit: Visit) -> str | None:
    """The token that was sent, None without one. Raises `MalformedHeader`."""
    try:
        authorization = visit.header(b"authorization")
    except MalformedRequest:
        raise MalformedHeader from None
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise MalformedHeader
    return token.strip()


@dataclass(slots=True)
class Request:
    """What the fields of one request share.

    Nobody is asked for before a field needs it. `tenant` is then the tenant that the call is for: that of the key, or
    the one that the header names; None where a session or a global key names none.
    """

    services: Services
    visit: Visit
    tenant: Tenant | None = None
    _asking: Asking | None = None
    _refused: KeywrightError | None = None
    _people: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    _everybody: list[dict[str, Any]] | None = None
    _roles: tuple[RoleView, ...] | None = None
    _held: tuple[MembershipView, ...] | None = None

    async def asking(self) -> Asking:
        """Who runs use cases; raises `Unauthenticated` and what `Services.authenticate` raises, each time."""
        if self._refused is not None:
            raise self._refused
        if self._asking is None:
            try:
                self._asking = await self._authenticated()
            except KeywrightError as refused:
                self._refused = refused
                raise
        return self._asking

    async def caller(self) -> Caller:
        """Who asks; raises as `asking` does."""
        return (await self.asking()).call.caller

    async def elsewhere(self, given: str | None) -> str | None:
        """The slug of the tenant that an input names by its UUID, None where the call is for that one or none is named.

        Raises `PermissionDenied` for another one than the call is for, and `NotFound`.
        """
        asking = await self.asking()
        if given is None:
            return None
        wanted = id_of("ten", given)
        if self.tenant is not None:
            if self.tenant.id != wanted:
                raise PermissionDenied("The input names another tenant than the call is for.")
            return None
        return (await self._named(asking, wanted)).slug

    async def person(self, identity_id: str) -> dict[str, Any] | None:
        """An identity as a user, None where the caller may not know of it; looked up once.

        Whoever asks for many is given them from the list of all, so that a long answer takes few use cases.
        """
        if identity_id not in self._people:
            if len(self._people) >= MAX_LOOKED_UP and self._everybody is None:
                with suppress(*_UNSEEN):
                    await self.everybody()
            if self._everybody is None:
                self._people[identity_id] = await self._person(identity_id)
        return self._people.get(identity_id)

    async def everybody(self) -> list[dict[str, Any]]:
        """All people and service accounts of the tenant as users; looked up once."""
        if self._everybody is None:
            asking = await self.asking()
            people = await asking.every(list_users, lambda at: ListUsers(limit=MAX_PAGE, cursor=at))
            accounts = await asking.every(
                list_service_accounts, lambda at: ListServiceAccounts(limit=MAX_PAGE, cursor=at)
            )
            shown = {one.person.identity.id: _user(one) for one in people}
            shown |= {one.identity.id: _account(one) for one in accounts}
            self._people |= shown
            self._everybody = list(shown.values())
        return self._everybody

    async def roles(self) -> tuple[RoleView, ...]:
        """The roles that can be held in the tenant; looked up once."""
        if self._roles is None:
            self._roles = await (await self.asking()).run(list_roles, None)
        return self._roles

    async def held(self) -> tuple[MembershipView, ...]:
        """What roles the caller holds, wherever its credential reaches; looked up once."""
        if self._held is None:
            self._held = await (await self.asking()).run(memberships_of, Belonging())
        return self._held

    async def _authenticated(self) -> Asking:
        call = await call_with(bearer(self.visit), self.visit, self.services)
        asking = Asking(self.services, call)
        named = self.visit.header(b"x-prefect-tenant-id")
        bound = call.caller.bound
        if named is None:
            self.tenant = bound
            return asking
        wanted = id_of("ten", named)
        try:
            tenant = bound if bound is not None else await self._named(asking, wanted)
        except NotFound:
            tenant = None
        if tenant is None or tenant.id != wanted:
            raise Unauthenticated(
                "The credential is not valid for the tenant that X-PREFECT-TENANT-ID names."
            )
        self.tenant = tenant
        asking.call = call if bound is not None else replace(call, tenant=tenant.slug)
        return asking

    @staticmethod
    async def _named(asking: Asking, tenant_id: str) -> Tenant:
        cursor: str | None = None
        while True:
            page = await asking.run(list_tenants, ListTenants(limit=MAX_PAGE, cursor=cursor))
            for one in page.items:
                if one.id == tenant_id:
                    return one
            cursor = page.next_cursor
            if cursor is None:
                raise NotFound("No such tenant.")

    async def _person(self, identity_id: str) -> dict[str, Any] | None:
        asking = await self.asking()
        own = asking.call.caller.identity
        try:
            return _user(await asking.run(get_user, UserId(identity_id)))
        except _UNSEEN:
            pass
        try:
            return _account(await asking.run(get_service_account, ServiceAccountId(identity_id)))
        except _UNSEEN:
            return plain_user(own, (), None, None) if own.id == identity_id else None


def _user(view: UserView) -> dict[str, Any]:
    person = view.person
    return plain_user(person.identity, view.memberships, person.login, person.email)


def _account(view: ServiceAccountView) -> dict[str, Any]:
    return plain_user(view.identity, view.memberships, None, None)
