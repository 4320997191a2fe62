"""A token stands in the answer that made it and nowhere else: in no other answer, no log line, no error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.ids import new_id
from keywright.dialects.cycloid import bodies
from keywright.dialects.cycloid.asked import Asked
from keywright.web.visit import Visit
from tests.dialects.cycloid.client import ADMIN_RULE, Cycloid
from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from tests.support.keywright import Keywright


def test_a_token_is_shown_once(keywright: Keywright) -> None:
    keywright.tenant("stark")
    keywright.person("tony-doe", "stark")
    admin = Cycloid(keywright, "stark", keywright.key("stark", "admin")["token"])
    token = admin.make("Shown once", ADMIN_RULE, description="Text", owner="tony-doe")["token"]
    answer = admin.ask("POST", "/user/login", {"email": "tony-doe", "password": PASSWORD})
    session = answer.json()["data"]["token"]
    texts: list[str] = []
    for caller in (admin, admin.other(token), admin.other(session)):
        for method, path, body in (
            ("GET", "./api_keys", None),
            ("GET", f"./api_keys?name[rlike]={token}&owner[eq]={token}", None),
            ("GET", "./api_keys/shown-once", None),
            ("GET", f"./api_keys/{token}", None),
            ("POST", "./api_keys", {"name": "Other", "owner": token, "rules": [{"action": token}]}),
            ("POST", "./api_keys", {"name": token, "rules": []}),
            ("PUT", "./api_keys/shown-once", {"name": "Shown once", "owner": token, "canonical": token}),
            ("POST", "./can_do", {"action": token, "entity_canonicals": [token]}),
            ("GET", "./policies", None),
            ("GET", "./roles", None),
            ("GET", "/user", None),
            ("GET", f"/user/refresh_token?organization_canonical={token}", None),
            ("GET", f"/organizations/{token}", None),
            ("GET", f"/{token}", None),
            ("POST", f"/user/login/{token}", {"email": token, "password": token, "mfa_token": token}),
        ):
            answer = caller.ask(method, path, body)
            assert answer.status_code < 500
            texts.append(answer.text + str(answer.headers))
    texts.append(admin.other(token + "x").ask("GET", "./api_keys").text)
    texts.append(str(keywright.rest("GET", "/v1/audit", tenant="stark")))
    texts.append(keywright.http.get(f"{keywright.url}/metrics").text)
    log = keywright.process.errors() + keywright.process.output()
    for secret in (token, session, PASSWORD):
        assert secret not in log
        assert secret[8:] not in log
        assert not [text for text in texts if secret in text]


def test_nothing_shows_a_secret_by_itself() -> None:
    secret = new_id("key")
    login = bodies.Login(email="a@example.com", password=secret, organization=None, mfa_token=secret)
    visit = Visit("1", None, [(b"authorization", secret.encode())], secret.encode())
    asked = Asked(services=None, visit=visit, token=secret, body={"password": secret}, query=(("x", secret),))  # type: ignore[arg-type]
    assert secret not in f"{login!r}{asked!r}"
