"""What holds for every dialect there is, whatever it speaks; a new one fails here until it does."""

from __future__ import annotations

import subprocess
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keywright.app.dialects import DIALECTS, chosen
from keywright.app.opening import StartError
from keywright.core.checks import slug
from keywright.core.errors import BodyTooLarge, MalformedRequest, Unavailable
from keywright.core.ids import uuid7
from keywright.core.tokens import find_tokens
from keywright.web.visit import Visit
from tests.cli.commands import Shell
from tests.dialects.speaker import SpeakerBase, speakers
from tests.support.keywright import KEYWRIGHT, ROOT, served
from tests.support.servers import free_port, minimal_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.support.keywright import Keywright

HOUSE = Path(__file__).parents[2]
SOURCE = HOUSE / "src" / "keywright"
FOLDER = SOURCE / "dialects"
NAMES = [one.name for one in DIALECTS]
BY_NAME = {one.name: one for one in DIALECTS}
every_dialect = pytest.mark.parametrize("name", NAMES)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
# Where the doors of dialects are, each asked for at every other too, and some places where nothing is.
PATHS = (
    *(
        "",
        "/",
        "//",
        "/graphql",
        "/graphql/",
        "/graphql/x",
        "/api",
        "/api/",
        "/api/graphql",
        "/v2/api",
        "/v2/api/x",
    ),
    *(
        "/tenant/graphql",
        "/system/a/graphql",
        "/content/a/live",
        "/api/me/",
        "/api/admin/version",
        "/no/such/path",
    ),
    *(
        "/organizations",
        "/organizations/x/api_keys",
        "/user/login",
        "/%00",
        "/%ff",
        "/%2e%2e/x",
        "/a%0d%0ab:c",
    ),
    *("/" + "x" * 4_000, "/v1/keys", "/healthz", "/?", "/?a=%00", "/api/accounts/x/workspaces/y/api_keys/"),
)
LARGE = b"x" * (1024 * 1024 + 1)
GARBAGE = (
    b"",
    b"\0",
    b"{",
    b"[" * 50_000,
    b'"',
    b"\xff\xfe",
    b"a=b&c=%zz",
    b"null",
    b"[]",
    b"7",
    b'{"query": 7}',
)
CREDENTIALS = (
    *(
        {},
        {"Authorization": "Bearer kw_nothing"},
        {"Authorization": "kw_nothing"},
        {"X-Api-Key": "kw_nothing"},
    ),
    *({"Authorization": "Basic OmFiYw=="}, {"Authorization": "Basic %"}, {"Authorization": "Bearer"}),
    {"Cookie": "token=kw_nothing"},
)


def foreign(answer: httpx2.Response, status: range = range(100, 500)) -> None:
    """Assert that an answer is the other system's, and neither of our own form nor a defect."""
    assert answer.status_code in status, (answer.request.method, answer.request.url, answer.text[:500])
    assert "problem" not in answer.headers.get("content-type", "")
    assert "urn:keywright:problem" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"]


# What a dialect consists of


def test_each_folder_is_a_dialect_that_is_listed_once() -> None:
    folders = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    assert folders == set(NAMES)
    assert len(NAMES) == len(set(NAMES))
    assert all(name.isalpha() and name.islower() for name in NAMES)


@every_dialect
def test_a_dialect_is_complete(name: str) -> None:
    assert import_module(f"keywright.dialects.{name}").DIALECT is BY_NAME[name]
    for page in (FOLDER / name / "README.md", HOUSE / "docs" / "dialects" / f"{name}.md"):
        assert page.read_text("utf-8").startswith("# "), page
    assert issubclass(speakers()[name], SpeakerBase)
    setup = BY_NAME[name].setup
    assert all((BY_NAME[name].title, setup.noun, setup.key_name))


@every_dialect
def test_nothing_else_knows_a_dialect(name: str) -> None:
    """Its folder, its tests and its line can go, and all else stands."""
    own = (FOLDER / name, HOUSE / "tests" / "dialects" / name)
    the_line = SOURCE / "app" / "dialects.py"
    for path in (*SOURCE.rglob("*.py"), *(HOUSE / "tests").rglob("*.py")):
        if path != the_line and not any(path.is_relative_to(folder) for folder in own):
            text = path.read_text("utf-8")
            assert f"keywright.dialects.{name}" not in text, path
            assert f"tests.dialects.{name}" not in text, path
            assert f"from keywright.dialects import {name}" not in text, path


@every_dialect
def test_what_the_edge_refuses_has_the_form_of_the_dialect(name: str) -> None:
    dialect, visit = BY_NAME[name], Visit(uuid7(), None, [])
    for error in (BodyTooLarge("x"), MalformedRequest("x"), Unavailable("x"), None):
        answer = dialect.refuse(error, visit)
        assert 400 <= answer.status < 600
        assert (answer.status >= 500) is (error is None or isinstance(error, Unavailable))
        assert "problem" not in answer.media_type
        assert b"urn:keywright" not in answer.body


# Over HTTP


@every_dialect
def test_no_path_and_no_method_is_answered_in_our_form(keywright: Keywright, name: str) -> None:
    for path in PATHS:
        for method in METHODS:
            foreign(keywright.http.request(method, keywright.at(name) + path))


@every_dialect
def test_no_body_is_answered_in_our_form(keywright: Keywright, name: str) -> None:
    for path in PATHS:
        for body in GARBAGE:
            kind = {"Content-Type": "application/json"}
            foreign(keywright.http.post(keywright.at(name) + path, content=body, headers=kind))


@every_dialect
def test_no_credential_is_answered_in_our_form(keywright: Keywright, name: str) -> None:
    for path in PATHS:
        for headers in CREDENTIALS:
            url = keywright.at(name) + path
            foreign(keywright.http.get(url, headers=headers))
            foreign(keywright.http.post(url, json={"query": "{ __typename }"}, headers=headers))


@every_dialect
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_that_is_too_large_or_packed_is_refused(keywright: Keywright, name: str, method: str) -> None:
    for path in ("", "/graphql", "/api", "/no/such/path"):
        url = keywright.at(name) + path
        foreign(keywright.http.request(method, url, content=LARGE), range(400, 500))
        packed = {"Content-Encoding": "gzip"}
        foreign(keywright.http.request(method, url, content=b"x", headers=packed), range(400, 500))


@every_dialect
def test_nothing_that_was_sent_is_in_metrics_and_logs(keywright: Keywright, name: str) -> None:
    secret = "kw_Sent0ToWhereItDoesNotBelong0000000000"
    for path in (f"/{secret}", f"/graphql/{secret}", f"/api/{secret}", f"?token={secret}"):
        for method in ("GET", "POST"):
            headers = {"Authorization": f"Bearer {secret}"}
            foreign(keywright.http.request(method, keywright.at(name) + path, headers=headers))
    assert secret not in keywright.http.get(f"{keywright.url}/metrics").text
    assert secret not in keywright.process.errors()


def test_there_was_no_defect_in_all_this(keywright: Keywright) -> None:
    assert "unexpected_error" not in keywright.process.errors()


# Setting one up


@pytest.fixture
def shell(keywright: Keywright, tmp_path: Path) -> Shell:
    """A shell with the root key."""
    return Shell(tmp_path, {"KEYWRIGHT_URL": keywright.url, "KEYWRIGHT_API_KEY": ROOT})


@every_dialect
def test_a_dialect_is_set_up_from_nothing_and_again(keywright: Keywright, shell: Shell, name: str) -> None:
    tenant = slug(f"setup-{name}")
    found: Any = shell.run("dialects", "setup", name, tenant, "--json").json
    assert found["url"] == keywright.at(name)
    assert found["tenant"]["slug"] == tenant
    assert found["token"] in found["configuration"]
    assert keywright.verdict(found["token"]) == "VALID"
    key = keywright.rest("GET", f"/v1/keys/{found['key_id']}", tenant=tenant)
    assert key["identity"]["id"] == found["identity_id"]
    # A second time, as it is shown to people: another key, ready to be pasted.
    again = shell.run("dialects", "setup", name, tenant)
    assert (again.code, again.err) == (0, "")
    assert f"/dialects/{name}" in again.out
    (token,) = {again.out[start:end] for start, end in find_tokens(again.out)}
    assert token != found["token"]
    assert keywright.verdict(token) == "VALID"


def test_dialects_are_listed(shell: Shell) -> None:
    listed = shell.run("dialects", "list", "--json").json
    assert [(one["name"], one["path"]) for one in listed] == [(name, f"/dialects/{name}") for name in NAMES]


def test_an_unknown_dialect_cannot_be_set_up(shell: Shell) -> None:
    done = shell.run("dialects", "setup", "nosuch", "acme")
    assert done.code == 2
    assert all(name in done.err for name in NAMES)


# Which of them are answered


def test_all_of_them_or_none_or_some() -> None:
    assert list(chosen(["all"])) == [(one, None) for one in DIALECTS]
    assert list(chosen(["none"])) == []
    wanted = [(one, f"tenant-{number}") for number, one in enumerate(reversed(DIALECTS))]
    assert list(chosen([f"{one.name}={tenant}" for one, tenant in wanted])) == wanted
    assert list(chosen(NAMES[:1])) == [(DIALECTS[0], None)]


@pytest.mark.parametrize("wanted", ["nosuch", "all=acme", "none=acme", "nosuch=acme"])
def test_an_unknown_name_is_told_with_those_that_there_are(wanted: str) -> None:
    with pytest.raises(StartError) as caught:
        list(chosen([NAMES[0], wanted]))
    assert all(name in str(caught.value) for name in NAMES)


@pytest.fixture(scope="module")
def without() -> Iterator[Keywright]:
    """A server that answers no dialect."""
    with served(KEYWRIGHT_DIALECTS="none") as found:
        yield found


@every_dialect
def test_a_dialect_that_is_switched_off_is_nowhere(without: Keywright, name: str) -> None:
    for path in PATHS:
        for method in ("GET", "POST", "DELETE"):
            answer = without.http.request(method, without.at(name) + path)
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "no_such_path"


def test_an_unknown_name_stops_the_start_with_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [KEYWRIGHT, "serve"],
        env={
            **minimal_environment(tmp_path),
            "KEYWRIGHT_PORT": str(free_port()),
            "KEYWRIGHT_DIALECTS": f"{NAMES[0]},nosuch",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode not in {0, None}
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert "DIALECTS names nosuch" in sentence
    assert "Traceback" not in sentence
