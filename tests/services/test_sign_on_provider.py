"""Which answers of an identity provider prove who somebody is, and what is said of the others."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from keywright.core.errors import KeywrightError, SignOnFailed, SignOnUnavailable
from keywright.core.sign_on import FlowSecrets, secrets_of
from keywright.services.sign_on import ClientSettings, Provider
from keywright.services.sign_on.provider import may_ask
from tests.services.sign_on import PUBLIC, asking
from tests.support.provider import (
    AUTHORIZE,
    DISCOVERY,
    KEYS,
    TOKEN,
    Claims,
    IdentityProvider,
    Reply,
    identity_provider,
    signed,
    signed_with_secret,
    signing_key,
    unsigned,
)
from tests.support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.support.house import House

pytestmark = pytest.mark.anyio

BACK = f"{PUBLIC}/sign-on/callback"
SECRETS = secrets_of("kwf_of_this_test")


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
async def provider(home: House, idp: IdentityProvider) -> AsyncIterator[Provider]:
    asked = asking(home, idp)
    yield asked
    await asked.close()


async def come_back(provider: Provider, idp: IdentityProvider, secrets: FlowSecrets = SECRETS) -> str:
    """Log in at the provider; answers the code."""
    return idp.log_in(await provider.authorization_url(BACK, secrets))["code"]


async def claims_of(provider: Provider, idp: IdentityProvider, secrets: FlowSecrets = SECRETS) -> Claims:
    code = await come_back(provider, idp, secrets)
    return dict(await provider.claims(code, BACK, secrets))


async def refused(provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture) -> str:
    """Why the answer of the provider is refused, as the log has it; the caller is told the same each time."""
    caplog.clear()
    with pytest.raises(SignOnFailed) as caught:
        await claims_of(provider, idp)
    assert caught.value.detail == "The identity provider's answer does not prove who you are. Begin anew."
    return reason(caplog)


def reason(caplog: pytest.LogCaptureFixture) -> str:
    found = [
        one.msg for one in caplog.records if one.name == "keywright.sign_on" and isinstance(one.msg, dict)
    ]
    return str(found[-1]["reason"])


async def unavailable(act: Any, caplog: pytest.LogCaptureFixture) -> str:
    """Why the provider is of no use, as the log has it; the caller is told the same each time."""
    caplog.clear()
    with pytest.raises(SignOnUnavailable) as caught:
        await act
    assert caught.value.detail == (
        "The identity provider cannot be reached, or does not answer as it should."
    )
    assert caught.value.__cause__ is None
    return reason(caplog)


# What is accepted


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_a_signed_answer_is_accepted(provider: Provider, idp: IdentityProvider, algorithm: str) -> None:
    idp.algorithm = algorithm
    idp.rotate(f"of {algorithm}")
    claims = await claims_of(provider, idp)
    assert (claims["sub"], claims["name"], claims["iss"]) == ("ada-1", "Ada Lovelace", idp.issuer)


async def test_the_documents_are_read_once_an_hour(
    home: House, provider: Provider, idp: IdentityProvider
) -> None:
    for _ in range(3):
        await claims_of(provider, idp)
    assert (idp.count(DISCOVERY), idp.count(KEYS), idp.count(TOKEN)) == (1, 1, 3)
    home.clock.advance(seconds=3599)
    await claims_of(provider, idp)
    assert idp.count(DISCOVERY) == 1
    home.clock.advance(seconds=1)
    await asyncio.gather(*(claims_of(provider, idp) for _ in range(3)))
    assert (idp.count(DISCOVERY), idp.count(KEYS)) == (2, 2)


async def test_a_provider_is_probed_by_its_documents(provider: Provider, idp: IdentityProvider) -> None:
    await provider.probe()
    assert (idp.count(DISCOVERY), idp.count(KEYS), idp.count(TOKEN)) == (1, 1, 0)


async def test_what_the_provider_is_asked(provider: Provider, idp: IdentityProvider) -> None:
    idp.discovery = {"authorization_endpoint": f"{idp.url}{AUTHORIZE}?tenant=a"}
    url = await provider.authorization_url(BACK, SECRETS)
    assert url.startswith(f"{idp.url}/authorize?tenant=a&response_type=code&client_id=keywright&")
    assert "scope=openid%20profile%20email" in url
    assert SECRETS.verifier not in url
    code = idp.log_in(url)["code"]
    await provider.claims(code, BACK, SECRETS)
    asked = idp.asked[-1]
    assert asked.form == {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": SECRETS.verifier,
    }
    assert asked.headers["authorization"].startswith("Basic ")
    assert (asked.headers["accept"], asked.headers["accept-encoding"]) == ("application/json", "identity")


async def test_the_client_shows_its_secret_in_the_form_where_the_provider_wants_that(
    provider: Provider, idp: IdentityProvider
) -> None:
    idp.discovery = {"token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post", 7]}
    await claims_of(provider, idp)
    asked = idp.asked[-1]
    assert "authorization" not in asked.headers
    assert (asked.form["client_id"], asked.form["client_secret"]) == ("keywright", idp.client_secret)


async def test_a_public_client_shows_none(home: House, idp: IdentityProvider) -> None:
    idp.client_secret = None
    provider = asking(home, idp)
    await claims_of(provider, idp)
    await provider.close()
    asked = idp.asked[-1]
    assert "authorization" not in asked.headers
    assert asked.form["client_id"] == "keywright"
    assert "client_secret" not in asked.form


async def test_an_issuer_may_end_with_a_slash(home: House, idp: IdentityProvider) -> None:
    idp.discovery = {"issuer": f"{idp.url}/"}
    idp.claims = {"iss": f"{idp.url}/"}
    idp.now = lambda: home.clock.now_us() / 1_000_000
    settings = ClientSettings(issuer=f"{idp.url}/", client_id=idp.client_id, client_secret=idp.client_secret)
    provider = Provider(settings, home.clock)
    assert (await claims_of(provider, idp))["sub"] == "ada-1"
    await provider.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["keywright"]},
        {"aud": ["other", "keywright"], "azp": "keywright"},
        {"azp": "keywright"},
        {"at_hash": None},
        {"sub": "x" * 255},
        {"groups": ["x" * 100] * 500},
    ],
    ids=["list", "several", "party", "no hash", "long subject", "many groups"],
)
async def test_what_an_answer_may_say(
    provider: Provider, idp: IdentityProvider, changes: dict[str, Any]
) -> None:
    idp.claims = changes
    assert (await claims_of(provider, idp))["name"] == "Ada Lovelace"


@pytest.mark.parametrize(
    ("name", "apart"), [("exp", -59), ("iat", 60), ("nbf", 60)], ids=["expired", "made", "begun"]
)
async def test_clocks_may_be_a_minute_apart(
    home: House, provider: Provider, idp: IdentityProvider, name: str, apart: int
) -> None:
    idp.claims = {name: home.clock.now_us() // 1_000_000 + apart}
    assert (await claims_of(provider, idp))["sub"] == "ada-1"


# Keys


async def test_a_new_key_is_found_by_one_more_look(provider: Provider, idp: IdentityProvider) -> None:
    await claims_of(provider, idp)
    idp.rotate("second")
    await claims_of(provider, idp)
    assert idp.count(KEYS) == 2
    await claims_of(provider, idp)
    assert idp.count(KEYS) == 2


async def test_many_who_meet_a_new_key_at_once_look_once(provider: Provider, idp: IdentityProvider) -> None:
    await claims_of(provider, idp)
    idp.rotate("second")
    await asyncio.gather(*(claims_of(provider, idp) for _ in range(5)))
    assert idp.count(KEYS) == 2


async def test_a_key_that_is_never_published_is_not_looked_for_at_each_answer(
    home: House, provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    idp.key = signing_key("second")
    for _ in range(4):
        assert await refused(provider, idp, caplog) == "its signature is of no key of the provider"
    assert idp.count(KEYS) == 2
    home.clock.advance(seconds=30)
    await refused(provider, idp, caplog)
    assert idp.count(KEYS) == 3


async def test_a_key_of_the_same_name_that_signed_nothing_is_replaced(
    provider: Provider, idp: IdentityProvider
) -> None:
    await claims_of(provider, idp)
    idp.key = signing_key("second")
    idp.published = [idp.key.as_dict(private=False, kid="first")]
    idp.make = lambda claims: signed(claims, idp.key, kid="first")
    assert (await claims_of(provider, idp))["sub"] == "ada-1"


async def test_a_key_needs_no_name(provider: Provider, idp: IdentityProvider) -> None:
    idp.published = [
        signing_key("second").as_dict(private=False),
        signing_key("of ES256", "ES256").as_dict(private=False),
        {name: value for name, value in idp.key.as_dict(private=False).items() if name not in ("kid", "use")},
    ]
    idp.make = lambda claims: signed(claims, idp.key, kid=None)
    assert (await claims_of(provider, idp))["sub"] == "ada-1"


async def test_keys_that_cannot_be_used_are_passed_over(provider: Provider, idp: IdentityProvider) -> None:
    good = idp.key.as_dict(private=False)
    idp.published = [
        None,
        7,
        {},
        {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "first"},
        {"kty": "unheard-of", "kid": "first"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "first"},
        {"kty": "RSA", "n": "!" * 400, "e": "AQAB", "kid": "first"},
        {"kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB", "kid": "first"},
        {"kty": "OKP", "crv": "X25519", "x": "AQAB", "kid": "first"},
        {**good, "use": "enc"},
        {**good, "alg": "PS256"},
        {**good, "kid": 7},
        good,
    ]
    assert (await claims_of(provider, idp))["sub"] == "ada-1"


async def test_only_so_many_keys_are_looked_at(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    idp.published = [*([{}] * 100), *idp.published]
    assert await refused(provider, idp, caplog) == "its signature is of no key of the provider"


async def test_a_key_of_the_wrong_curve_signs_nothing(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    other = ECKey.generate_key("P-384", {"kid": "first"})
    idp.published = [other.as_dict(private=False)]
    idp.make = lambda claims: signed(claims, signing_key("of ES256", "ES256"), "ES256", kid="first")
    assert await refused(provider, idp, caplog) == "its signature is of no key of the provider"


# What is refused


def _with_public_key(idp: IdentityProvider) -> Callable[[Claims], str]:
    return lambda claims: signed_with_secret(claims, idp.key.as_pem(private=False), idp.key.kid)


async def test_a_token_without_a_signature_is_refused(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    idp.make = unsigned
    assert await refused(provider, idp, caplog) == "its algorithm is not accepted"


async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    idp.make = _with_public_key(idp)
    assert await refused(provider, idp, caplog) == "its algorithm is not accepted"
    secret = (idp.client_secret or "").encode()
    idp.make = lambda claims: signed_with_secret(claims, secret, None)
    assert await refused(provider, idp, caplog) == "its algorithm is not accepted"


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS384"])
async def test_other_algorithms_are_refused(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture, algorithm: str
) -> None:
    idp.make = lambda claims: signed(claims, idp.key, algorithm)
    assert await refused(provider, idp, caplog) == "its algorithm is not accepted"


async def test_a_key_of_the_right_name_that_is_another_is_refused(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    idp.make = lambda claims: signed(claims, signing_key("second"), kid="first")
    assert await refused(provider, idp, caplog) == "its signature is of no key of the provider"


async def test_a_token_that_was_changed_is_refused(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    def changed(claims: Claims) -> str:
        head, _, signature = signed(claims, idp.key).split(".")
        return ".".join((head, signed({**claims, "sub": "root"}, idp.key).split(".")[1], signature))

    idp.make = changed
    assert await refused(provider, idp, caplog) == "its signature is of no key of the provider"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iss": "https://evil.example"}, "it is of another issuer"),
        ({"iss": None}, "Missing claim: 'iss'"),
        ({"iss": ["x"]}, "Claim 'iss' must be a StringOrURI value"),
        ({"aud": "other"}, "Invalid claim: 'aud'"),
        ({"aud": ["other"]}, "Invalid claim: 'aud'"),
        ({"aud": ["keywright", "other"]}, "it was made for another client"),
        ({"aud": ["keywright", "other"], "azp": "other"}, "it was made for another client"),
        ({"azp": "other"}, "it was made for another client"),
        ({"aud": None}, "Missing claim: 'aud'"),
        ({"sub": None}, "Missing claim: 'sub'"),
        ({"sub": ""}, "Invalid claim: 'sub'"),
        ({"sub": 7}, "Claim 'sub' must be a StringOrURI value"),
        ({"sub": "x" * 256}, "its subject is too long, or not text"),
        ({"sub": "a\0"}, "its subject is too long, or not text"),
        ({"sub": "\ud800"}, "its subject is too long, or not text"),
        ({"nonce": "another"}, "it belongs to another sign-on"),
        ({"nonce": "\ud800"}, "it belongs to another sign-on"),
        ({"nonce": 7}, "it belongs to another sign-on"),
        ({"nonce": None}, "it belongs to another sign-on"),
        ({"exp": None}, "Missing claim: 'exp'"),
        ({"exp": "soon"}, "Claim 'exp' must be a NumericDate value"),
        ({"exp": float("nan")}, "Claim 'exp' must be a NumericDate value"),
        ({"iat": None}, "Missing claim: 'iat'"),
        ({"at_hash": "another"}, "its access token is another one"),
        ({"at_hash": 7}, "its access token is missing"),
    ],
    ids=range(25),
)
async def test_claims_that_prove_nothing(
    provider: Provider,
    idp: IdentityProvider,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, Any],
    why: str,
) -> None:
    idp.claims = changes
    assert await refused(provider, idp, caplog) == why


@pytest.mark.parametrize(
    ("name", "apart", "why"),
    [
        ("exp", -60, "The token is expired"),
        ("iat", 61, "The token was issued in the future"),
        ("nbf", 61, "The token is not yet valid"),
    ],
    ids=["expired", "made", "begun"],
)
async def test_times_that_are_more_than_a_minute_apart(
    home: House,
    provider: Provider,
    idp: IdentityProvider,
    caplog: pytest.LogCaptureFixture,
    name: str,
    apart: int,
    why: str,
) -> None:
    idp.claims = {name: home.clock.now_us() // 1_000_000 + apart}
    assert await refused(provider, idp, caplog) == why


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "e30.e30.",
        "WyJhbGciXQ.e30.",
        "ImFsZyI.e30.",
        "NQ.e30.",
        "eyJhbGciOjd9.e30.AA",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6N30.e30.AA",
        "eyJhbGciOiJSUzI1NiIsImNyaXQiOlsieCJdfQ.e30.AA",
        "eyJhbGciOiJSUzI1NiIsImNyaXQiOjd9.e30.AA",
        "é.é.é",
        "\ud800",
        "a" * 200_000,
        7,
        None,
        ["a"],
    ],
    ids=range(19),
)
async def test_what_is_no_token(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture, token: object
) -> None:
    idp.token = {"id_token": token}
    expected = "it is malformed" if isinstance(token, str) else "the answer holds no ID token"
    assert await refused(provider, idp, caplog) == expected


@pytest.mark.parametrize(
    "payload", ["no JSON", "[]", "7", "[" * 50_000], ids=["text", "list", "number", "deep"]
)
async def test_a_signed_text_that_is_no_object_is_refused(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture, payload: str
) -> None:
    idp.make = lambda _: jws.serialize_compact({"alg": "RS256"}, payload, idp.key)
    assert await refused(provider, idp, caplog) == "it is malformed"


async def test_an_access_token_that_is_missing_is_noticed(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    idp.token = {"access_token": None}
    assert await refused(provider, idp, caplog) == "its access token is missing"


async def test_a_code_works_once_and_with_its_verifier_and_address_alone(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    code = await come_back(provider, idp)
    await provider.claims(code, BACK, SECRETS)
    other = secrets_of("kwf_of_another")
    attempts = [
        (code, BACK, SECRETS),
        ("made up", BACK, SECRETS),
        (await come_back(provider, idp), BACK, other),
        (await come_back(provider, idp), f"{BACK}/", SECRETS),
    ]
    for given in attempts:
        with pytest.raises(SignOnFailed):
            await provider.claims(*given)
        assert reason(caplog) == "the provider does not accept the code"


async def test_an_answer_to_somebody_else_is_refused_though_the_code_is_sound(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    mixed = FlowSecrets(SECRETS.state, "nonce of another", SECRETS.verifier)
    code = await come_back(provider, idp)
    with pytest.raises(SignOnFailed):
        await provider.claims(code, BACK, mixed)
    assert reason(caplog) == "it belongs to another sign-on"


# What is of no use


@pytest.mark.parametrize(
    ("path", "reply", "why"),
    [
        (path, reply, why)
        for path in (DISCOVERY, KEYS, TOKEN)
        for reply, why in (
            (Reply(b"{"), "no JSON, status 200"),
            (Reply(b"\xff"), "no JSON, status 200"),
            (Reply(b"[" * 100_000), "no JSON, status 200"),
            (Reply(b"[]"), "no JSON object"),
            (Reply(b"<html>", 502), "no JSON, status 502"),
            (Reply.of({}, 500), "status 500"),
            (Reply(b" " * 1024 * 1024 + b"{}"), "too large"),
            (Reply(b"{}", 307, {"Location": "http://127.0.0.1:1/"}), "a redirect"),
            (Reply(b"{}", 200, {"Content-Encoding": "gzip"}), "a content encoding"),
        )
    ],
    ids=range(27),
)
async def test_documents_that_cannot_be_read(
    provider: Provider,
    idp: IdentityProvider,
    caplog: pytest.LogCaptureFixture,
    path: str,
    reply: Reply,
    why: str,
) -> None:
    if path == TOKEN:
        code = await come_back(provider, idp)
        idp.replies = {path: reply}
        found = await unavailable(provider.claims(code, BACK, SECRETS), caplog)
    else:
        idp.replies = {path: reply}
        found = await unavailable(provider.authorization_url(BACK, SECRETS), caplog)
    assert found == why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"issuer": "https://evil.example"}, "it names another issuer"),
        ({"issuer": None}, "it names another issuer"),
        ({"authorization_endpoint": None}, "its authorization_endpoint is missing or unsafe"),
        (
            {"authorization_endpoint": "javascript:alert(1)"},
            "its authorization_endpoint is missing or unsafe",
        ),
        ({"token_endpoint": "http://id.example.com/token"}, "its token_endpoint is missing or unsafe"),
        ({"token_endpoint": 7}, "its token_endpoint is missing or unsafe"),
        ({"jwks_uri": "file:///etc/passwd"}, "its jwks_uri is missing or unsafe"),
        ({"jwks_uri": "https://[::1"}, "its jwks_uri is missing or unsafe"),
        ({"jwks_uri": "https://u:p@id.example.com/keys"}, "its jwks_uri is missing or unsafe"),
        (
            {"token_endpoint_auth_methods_supported": "client_secret_basic"},
            "its ways to authenticate are no list",
        ),
    ],
    ids=range(10),
)
async def test_a_discovery_document_that_is_wrong(
    provider: Provider,
    idp: IdentityProvider,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, Any],
    why: str,
) -> None:
    idp.discovery = changes
    assert await unavailable(provider.authorization_url(BACK, SECRETS), caplog) == why


@pytest.mark.parametrize("listed", [None, {}, "first"])
async def test_keys_that_are_no_list(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture, listed: object
) -> None:
    idp.replies = {KEYS: Reply.of({"keys": listed})}
    found = await unavailable(provider.authorization_url(BACK, SECRETS), caplog)
    assert found == "there is no list of keys"


@pytest.mark.parametrize(
    ("url", "issuer", "safe"),
    [
        ("https://a.example/token", "https://id.example.com", True),
        ("https://a.example/token?x=1", "http://127.0.0.1:1", True),
        ("http://127.0.0.1:1/token", "http://localhost", True),
        ("http://127.0.0.1:1/token", "https://id.example.com", False),
        ("http://a.example/token", "http://127.0.0.1:1", False),
        ("https://a.example/#x", "https://id.example.com", False),
    ],
)
def test_a_secure_provider_has_no_insecure_parts(url: str, issuer: str, safe: bool) -> None:
    assert may_ask(url, issuer) is safe


async def test_a_provider_that_takes_no_way_of_ours_to_authenticate(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    idp.discovery = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
    found = await unavailable(claims_of(provider, idp), caplog)
    assert found == "no way to authenticate that is known here"


async def test_a_secret_that_the_provider_does_not_know(
    provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    idp.client_secret = "another"
    assert await unavailable(claims_of(provider, idp), caplog) == "status 401"


async def test_a_provider_that_is_slow_is_given_up(
    home: House, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider = asking(home, idp, seconds=0.1)
    idp.delays = {DISCOVERY: 0.6}
    found = await unavailable(provider.authorization_url(BACK, SECRETS), caplog)
    assert found in {"TimeoutError", "ReadTimeout"}
    await provider.close()


async def test_a_provider_that_is_away(home: House, caplog: pytest.LogCaptureFixture) -> None:
    away = Provider(
        ClientSettings(issuer=f"http://127.0.0.1:{free_port()}", client_id="keywright"), home.clock
    )
    assert await unavailable(away.authorization_url(BACK, SECRETS), caplog) == "ConnectError"
    await away.close()


async def test_after_a_failure_the_provider_is_left_alone_for_a_moment(
    home: House, provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    idp.replies = {DISCOVERY: Reply.of({}, 503)}
    await unavailable(provider.authorization_url(BACK, SECRETS), caplog)
    idp.replies = {}
    found = await unavailable(provider.authorization_url(BACK, SECRETS), caplog)
    assert (found, idp.count(DISCOVERY)) == ("it failed a moment ago", 1)
    home.clock.advance(seconds=5)
    assert (await claims_of(provider, idp))["sub"] == "ada-1"


async def test_no_cookie_is_kept(provider: Provider, idp: IdentityProvider) -> None:
    idp.replies = {KEYS: Reply(b'{"keys": []}', 200, {"Set-Cookie": "session=somebody; Path=/"})}
    with pytest.raises(SignOnFailed):
        await claims_of(provider, idp)
    assert idp.count(TOKEN) == 1
    assert all("cookie" not in one.headers for one in idp.asked)


async def test_nothing_is_closed_that_was_never_opened(home: House, idp: IdentityProvider) -> None:
    await asking(home, idp).close()


# Secrets


async def test_no_secret_is_in_any_error_or_line(
    home: House, provider: Provider, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in what is told, nor in the log, nor in a traceback of all that led to it."""
    caplog.set_level(logging.DEBUG)
    secret = idp.client_secret or ""
    code = await come_back(provider, idp)
    told: list[str] = []
    tokens: list[str] = []

    def noted(claims: Claims) -> str:
        tokens.append(signed(claims, idp.key))
        return tokens[-1]

    idp.make = noted
    replies = [Reply(b"{"), Reply.of({}, 500), Reply.of({"error": "invalid_grant"}, 400), None]
    for reply in replies:
        idp.replies = {} if reply is None else {TOKEN: reply}
        idp.claims = {"aud": "other"}
        with pytest.raises(KeywrightError) as caught:
            await provider.claims(code, BACK, SECRETS)
        told.append("".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__))
    told += [repr(provider), repr(provider.__dict__), *(repr(one.__dict__) for one in caplog.records)]
    assert tokens
    for text in told:
        for one in (secret, code, SECRETS.verifier, SECRETS.state, SECRETS.nonce, *tokens):
            assert one not in text


async def test_a_client_shows_no_secret(idp: IdentityProvider) -> None:
    settings = ClientSettings(issuer=idp.issuer, client_id="keywright", client_secret=idp.client_secret)
    assert (idp.client_secret or "") not in repr(settings)
    assert json.dumps(idp.client_secret) not in repr(settings)
