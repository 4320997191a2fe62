"""`keywright keys create --for` and `--role`, `keys transfer`, `explain` and `--global` against a running server."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from keywright.client import Client
from tests.cli.commands import ROOT_TOKEN, Shell
from tests.cli.terminal import terminal
from tests.unit.client.scripted import problem, scripted

if TYPE_CHECKING:
    from pathlib import Path

EDITOR = {
    "name": "editor",
    "variables": {"language": {}},
    "policies": [{"actions": ["article:*"], "resources": ["article:${language}:**"]}],
}


@dataclass(frozen=True)
class Tenant:
    """A tenant that no other test uses, with a role `editor`: a shell in it, and its REST API."""

    shell: Shell
    slug: str

    def post(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {ROOT_TOKEN}", "Keywright-Tenant": self.slug}
        answer = httpx2.post(self.shell.variables["KEYWRIGHT_URL"] + path, json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def account(self, name: str, **role: Any) -> str:
        """The id of a service account with one role."""
        return str(self.post("/v1/service-accounts", {"name": name, "memberships": [role]})["id"])

    def make(self, *args: str) -> dict[str, Any]:
        made: dict[str, Any] = self.shell.run("keys", "create", *args, "--json").json
        return made


@pytest.fixture
def tenant(shell: Shell, request: pytest.FixtureRequest) -> Tenant:
    slug = "o" + hashlib.sha256(request.node.name.encode()).hexdigest()[:16]
    with Client(shell.variables["KEYWRIGHT_URL"], ROOT_TOKEN) as client:
        client.tenants.create(slug)
    found = Tenant(shell.with_(KEYWRIGHT_TENANT=slug), slug)
    found.post("/v1/roles", EDITOR)
    return found


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_key_for_another_identity(tenant: Tenant) -> None:
    account = tenant.account("Nightly jobs", role="member")
    made = tenant.shell.run("keys", "create", "Export", "--for", account)
    assert "owner Nightly jobs (service_account)" in lines(made.out)
    nobody = tenant.shell.run("keys", "create", "Export", "--for", "idn_" + "0" * 32)
    assert (nobody.code, nobody.out) == (6, "")
    assert nobody.err.startswith("Error: --for: ")


def test_a_key_with_roles_of_its_own(tenant: Tenant) -> None:
    made = tenant.make("Own", "--role", "editor:language=cs,en", "--role", "member")
    assert made["key"]["identity"]["kind"] == "key"
    shown = tenant.shell.run("verify", "-", stdin=made["token"])
    assert "roles editor (language: cs, en), member" in lines(shown.out)
    given = '{"role": "editor", "variables": {"language": ["a,b"]}}'
    comma = tenant.make("Comma", "--role", given)
    assert "roles editor (language: a,b)" in lines(tenant.shell.run("verify", "-", stdin=comma["token"]).out)


@pytest.mark.parametrize(
    ("args", "code", "sentence"),
    [
        (["--role", "member", "--for", "idn_1"], 2, "Give either --for or --role."),
        (["--role", "editor:language"], 2, "--role is a role with its variables: editor:language=cs,en."),
        (["--role", "editor:=cs"], 2, "--role is a role with its variables"),
        (["--role", "editor:a=1:a=2"], 2, "--role is a role with its variables"),
        (["--role", '{"role"'], 2, "--role is not valid JSON"),
        (["--role", "nobody"], 8, "Error: --role: "),
        (["--role", "editor"], 8, "(missing_variable, request "),
        (["--template", "none"], 8, "Error: --template: "),
        (["--tenant", "x", "--global"], 2, "Give either --tenant or --global."),
    ],
)
def test_what_cannot_be_meant_makes_nothing(
    tenant: Tenant, args: list[str], code: int, sentence: str
) -> None:
    result = tenant.shell.run("keys", "create", "Wrong", *args)
    assert (result.code, result.out) == (code, "")
    assert sentence in result.err
    assert tenant.shell.run("keys", "list", "--quiet").out == ""


def test_what_is_not_held_is_named(tenant: Tenant) -> None:
    admin = tenant.account("Admin", role="admin")
    token = tenant.make("Narrow", "--for", admin, "--action", "keys:*")["token"]
    result = tenant.shell.with_(KEYWRIGHT_API_KEY=token).run(
        "keys", "create", "More", "--role", "editor:language=cs"
    )
    assert result.code == 5
    assert "(beyond_own_rights, request " in result.err
    assert result.err.splitlines()[-1] == "Not held: article:* on article:cs:**."


def test_a_change_of_owner_is_shown_and_asked_about(tenant: Tenant) -> None:
    before = tenant.account("Before", role="editor", variables={"language": ["cs"]})
    after = tenant.account("After", role="editor", variables={"language": ["en"]})
    key_id = tenant.make("Moved", "--for", before, "--handle", "moved")["key"]["id"]
    told = [
        "It would gain article:* on article:en:**.",
        "It would lose article:* on article:cs:**.",
    ]
    unasked = tenant.shell.run("keys", "transfer", "moved", after)
    assert unasked.code == 2
    assert "add --yes" in unasked.err
    dry = tenant.shell.run("keys", "transfer", "moved", after, "--dry-run")
    assert dry.out.splitlines() == [f"Moved ({key_id}) would speak for After (service_account).", *told]
    assert tenant.shell.run("keys", "transfer", "moved", after, "--dry-run", "--yes").code == 2

    with terminal(tenant.shell, "keys", "transfer", "moved", after) as screen:
        screen.expect("Change the owner? [y/N]: ")
        assert all(line in screen.text for line in told)
        screen.send("n\n")
        assert screen.end() == 1
    assert "Nothing was changed." in screen.text
    assert tenant.shell.run("keys", "show", "moved", "--json").json["identity_id"] == before

    with terminal(tenant.shell, "keys", "transfer", "moved", after) as screen:
        screen.expect("Change the owner? [y/N]: ")
        screen.send("y\n")
        assert screen.end() == 0
    assert f"Moved ({key_id}) speaks for After (service_account)." in screen.text
    assert "It gains article:* on article:en:**." in screen.text
    assert tenant.shell.run("keys", "show", "moved", "--json").json["identity_id"] == after

    back = tenant.shell.run("keys", "transfer", key_id, before, "--yes", "--json").json
    assert (back["confirmed"], back["key"]["identity_id"]) == (True, before)
    assert tenant.shell.run("keys", "transfer", key_id, before, "--yes", "--quiet").out == ""
    again = tenant.shell.run("keys", "transfer", key_id, before, "--yes")
    assert again.out.splitlines()[1:] == ["It gains nothing.", "It loses nothing."]


def test_an_explanation_says_what_allows_or_is_missing(tenant: Tenant) -> None:
    account = tenant.account("Editor", role="editor", variables={"language": ["cs"]})
    made = tenant.make(
        "Asked", "--for", account, "--handle", "asked", "--action", "article:read", "--action", "a:b"
    )
    asked = ("explain", "--key", "asked", "--action")
    allowed = tenant.shell.run(*asked, "article:read", "--resource", "article:cs:1")
    assert allowed.code == 0
    shown = lines(allowed.out)
    assert shown[0] == "verdict VALID"
    assert "policy article:* on article:cs:**" in shown
    assert "source role:editor" in shown
    assert "roles editor (language: cs)" in shown
    for action, resource, missing in (
        ("article:read", "article:en:1", "a value of a role's variable"),
        ("article:write", "article:cs:1", "the key's scope"),
        ("a:b", "article:cs:1", "the identity's roles"),
    ):
        result = tenant.shell.run(*asked, action, "--resource", resource)
        assert result.code == 1
        assert f"missing {missing}" in lines(result.out)
    elsewhere = tenant.shell.run("explain", "--key", made["key"]["id"], "--where", "default")
    assert elsewhere.code == 1
    assert "missing the tenant" in lines(elsewhere.out)
    assert tenant.shell.run(*asked, "a:b", "--quiet") == type(elsewhere)(1, "", "")
    assert (
        tenant.shell.run(*asked, "article:read", "--resource", "article:cs:1", "--json").json["valid"] is True
    )
    assert tenant.shell.run("explain", "--key", "key_" + "0" * 32).code == 6
    assert tenant.shell.run("explain", "--key", "asked", "--resource", "a").err.startswith(
        "Error: --action: "
    )
    assert tenant.shell.run("explain").code == 2


def test_a_token_is_no_name_of_a_key_and_goes_nowhere(tenant: Tenant) -> None:
    made = tenant.make("Token")
    with scripted(problem(500, "internal_error")) as server:
        result = tenant.shell.with_(KEYWRIGHT_URL=server.url).run("explain", "--key", made["token"])
    assert result.code == 2
    assert made["token"] not in result.err
    assert server.requests == []


def test_a_credential_may_stand_before_explain(tenant: Tenant) -> None:
    made = tenant.make("Itself")
    other = tenant.make("Asked about", "--handle", "asked")
    bare = tenant.shell.without("KEYWRIGHT_API_KEY")
    assert bare.run("explain", "--key", "asked").code == 4
    found = bare.run("--key", made["token"], "explain", "--key", "asked", "--json").json
    assert found["key_id"] == other["key"]["id"]


def test_global_keys(tenant: Tenant, home: Path) -> None:
    made = tenant.make("Everywhere", "--global", "--role", "monitor")
    key_id = made["key"]["id"]
    assert made["key"]["tenant"] is None
    everywhere = ("--tenant", "*"), ("--global",)
    for args in everywhere:
        assert key_id in tenant.shell.run("keys", "list", "--quiet", "--all", *args).out.split()
        assert tenant.shell.run(*args, "keys", "show", key_id, "--json").json["id"] == key_id
    assert tenant.shell.run("keys", "show", key_id).code == 6
    assert "tenant none: good wherever its roles are" in lines(
        tenant.shell.run("keys", "show", key_id, "--global").out
    )
    where = ("explain", "--key", key_id, "--global", "--action", "keys:read", "--where", tenant.slug)
    assert "source role:monitor" in lines(tenant.shell.run(*where).out)
    assert tenant.shell.run("verify", "-", "--global", "--quiet", stdin=made["token"]).code == 0
    inside = tenant.shell.with_(KEYWRIGHT_API_KEY=tenant.make("Inside")["token"])
    assert inside.run("keys", "list", "--global").code == 5
    assert tenant.shell.run("keys", "delete", key_id, "--yes", "--global").code == 0


def test_an_old_login_says_how_to_go_on(anyone: Shell) -> None:
    with scripted(problem(403, "fresh_login_required")) as server:
        shell = anyone.with_(KEYWRIGHT_URL=server.url, KEYWRIGHT_API_KEY="kws_session")
        result = shell.run("keys", "create", "Later")
    assert result.code == 5
    assert result.err.splitlines()[-1] == "Show again who you are: keywright sessions confirm"
