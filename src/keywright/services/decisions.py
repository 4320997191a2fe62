"""Decisions for callers over a network: who may ask, and how much of the answer they may see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keywright.core import checks
from keywright.core.decision import Asked, Decision
from keywright.core.errors import InvalidValue, MissingField, PermissionDenied
from keywright.core.identities import is_slug
from keywright.services.places import EVERYWHERE, admit, find_tenant, one_tenant

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from keywright.storage import Database
    from keywright.verify import Verifier

MAX_BATCH = 1_000
VERIFY = "keys:verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question about one token, given itself or by its SHA-256 in hex."""

    token: str | None = None
    token_hash: str | None = None
    tenant: str | None = None
    action: str | None = None
    resource: str | None = None
    ip: str | None = None
    explain: bool = False
    cost: int = 1

    def __repr__(self) -> str:
        """Without the token."""
        return "Question(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A token as its holder shows it to use something: what, named or as the HTTP request that it is for.

    `ip` is None where nobody can say from where it is shown.
    """

    token: str = field(repr=False)
    tenant: str | None = None
    action: str | None = None
    resource: str | None = None
    request: tuple[str, str] | None = None
    ip: IPv4Address | IPv6Address | None = None
    cost: int = 1


class Judge:
    """Answers questions about keys: for callers with `keys:verify`, and for whoever shows the key itself."""

    __slots__ = ("_verifier",)

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def answer(self, asker: Asker, question: Question, at: str = "") -> Decision:
        """The decision, for which tenants where the asker may not verify do not exist.

        `at` leads the names of fields in errors.
        """
        asked = _asked(asker, question, at)
        if question.token is not None:
            if question.token_hash is not None:
                raise InvalidValue("Give the token or its hash, not both.", field=f"{at}token_hash")
            return await self._verifier.verify(question.token, asked, asker.sees)
        if question.token_hash is None:
            raise MissingField("Give a token, or its SHA-256 as token_hash.", field=f"{at}token")
        digest = checks.token_hash(question.token_hash, f"{at}token_hash")
        return await self._verifier.verify_digest(digest, asked, asker.sees)

    async def judge(self, shown: Shown) -> Decision:
        """The decision about a token that is shown. It needs no other credential, since the holder is told."""
        if shown.resource is not None and shown.action is None:
            raise MissingField("A resource is asked about together with an action.", field="action")
        asked = Asked(
            tenant=shown.tenant,
            action=None if shown.action is None else _stored_action(shown.action),
            resource=None if shown.resource is None else checks.action(shown.resource, "resource"),
            ip=shown.ip,
            cost=checks.cost(shown.cost),
            request=shown.request,
        )
        return await self._verifier.verify(shown.token, asked)

    async def look_at(self, asker: Asker, token: str, ip: str | None = None) -> Decision:
        """Whether a token may be used at all. It is no use of it: limits and credits count for nothing."""
        question = Question(token=token, ip=ip)
        asked = _asked(asker, question, "")
        return await self._verifier.verify(token, asked, asker.sees, charge=False)

    async def enter(self, caller: Caller, named: str | None) -> Asker:
        """The caller in the tenant that it names, once it may verify there; raises `PermissionDenied` otherwise.

        With `*`, and where it names none and may verify everywhere, that is the whole installation.
        """
        tenant = caller.bound
        everywhere = tenant is None and (named == EVERYWHERE or (named is None and caller.may(None, VERIFY)))
        if not everywhere and (named is not None or tenant is None):
            tenant = await self._entered(caller, named)
        tenant_id = None if tenant is None else tenant.id
        if not caller.may(tenant_id, VERIFY):
            raise PermissionDenied(f"This needs the permission {VERIFY}.")
        return Asker(caller, tenant, may_explain=caller.may(tenant_id, "keys:read"))

    async def _entered(self, caller: Caller, named: str | None) -> Tenant:
        """As `find_tenant`; one that is named is remembered, since it is named with each question."""
        if named is not None:
            bound = caller.bound
            if bound is not None:
                return admit(caller, bound if bound.slug == named else None)
            return admit(caller, await self._verifier.tenant(named) if is_slug(named) else None)
        return await self._implied(caller)

    async def _implied(self, _caller: Caller) -> Tenant:
        """The tenant that a caller means who names none, has none and may not verify everywhere."""
        raise PermissionDenied(f"This needs the permission {VERIFY}.")


class Decisions(Judge):
    """A judge with a database, where it finds which tenant a caller means who names none."""

    __slots__ = ("_database",)

    def __init__(self, verifier: Verifier, database: Database) -> None:
        super().__init__(verifier)
        self._database = database

    async def _implied(self, caller: Caller) -> Tenant:
        async with self._database.read() as transaction:
            return await find_tenant(transaction, caller, None)


@dataclass(frozen=True, slots=True)
class Asker:
    """A caller who may verify, and the tenant it does so in (None: everywhere)."""

    caller: Caller
    tenant: Tenant | None
    may_explain: bool

    def sees(self, tenant: Tenant) -> bool:
        """Whether the asker may verify in a tenant; others do not exist for it."""
        return self.caller.may(tenant.id, VERIFY)

    def tenant_of(self, question: Question, field: str) -> str | None:
        """The slug of the tenant that a question is about.

        A key confined to one tenant may ask about any: its answer is that nothing of another exists. Whoever
        entered one of several has to stay with it, since its rights were looked at there.
        """
        own = None if self.tenant is None else self.tenant.slug
        if self.caller.bound is None:
            return one_tenant(own, question.tenant, field)
        return own if question.tenant is None else question.tenant


def _stored_action(text: str) -> str:
    """An action that a gateway names; which ones a key was used for is stored and shown, so it holds no token."""
    return checks.without_tokens(checks.action(text), "action")


def _asked(asker: Asker, question: Question, at: str) -> Asked:
    if question.explain and not asker.may_explain:
        raise PermissionDenied("An explanation needs the permission keys:read.", field=f"{at}explain")
    if question.resource is not None and question.action is None:
        raise MissingField("A resource is asked about together with an action.", field=f"{at}action")
    return Asked(
        tenant=asker.tenant_of(question, f"{at}tenant"),
        action=None if question.action is None else checks.action(question.action, f"{at}action"),
        resource=None if question.resource is None else checks.action(question.resource, f"{at}resource"),
        ip=None if question.ip is None else checks.address(question.ip, f"{at}ip"),
        explain=question.explain,
        cost=checks.cost(question.cost, f"{at}cost"),
    )
