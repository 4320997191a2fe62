"""`keywright login --sso`, with a real provider and without a browser: the tests follow its steps themselves."""

from __future__ import annotations

import http.client
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.cli.commands import KEYWRIGHT, PASSWORD, Result, Server, Shell
from tests.support.provider import IdentityProvider, identity_provider
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def server(idp: IdentityProvider) -> Iterator[Server]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {
        "KEYWRIGHT_PORT": str(port),
        "KEYWRIGHT_ADMIN_PASSWORD": PASSWORD,
        "KEYWRIGHT_OIDC_ISSUER": idp.issuer,
        "KEYWRIGHT_OIDC_CLIENT_ID": idp.client_id,
        "KEYWRIGHT_OIDC_CLIENT_SECRET": idp.client_secret or "",
        "KEYWRIGHT_OIDC_ROLES": '[{"group": "watchers", "role": "monitor"}]',
    }
    with running([KEYWRIGHT, "serve"], env=variables, ready_url=f"{url}/readyz") as process:
        yield Server(url, process)


class Login:
    """A login that waits for the browser."""

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self._popen = popen
        assert popen.stderr is not None
        head, self.address = popen.stderr.readline(), popen.stderr.readline().strip()
        assert head == "Log in at this address:\n", head + self.address

    @property
    def state(self) -> str:
        return parse_qs(urlsplit(self.address).query)["state"][0]

    def come_back(self, **query: str) -> tuple[int, str]:
        """Go to where the provider sends a browser back to, with these words; answers status and page."""
        back = parse_qs(urlsplit(self.address).query)["redirect_uri"][0]
        return fetch(f"{back}?{urlencode(query)}")

    def ended(self) -> Result:
        """How the login ended."""
        out, err = self._popen.communicate(timeout=60)
        return Result(self._popen.returncode, out, err)


def fetch(url: str) -> tuple[int, str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def begun(shell: Shell, *options: str) -> Iterator[Login]:
    popen = subprocess.Popen(
        [KEYWRIGHT, "login", "--sso", "--no-browser", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=shell.environment,
        cwd=shell.home,
        text=True,
    )
    try:
        yield Login(popen)
    finally:
        popen.kill()
        popen.communicate()


def test_a_login_without_a_password(anyone: Shell, idp: IdentityProvider) -> None:
    idp.person["groups"] = ["watchers"]
    with begun(anyone) as login:
        status, page = fetch(idp.visit(login.address))
        assert (status, "go back to the terminal" in page) == (200, True)
        done = login.ended()
    assert done.code == 0, done.err
    assert "as Ada Lovelace." in done.out
    who = anyone.run("whoami", "--json").json
    assert (who["identity"]["name"], who["credential"]) == ("Ada Lovelace", "session")
    assert [role["role"] for role in who["roles"]] == ["monitor"]
    assert anyone.run("logout").code == 0


def test_the_token_alone(anyone: Shell, idp: IdentityProvider) -> None:
    with begun(anyone, "--print-token") as login:
        fetch(idp.visit(login.address))
        token = login.ended().token
    assert token.startswith("kws_")
    assert anyone.with_(KEYWRIGHT_API_KEY=token).run("whoami", "-q").out == "Ada Lovelace\n"
    assert anyone.run("whoami").code == 4


def test_a_browser_is_opened(anyone: Shell, tmp_path: Path) -> None:
    browser = tmp_path / "browser.py"
    browser.write_text("import sys, urllib.request as r; r.urlopen(sys.argv[1]).read()\n")
    done = anyone.with_(BROWSER=f"{sys.executable} {browser} %s").run("login", "--sso", "--json")
    assert done.json["identity"]["name"] == "Ada Lovelace"
    assert done.err.startswith("Log in at this address:\nhttp://127.0.0.1:")
    assert anyone.run("logout").code == 0


def test_what_others_bring_ends_nothing(anyone: Shell, idp: IdentityProvider) -> None:
    """A page in the browser can guess the port, and not the state."""
    with begun(anyone) as login:
        assert login.come_back()[0] == 404
        assert login.come_back(code="a")[0] == 404
        assert login.come_back(code="a", state="guessed")[0] == 404
        assert login.come_back(code="a", state="\u2022")[0] == 404
        assert fetch(f"http://127.0.0.1:{_port(login)}/?state={login.state}&code=a")[0] == 404
        fetch(idp.visit(login.address))
        assert login.ended().code == 0


def _port(login: Login) -> int:
    port = urlsplit(parse_qs(urlsplit(login.address).query)["redirect_uri"][0]).port
    assert port is not None
    return port


def test_a_refusal_of_the_provider(anyone: Shell) -> None:
    with begun(anyone) as login:
        assert (
            login.come_back(state=login.state, error="access_denied", error_description="hunter22")[0] == 200
        )
        done = login.ended()
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("Error: The identity provider did not let you in.\n")
    assert "hunter22" not in done.err


def test_a_code_that_the_provider_never_gave(anyone: Shell) -> None:
    with begun(anyone) as login:
        login.come_back(state=login.state, code="made-up-code")
        done = login.ended()
    assert done.code == 4
    assert "sign_on_failed" in done.err
    assert "made-up-code" not in done.err


def test_a_login_that_nobody_waits_for_is_interrupted(anyone: Shell) -> None:
    with begun(anyone) as login:
        login._popen.send_signal(2)
        assert login.ended().code == 130


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--no-browser"], "--no-browser goes with --sso."),
        (["--sso", "--user", "ada"], "the identity provider asks for name and password."),
        (["--sso", "--password", "-"], "the identity provider asks for name and password."),
        (["--sso", "--print-token", "--json"], "Give either --print-token or --json."),
    ],
)
def test_options_that_do_not_go_together(anyone: Shell, options: list[str], said: str) -> None:
    done = anyone.run("login", *options)
    assert done.code == 2
    assert said in done.err


def test_a_server_without_a_provider(anyone: Shell) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running([KEYWRIGHT, "serve"], env={"KEYWRIGHT_PORT": str(port)}, ready_url=f"{url}/readyz"):
        done = anyone.with_(KEYWRIGHT_URL=url).run("login", "--sso", "--no-browser")
    assert done.code == 6
    assert "Single sign-on is not set up here." in done.err


def test_doctor_asks_the_provider(anyone: Shell, idp: IdentityProvider) -> None:
    shell = anyone.without("KEYWRIGHT_URL").with_(
        KEYWRIGHT_OIDC_ISSUER=idp.issuer, KEYWRIGHT_OIDC_CLIENT_ID=idp.client_id
    )
    findings = shell.run("doctor", "--json").json["findings"]
    assert findings[-1] == {
        "name": "sign-on",
        "ok": True,
        "detail": "The identity provider answers as it should.",
    }
    done = shell.with_(KEYWRIGHT_OIDC_ISSUER=f"{idp.issuer}/other").run("doctor")
    assert done.code == 1
    assert "The identity provider cannot be reached, or does not answer as it should." in done.out


def test_settings_that_are_set_by_half_stop_the_start(anyone: Shell) -> None:
    done = anyone.with_(KEYWRIGHT_OIDC_CLIENT_ID="keywright").run("serve")
    assert done.code == 2
    assert "oidc_issuer is not" in done.err
