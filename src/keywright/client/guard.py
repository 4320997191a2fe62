"""The guard in front of an application: what it asks about a request, and what it answers to one that it refuses.

It does no input or output and knows no framework. `protection` brings it together with a verifier, and one small file
for each framework with that framework.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from keywright.client.verdict import CREDITS_EXHAUSTED, RATE_LIMITED, STALE, rate_limit_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from keywright.client.verdict import Verdict

Resource: TypeAlias = "str | Callable[[Any], str | None] | None"
"""A resource: a text, a template over the path's parameters (`article:{article_id}`), or a function of the request."""

_SEGMENT = r"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff:*${}]+"
_MAX_NAME = 512
_is_name = re.compile(rf"{_SEGMENT}(?::{_SEGMENT}){{0,31}}").fullmatch
_is_segment = re.compile(_SEGMENT).fullmatch
_parts = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_is_token = re.compile(r"[!-~]+").fullmatch
_is_realm = re.compile(r"[ !#-\[\]-~]*").fullmatch
_with_port = re.compile(r"([0-9.]+):[0-9]{1,5}|\[([^]]*:[^]]*)\](?::[0-9]{1,5})?").fullmatch

_FORBIDDEN: Final = frozenset({"TENANT_MISMATCH", "IP_NOT_ALLOWED", "INSUFFICIENT_PERMISSIONS"})
_USED_UP: Final = frozenset({RATE_LIMITED, CREDITS_EXHAUSTED})
_TITLES: Final = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    429: "Too many requests",
    503: "Service unavailable",
}
_DETAILS: Final = {
    400: "Send one key, either as `Authorization: Bearer <key>` or in X-Api-Key.",
    401: "A valid API key is needed.",
    403: "The key does not allow this.",
    429: "The key was used as often as it may be for now.",
    503: "Keys cannot be checked now.",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route asks of a key, beyond that it is valid: an action, on a resource.

    `resource` is a text, a template over the parameters of the path such as `article:{article_id}`, or a function that
    takes the framework's request and gives the resource, None for none. What a template is filled with stays one
    segment: a value that cannot, such as one with a colon or a star, is refused. `cost` is what a use takes of limits
    and credits. Raises ValueError for what can be no rule.
    """

    action: str | None = None
    resource: Resource = None
    cost: int = 1
    names: tuple[str, ...] = field(init=False, default=())
    """The parameters of the path that the resource needs."""
    _texts: tuple[str, ...] = field(init=False, default=(), repr=False, compare=False)
    _single: Callable[[str], str] | None = field(init=False, default=None, repr=False, compare=False)
    """The resource of a text, where one parameter is all that it needs."""

    def __post_init__(self) -> None:
        if self.resource is not None and self.action is None:
            raise ValueError("A resource is asked about together with an action.")
        if self.action is not None and not is_name(self.action):
            raise ValueError("An action is one exact name: segments joined by colons, such as article:read.")
        if not 0 <= self.cost <= 1_000_000:
            raise ValueError("A use costs 0 to 1,000,000.")
        if isinstance(self.resource, str):
            if not is_name(_parts.sub("x", self.resource)):
                raise ValueError(
                    "A resource is one exact name, with parameters in braces: article:{article_id}."
                )
            texts = _parts.split(self.resource)
            object.__setattr__(self, "names", tuple(texts[1::2]))
            object.__setattr__(self, "_texts", tuple(texts[::2]))
            if len(self.names) == 1:
                object.__setattr__(self, "_single", lru_cache(maxsize=1024)(self._filled))

    def resource_of(self, params: Mapping[str, Any], request: object) -> str | None:
        """The resource of one request. Raises `Unnameable`, and LookupError for a parameter that the path has not."""
        resource = self.resource
        if resource is None or (isinstance(resource, str) and not self.names):
            return resource
        if isinstance(resource, str):
            value = params[self.names[0]]
            if self._single is not None and type(value) is str:
                return self._single(value)
            return self._filled(*[params[name] for name in self.names])
        given = resource(request)
        if given is not None and not is_name(given):
            raise Unnameable
        return given

    def _filled(self, *values: object) -> str:
        # Each part is a part of a name, so that the whole is one unless it is too long.
        filled = self._texts[0]
        for value, text in zip(values, self._texts[1:], strict=True):
            filled += _one_segment(value) + text
        if len(filled) > _MAX_NAME:
            raise Unnameable
        return filled


class Unnameable(Exception):
    """No policy can allow this resource, because it is no name."""


def is_name(text: str) -> bool:
    """Whether a text is a well-formed name of an action or resource."""
    return len(text) <= _MAX_NAME and _is_name(text) is not None


def _one_segment(value: object) -> str:
    text = str(value)
    # Letters and digits are a part of any name, and found to be so in less time.
    if not text.isalnum() and not _is_segment(text):
        raise Unnameable
    return text


class Question(NamedTuple):
    """What is asked about one request."""

    token: str
    action: str | None = None
    resource: str | None = None
    ip: str | None = None
    cost: int = 1

    def __repr__(self) -> str:
        """Without the token."""
        return f"Question(action={self.action!r}, resource={self.resource!r}, ip={self.ip!r}, cost={self.cost!r})"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is answered in place of the application: problem details (RFC 9457), with the code of the verdict."""

    status: int
    code: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """A sentence for the reader."""
        return _DETAILS[self.status]

    @property
    def problem(self) -> dict[str, str | int]:
        """The body as a JSON object."""
        title = _TITLES[self.status]
        return {"title": title, "status": self.status, "code": self.code, "detail": self.detail}

    @property
    def body(self) -> bytes:
        """The body."""
        return json.dumps(self.problem).encode()

    @property
    def all_headers(self) -> dict[str, str]:
        """The headers with those that describe the body."""
        about = {"Content-Type": "application/problem+json", "Content-Length": str(len(self.body))}
        return {**self.headers, **about}


class Guard:
    """Reads the key from a request, and makes an answer of a verdict that is not valid.

    `key_from` takes the framework's request and gives the key or None, instead of `Authorization: Bearer` and
    `X-Api-Key`. `trusted_proxies` are addresses and ranges of proxies in front of the application: only what they write
    into `X-Forwarded-For` counts, and without any the address is that of the connection. `realm` stands in the
    challenge. Raises ValueError for what these can not be.
    """

    def __init__(
        self,
        *,
        key_from: Callable[[Any], str | None] | None = None,
        trusted_proxies: Iterable[str] = (),
        realm: str = "keywright",
    ) -> None:
        if not _is_realm(realm):
            raise ValueError("A realm is printable ASCII, without quotes and backslashes.")
        self._key_from = key_from
        self.trusted = tuple(ip_network(one) for one in trusted_proxies)
        self.challenge = f'Bearer realm="{realm}"'

    def question(
        self,
        rule: Rule,
        header: Callable[[str], str | None],
        peer: str | None,
        params: Mapping[str, Any],
        request: object = None,
    ) -> Question | Refusal:
        """What to ask about a request.

        `header` gives the value of a header by its lower-case name, with those that stand there twice joined by commas;
        `peer` is the address of the connection, `params` are those of the path, and `request` the framework's own.
        """
        token = self._token(header, request)
        if not isinstance(token, str):
            return token
        try:
            resource = rule.resource_of(params, request)
        except Unnameable:
            return self._denied("INSUFFICIENT_PERMISSIONS")
        ip = self._address(peer, header) if peer is not None else None
        return Question(token, rule.action, resource, ip, rule.cost)

    def refusal(self, verdict: Verdict) -> Refusal | None:
        """What to answer to whom a verdict is about; None when the application answers itself."""
        if verdict.valid:
            return None
        code = verdict.code
        if code in _FORBIDDEN:
            return self._denied(code)
        if code in _USED_UP:
            return Refusal(429, code, rate_limit_fields(verdict))
        if code == STALE:
            return self.unknown()
        return self._unauthorized("invalid_token", code)

    def unknown(self) -> Refusal:
        """What to answer when nobody can know whether a key is valid."""
        return Refusal(503, STALE, {"Retry-After": "1"})

    def _token(self, header: Callable[[str], str | None], request: object) -> str | Refusal:
        if self._key_from is not None:
            token = self._key_from(request)
            if not token:
                return self._unauthorized()
            return token if _is_token(token) else self._unauthorized("invalid_token")
        authorization, key = header("authorization"), header("x-api-key")
        if authorization is None:
            if not key:
                return self._unauthorized()
            return key if _is_token(key) else self._ambiguous()
        scheme, _, rest = authorization.partition(" ")
        token = rest.strip(" ")
        if scheme.lower() != "bearer":
            # Whatever the other scheme is for, it shows no key.
            return self._unauthorized() if key is None else self._ambiguous()
        return token if key is None and _is_token(token) else self._ambiguous()

    def _ambiguous(self) -> Refusal:
        """For more keys than one, or what can be none: which one is meant would be a guess (RFC 6750, section 3.1)."""
        return Refusal(
            400, "malformed_request", {"WWW-Authenticate": f'{self.challenge}, error="invalid_request"'}
        )

    def _unauthorized(self, error: str | None = None, code: str = "NOT_FOUND") -> Refusal:
        told = "" if error is None else f', error="{error}"'
        return Refusal(401, code, {"WWW-Authenticate": f"{self.challenge}{told}"})

    def _denied(self, code: str) -> Refusal:
        return Refusal(403, code, {"WWW-Authenticate": f'{self.challenge}, error="insufficient_scope"'})

    def _address(self, peer: str, header: Callable[[str], str | None]) -> str | None:
        """Where a request comes from: the last address in the chain that is not a trusted proxy.

        None where there is no address, as over a Unix socket, or a trusted proxy wrote one that cannot be read.
        """
        if not self.trusted:
            return _written(peer)
        here = _parsed(peer)
        if here is None or not self._is_trusted(here):
            return None if here is None else str(here)
        for text in reversed((header("x-forwarded-for") or "").split(",")):
            if not text.strip():
                continue
            here = _parsed(_without_port(text.strip()))
            if here is None or not self._is_trusted(here):
                break
        return None if here is None else str(here)

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.trusted)


Network: TypeAlias = IPv4Network | IPv6Network


@lru_cache(maxsize=4096)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        # A zone says which interface, which means nothing on another machine.
        return found.ipv4_mapped or IPv6Address(int(found))
    return found


@lru_cache(maxsize=4096)
def _written(text: str) -> str | None:
    """An address in the form in which it is compared; None for what is none."""
    found = _parsed(text)
    return None if found is None else str(found)


def _without_port(text: str) -> str:
    found = _with_port(text)
    return text if found is None else found[1] or found[2]
