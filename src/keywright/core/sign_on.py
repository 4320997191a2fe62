"""Single sign-on: what an identity provider's word about somebody means here.

The provider is asked by OpenID Connect's authorization code flow (OpenID Connect Core 1.0, section 3.1).
Whoever begins one is given a flow: a secret that only the same one can end it with. The flow's state, nonce
and code verifier are derived from it, so none of them is stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keywright.core import checks
from keywright.core.errors import InvalidValue, KeywrightError
from keywright.core.people import email, login_name
from keywright.core.roles import Values, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from keywright.core.identities import Grant, Membership

CALLBACK_PATH = "/sign-on/callback"
MAX_CODE = 4_096
"""Characters in an authorization code; providers differ, and RFC 6749 leaves it open."""
MAX_SUBJECT = 255
"""Characters in a subject: OpenID Connect Core 1.0, section 2."""
MAX_REDIRECT = 500

_SPARE_LOGIN = "user"
_PATH = re.compile(r"/[A-Za-z0-9/._~-]*")
_LOOPBACK = ("127.0.0.1", "::1")
_CODE = re.compile(rf"[ -~]{{1,{MAX_CODE}}}")
# RFC 8176, section 2: what somebody knows, has and is. The other values name no factor.
_KINDS = {
    "knowledge": {"pwd", "pin", "kba"},
    "possession": {"otp", "sms", "tel", "hwk", "swk", "sc", "pop"},
    "inherence": {"face", "fpt", "iris", "retina", "vbm"},
}


@dataclass(frozen=True, slots=True, repr=False)
class FlowSecrets:
    """What goes to the provider in a flow: its state, its nonce, and the code verifier of RFC 7636."""

    state: str
    nonce: str
    verifier: str

    def __repr__(self) -> str:
        """Without what is in it."""
        return "FlowSecrets(…)"

    @property
    def challenge(self) -> str:
        """The verifier as the provider is shown it first, by the method S256."""
        return _base64(hashlib.sha256(self.verifier.encode()).digest())


def secrets_of(flow: str) -> FlowSecrets:
    """Derive what belongs to a flow; none of the three tells another or the flow."""
    return FlowSecrets(*(_derived(flow, label) for label in ("state", "nonce", "verifier")))


def _derived(flow: str, label: str) -> str:
    return _base64(hmac.new(flow.encode(), f"keywright sign-on {label}".encode(), "sha256").digest())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def is_code(text: str) -> bool:
    """Whether a text may be an authorization code: printable ASCII, RFC 6749, appendix A.11."""
    return _CODE.fullmatch(text) is not None


def redirect_uri(given: str | None, public_url: str) -> str:
    """Where the provider sends a person back to: Keywright's own address, or a program on the same machine.

    The latter is `http://127.0.0.1:PORT/…` or `http://[::1]:PORT/…` (RFC 8252, section 7.3). Raises
    `InvalidValue` for anything else: a code sent elsewhere would log somebody else in.
    """
    own = public_url + CALLBACK_PATH
    if given is None or given == own or (len(given) <= MAX_REDIRECT and _is_loopback(given)):
        return own if given is None else given
    raise InvalidValue(
        "A redirect address is Keywright's own, or http://127.0.0.1:PORT/ with a path.", field="redirect_uri"
    )


def _is_loopback(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if not port or parts.hostname not in _LOOPBACK or not _PATH.fullmatch(parts.path):
        return False
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    # Written anew it must be the same, so that nothing hides in what was parsed.
    return text == f"http://{host}:{port}{parts.path}"


@dataclass(frozen=True, slots=True)
class RoleRule:
    """A role for the members of a group: in the tenant of this slug, or (None) everywhere."""

    group: str
    role: str
    tenant: str | None = None
    variables: Values = ()


@dataclass(frozen=True, slots=True)
class MappedRole:
    """A role that somebody is to hold by groups; its tenant may not exist, nor may the role."""

    tenant: str | None
    role: str
    variables: Values


def mapped_roles(rules: Iterable[RoleRule], groups: Iterable[str]) -> tuple[MappedRole, ...]:
    """The roles of somebody in these groups.

    Rules of one role in one tenant add their values up. Group names compare by each character.
    """
    mine = frozenset(groups)
    found: dict[tuple[str | None, str], dict[str, tuple[str, ...]]] = {}
    for rule in rules:
        if rule.group in mine:
            values = found.setdefault((rule.tenant, rule.role), {})
            for name, more in rule.variables:
                values[name] = values.get(name, ()) + more
    return tuple(MappedRole(tenant, role, values_of(values)) for (tenant, role), values in found.items())


@dataclass(frozen=True, slots=True)
class Difference:
    """What makes the roles that sign-on gave equal to those that it should give."""

    add: tuple[Grant, ...]
    change: tuple[tuple[Membership, Values], ...]
    remove: tuple[Membership, ...]


def difference(held: Sequence[Membership], wanted: Sequence[Grant]) -> Difference:
    """Compare all that somebody holds with what sign-on should give.

    A role that was given by hand stays as it is, also where sign-on would give it.
    """
    wishes = {(grant.tenant_id, grant.role): grant for grant in wanted}
    places = {(one.grant.tenant_id, one.grant.role): one for one in held}
    given = {place: one for place, one in places.items() if one.by_sign_on}
    return Difference(
        add=tuple(grant for place, grant in wishes.items() if place not in places),
        change=tuple(
            (one, wishes[place].variables)
            for place, one in given.items()
            if place in wishes and wishes[place].variables != one.grant.variables
        ),
        remove=tuple(one for place, one in given.items() if place not in wishes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a provider says of a person. `email` is there only where the provider has verified it."""

    issuer: str
    subject: str
    login: str
    name: str
    email: str | None
    groups: frozenset[str]
    multi_factor: bool


def claimed(issuer: str, claims: Mapping[str, object], groups_claim: str) -> Claimed:
    """Read the claims of an ID token whose signature, times and subject were checked.

    What is of another type than it should be counts as not there, and a name that nobody may have is
    replaced by the login name.
    """
    verified = claims.get("email_verified") is True
    address = _kept(email, claims.get("email"))
    login = _login(claims.get("preferred_username"), claims.get("email"))
    return Claimed(
        issuer=issuer,
        subject=str(claims["sub"]),
        login=login,
        name=_kept(checks.name, claims.get("name")) or login,
        email=address if verified else None,
        groups=frozenset(_texts(claims.get(groups_claim))),
        multi_factor=multi_factor(_texts(claims.get("amr"))),
    )


def multi_factor(methods: Iterable[str]) -> bool:
    """Whether authentication methods (`amr`, RFC 8176) say that somebody showed two kinds of factors."""
    named = frozenset(methods)
    return "mfa" in named or sum(not named.isdisjoint(kind) for kind in _KINDS.values()) > 1


def _texts(value: object) -> list[str]:
    """A list of texts, or one alone: some providers leave the list away where it has one member."""
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, str)]


def _login(*candidates: object) -> str:
    """A login name from the first claim that makes one; of an e-mail address, what stands before the `@`."""
    for one in candidates:
        found = _kept(login_name, "".join(one.partition("@")[0].split()) if isinstance(one, str) else None)
        if found is not None:
            return found
    return _SPARE_LOGIN


def _kept(check: Callable[[str], str], value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return check(value)
    except KeywrightError:
        return None
