"""Who asks `/v1/verify`, as far as memory tells it: a key that a request shows, or the one that an agent runs with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar

from keywright.api.rest.repeats import MAX_KEPT, Standing
from keywright.core.checks import address
from keywright.core.decision import Asked
from keywright.core.errors import InvalidValue
from keywright.core.tokens import digest, is_reserved
from keywright.services.access import caller_with
from keywright.services.decisions import VERIFY
from keywright.services.places import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.api.rest.repeats import Repeat
    from keywright.core.identities import Tenant
    from keywright.core.ports import KeyFacts
    from keywright.verify import Recall

_AUTHORIZATION: Final = b"authorization"
_TENANT: Final = b"keywright-tenant"
# A caller's own request id, address or second credential is for the door behind.
_USUAL: Final = frozenset(
    {
        *(b"host", b"content-length", b"content-type", b"user-agent", b"accept"),
        *(b"accept-encoding", b"accept-language", b"connection", b"traceparent", b"tracestate"),
        *(_AUTHORIZATION, _TENANT),
    }
)
_BEARER: Final = b"Bearer "
_MAX_TOKEN: Final = 512

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_spaced = re.compile(r"\s").search


class Rights:
    """Where a key may verify, as long as its span of validity lasts.

    From any address, or with `anywhere` without regard to the addresses that the key is confined to.
    """

    __slots__ = ("_caller", "_everywhere", "_places", "facts")

    def __init__(self, facts: KeyFacts, *, anywhere: bool = False) -> None:
        self.facts = facts
        is_open = anywhere or facts.key.allowed_cidrs is None
        is_good = facts.key.active and facts.identity.active and is_open
        self._caller = caller_with(facts) if is_good else None
        self._everywhere = facts.tenant is None and self._may(None)
        self._places: dict[tuple[str, bool], bool] = {}

    def reach(self, named: str | None, tenant: Tenant) -> bool:
        """Whether the caller of a request that names this tenant, or none, may verify a key of that one."""
        bound = self.facts.tenant
        enters = named is not None and named != EVERYWHERE
        if bound is not None:
            is_meant = bound.id == tenant.id and named in (None, bound.slug)
        else:
            is_meant = named == tenant.slug if enters else self._everywhere
        if not (is_meant and tenant.active):
            return False
        place = tenant.id, enters
        may = self._places.get(place)
        if may is None:
            may = self._may(tenant.id) and (not enters or self._sees(tenant.id))
            keep(self._places, place, may)
        return may

    def _may(self, tenant_id: str | None) -> bool:
        return self._caller is not None and self._caller.may(tenant_id, VERIFY)

    def _sees(self, tenant_id: str) -> bool:
        """Whether the caller may enter a tenant by its name."""
        return self._caller is not None and self._caller.sees(tenant_id)


class Asking(NamedTuple):
    """Whose rights a request is made with, and the tenant that the request names.

    `token_digest` is that of the key, and `use` the use of it that the request is; None where it is none.
    """

    rights: Rights
    named: str | None
    token_digest: bytes
    use: Asked | None


class Callers(Standing, Protocol):
    """Tells who asks."""

    def asking(self, scope: Any) -> Asking | None:  # noqa: ANN401 - ASGI is untyped
        """Who makes a request, if memory tells it and there is nothing else to look at."""
        ...

    def stays(self, asking: Asking) -> bool:
        """Whether whoever asked may ask still."""
        ...


class ByKey:
    """Callers who show a key with each request, which is a use of that key."""

    by_address = True

    def __init__(self, recall: Recall) -> None:
        self._recall = recall
        self._rights: dict[bytes, Rights] = {}
        self._peers: dict[str, Asked] = {}

    def asking(self, scope: Any) -> Asking | None:  # noqa: ANN401 - ASGI is untyped
        """See `Callers`."""
        found = _headers(scope["headers"])
        token = None if found is None else _token(found[0])
        if found is None or token is None:
            return None
        token_digest = digest(token)
        facts = self._recall.get(token_digest)
        use = None if facts is None else self._use_at(scope.get("client"))
        if facts is None or use is None:
            return None
        rights = self._rights.get(token_digest)
        if rights is None or rights.facts is not facts:
            rights = Rights(facts)
            keep(self._rights, token_digest, rights)
        return Asking(rights, found[1], token_digest, use)

    def stays(self, asking: Asking) -> bool:
        """See `Callers`."""
        return self._recall.get(asking.token_digest) is asking.rights.facts

    def still(self, repeat: Repeat) -> bool:
        """See `Standing`."""
        return self._recall.still(repeat.caller_digest, repeat.caller, repeat.facts_digest, repeat.facts)

    def _use_at(self, client: tuple[str, int] | None) -> Asked | None:
        """The use of the caller's key, from its address; None where it has none that can be read."""
        if client is None:
            return None
        use = self._peers.get(client[0])
        if use is None:
            try:
                use = Asked(ip=address(client[0]))
            except InvalidValue:
                return None
            keep(self._peers, client[0], use)
        return use


class Everybody:
    """Whoever can reach an agent: they ask with the agent's own key, whatever they show, and do not use it.

    `own` gives what that key is, and None as soon as it is good for nothing.
    """

    by_address = False

    def __init__(self, recall: Recall, own: Callable[[], KeyFacts | None], token_digest: bytes) -> None:
        self._recall = recall
        self._own = own
        self._digest = token_digest
        self._rights: Rights | None = None

    def asking(self, scope: Any) -> Asking | None:  # noqa: ANN401 - ASGI is untyped
        """See `Callers`."""
        own, found = self._own(), _headers(scope["headers"])
        if own is None or found is None:
            return None
        rights = self._rights
        if rights is None or rights.facts is not own:
            # Those are the addresses from which the agent may ask its server, which judges that.
            rights = self._rights = Rights(own, anywhere=True)
        return Asking(rights, found[1], self._digest, None)

    def stays(self, asking: Asking) -> bool:
        """See `Callers`."""
        return self._own() is asking.rights.facts

    def still(self, repeat: Repeat) -> bool:
        """See `Standing`."""
        return repeat.caller is self._own() and self._recall.get(repeat.facts_digest) is repeat.facts


def keep(among: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Keep something in a mapping that is emptied when it is full: what is used is soon in it again."""
    if len(among) >= MAX_KEPT:
        among.clear()
    among[key] = value


def _headers(headers: list[tuple[bytes, bytes]]) -> tuple[bytes | None, str | None] | None:
    """The credential and the tenant that a request names, each where it does; None where more must be looked at."""
    credential = named = None
    for name, value in headers:
        if name not in _USUAL:
            return None
        if name == _TENANT:
            if named is not None:
                return None
            named = value.decode("latin-1")
        elif name == _AUTHORIZATION:
            if credential is not None:
                return None
            credential = value
    return credential, named


def _token(credential: bytes | None) -> str | None:
    """The token in a credential; None where that is none of a key."""
    if credential is None or not credential.startswith(_BEARER) or len(credential) > _MAX_TOKEN:
        return None
    token = credential[7:].decode("latin-1")
    return None if _spaced(token) or is_reserved(token) else token
