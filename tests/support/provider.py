"""An OpenID Connect provider for tests: a real server on loopback that logs everybody in, and can misbehave.

with identity_provider() as provider:
    provider.person["groups"] = ["writers"]
    back = provider.log_in(authorization_url)   # what a browser does
    back["code"], back["state"]
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import http.client
import json
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Claims = dict[str, Any]
Key = RSAKey | ECKey | OKPKey
DISCOVERY, KEYS, AUTHORIZE, TOKEN = "/.well-known/openid-configuration", "/keys", "/authorize", "/token"


@functools.cache
def signing_key(name: str, algorithm: str = "RS256") -> Key:
    """A key of this name for an algorithm; the same for each call, since making one takes long."""
    parameters: Any = {"kid": name, "use": "sig"}
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", parameters)
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519", parameters)
    return RSAKey.generate_key(2048, parameters)


class _Registry(jws.JWSRegistry):
    """Every algorithm of the library, without its warnings."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


def signed(claims: Claims, key: Key, algorithm: str = "RS256", **header: Any) -> str:
    """A token that is signed as it should be; `header` adds to its header, None takes away."""
    plain = {"alg": algorithm, "kid": key.kid, **header}
    return jws.serialize_compact(
        {name: value for name, value in plain.items() if value is not None},
        json.dumps(claims),
        key,
        registry=_Registry(strict_check_header=False),
    )


def unsigned(claims: Claims) -> str:
    """A token of the algorithm `none`."""
    return f"{_base64(json.dumps({'alg': 'none'}).encode())}.{_base64(json.dumps(claims).encode())}."


def signed_with_secret(claims: Claims, secret: bytes, key_id: str | None) -> str:
    """A token of the algorithm HS256, whose secret may be a public key."""
    header = {"alg": "HS256"} if key_id is None else {"alg": "HS256", "kid": key_id}
    head = _base64(json.dumps(header).encode())
    text = f"{head}.{_base64(json.dumps(claims).encode())}"
    return f"{text}.{_base64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True)
class Reply:
    """An answer of the provider, before it is written."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    @classmethod
    def of(cls, value: object, status: int = 200) -> Reply:
        return cls(json.dumps(value).encode(), status)


@dataclass(frozen=True)
class Asked:
    """A request that the provider got."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class IdentityProvider:
    """The provider. Its fields may be changed at any moment, and hold for the next request."""

    url: str
    client_id: str = "keywright"
    client_secret: str | None = "s3cret:with/odd+characters"
    person: Claims = field(
        default_factory=lambda: {
            "sub": "ada-1",
            "preferred_username": "Ada",
            "name": "Ada Lovelace",
            "email": "Ada@Example.com",
            "email_verified": True,
        }
    )
    algorithm: str = "RS256"
    key: Key = field(default_factory=lambda: signing_key("first"))
    published: list[Any] = field(default_factory=lambda: [signing_key("first").as_dict(private=False)])
    now: Callable[[], float] = time.time
    discovery: dict[str, Any] = field(default_factory=dict)
    """What the discovery document says otherwise; None takes a part away."""
    claims: dict[str, Any] = field(default_factory=dict)
    """What the ID token says otherwise; None takes a claim away."""
    make: Callable[[Claims], str] | None = None
    """Makes the ID token of its claims in place of `signed`."""
    token: dict[str, Any] = field(default_factory=dict)
    """What the answer with the tokens says otherwise; None takes a part away."""
    replies: dict[str, Reply] = field(default_factory=dict)
    """Answers to paths in place of the real ones."""
    delays: dict[str, float] = field(default_factory=dict)
    """Seconds to wait before the answer to a path."""
    asked: list[Asked] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return self.url

    def rotate(self, name: str) -> None:
        """Sign with another key from now on, which is published in place of the one before."""
        self.key = signing_key(name, self.algorithm)
        self.published = [self.key.as_dict(private=False)]

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(one.path == path for one in self.asked)

    def log_in(self, authorization_url: str) -> dict[str, str]:
        """Do what a browser does with the address at which to log in; answers what comes back, by name."""
        location = urlsplit(self.visit(authorization_url))
        return {name: values[0] for name, values in parse_qs(location.query).items()}

    def visit(self, authorization_url: str) -> str:
        """Where a browser is sent on to from there."""
        parts = urlsplit(authorization_url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        try:
            connection.request("GET", f"{parts.path}?{parts.query}")
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 302, body
            return str(answer.headers["Location"])
        finally:
            connection.close()

    def reply(self, asked: Asked, query: dict[str, str]) -> Reply:
        """The answer to a request."""
        self.asked.append(asked)
        time.sleep(self.delays.get(asked.path, 0))
        if asked.path in self.replies:
            return self.replies[asked.path]
        match asked.method, asked.path:
            case "GET", "/.well-known/openid-configuration":
                return Reply.of(_changed(self._discovery(), self.discovery))
            case "GET", "/keys":
                return Reply.of({"keys": self.published})
            case "GET", "/authorize":
                return self._authorize(query)
            case "POST", "/token":
                return self._exchange(asked)
        return Reply.of({"error": "not_found"}, 404)

    def _discovery(self) -> Claims:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.url + AUTHORIZE,
            "token_endpoint": self.url + TOKEN,
            "jwks_uri": self.url + KEYS,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.algorithm],
        }

    def _authorize(self, query: dict[str, str]) -> Reply:
        sound = (
            query.get("response_type") == "code"
            and query.get("client_id") == self.client_id
            and "openid" in query.get("scope", "").split()
            and query.get("code_challenge_method") == "S256"
            and {"state", "nonce", "code_challenge", "redirect_uri"} <= query.keys()
        )
        if not sound:
            return Reply.of({"error": "invalid_request"}, 400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        answer = urlencode({"code": code, "state": query["state"], "iss": self.issuer})
        return Reply(b"", 302, {"Location": f"{query['redirect_uri']}?{answer}"})

    def _exchange(self, asked: Asked) -> Reply:
        form = asked.form
        if not self._authenticated(asked):
            return Reply.of({"error": "invalid_client"}, 401)
        begun = self.codes.pop(form.get("code", ""), None)
        challenge = _base64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        sound = (
            begun is not None
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == begun["redirect_uri"]
            and challenge == begun["code_challenge"]
        )
        if begun is None or not sound:
            return Reply.of({"error": "invalid_grant"}, 400)
        access_token = secrets.token_urlsafe(16)
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": int(self.now()),
            "exp": int(self.now()) + 300,
            "nonce": begun["nonce"],
            "at_hash": self.at_hash(access_token),
            **self.person,
        }
        claims = _changed(claims, self.claims)
        make = self.make or (lambda wanted: signed(wanted, self.key, self.algorithm))
        answer = {"access_token": access_token, "token_type": "Bearer", "id_token": make(claims)}
        return Reply.of(_changed(answer, self.token))

    def at_hash(self, access_token: str) -> str:
        """What an ID token says of the access token beside it."""
        whole = hashlib.new(
            "sha512" if self.algorithm == "EdDSA" else "sha256", access_token.encode()
        ).digest()
        return _base64(whole[: len(whole) // 2])

    def _authenticated(self, asked: Asked) -> bool:
        header = asked.headers.get("authorization", "")
        if header.startswith("Basic "):
            name, _, secret = base64.b64decode(header[6:]).decode().partition(":")
            return (unquote(name), unquote(secret)) == (self.client_id, self.client_secret)
        given = asked.form.get("client_id"), asked.form.get("client_secret")
        return given == (self.client_id, self.client_secret)


def _changed(plain: Claims, changes: dict[str, Any]) -> Claims:
    return {name: value for name, value in {**plain, **changes}.items() if value is not None}


class _Handler(BaseHTTPRequestHandler):
    provider: IdentityProvider

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, body: str) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, parts.path, headers, _pairs(body))
        reply = self.provider.reply(asked, _pairs(parts.query))
        try:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
        except ConnectionError:
            self.close_connection = True  # the client had enough

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Nothing is logged: what is asked for holds codes."""


def _pairs(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


@contextmanager
def identity_provider(**fields: Any) -> Iterator[IdentityProvider]:
    """A provider for as long as the block."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = False  # so that closing waits for them, and none of them outlives the test
    provider = IdentityProvider(f"http://127.0.0.1:{server.server_port}", **fields)
    handler.provider = provider  # type: ignore[attr-defined]  # the class was made just above
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
