"""`keywright catalog …`, with files as people write them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from keywright.client import Client
from tests.cli.commands import ROOT_TOKEN, Result, Shell
from tests.cli.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = """\
tenant: {tenant}
strict: true
actions:
  - {{name: "article:read", group: Articles}}
  - {{name: "article:publish", group: Articles}}
entities:
  language: [{{id: cs, label: Czech}}, {{id: no, label: Norwegian}}]
roles:
  editor:
    variables: {{language: {{entity: language}}}}
    policies:
      - actions: ["article:*"]
        resources: ["article:${{language}}:**"]
"""


@pytest.fixture
def slug(shell: Shell, request: pytest.FixtureRequest) -> str:
    """A tenant that no other test uses."""
    slug = "c" + hashlib.sha256(request.node.name.encode()).hexdigest()[:16]
    with Client(shell.variables["KEYWRIGHT_URL"], ROOT_TOKEN) as client:
        client.tenants.create(slug)
    return slug


@pytest.fixture
def file(home: Path, slug: str) -> Path:
    """A catalog file in the user's home folder, where commands run."""
    path = home / "catalog.yaml"
    path.write_text(CATALOG.format(tenant=slug), "utf-8")
    return path


def lines(result: Result, code: int = 0) -> list[str]:
    assert (result.code, result.err) == (code, ""), result.err
    return result.out.splitlines()


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after), "utf-8")


# Without a server


@pytest.fixture
def offline(home: Path) -> Shell:
    """A shell that knows no server."""
    return Shell(home, {"KEYWRIGHT_URL": "http://127.0.0.1:1"})


def write(home: Path, text: str, name: str = "catalog.yaml") -> str:
    (home / name).write_text(text, "utf-8")
    return name


def test_validate_needs_no_server(offline: Shell, home: Path) -> None:
    name = write(home, CATALOG.format(tenant="my-blog"))
    assert lines(offline.run("catalog", "validate", name)) == ["No faults: 2 actions, 1 entities, 1 roles."]
    assert lines(offline.run("catalog", "validate", name, "--quiet")) == []
    assert offline.run("catalog", "validate", name, "--json").json == {"valid": True, "faults": []}
    text = (home / name).read_text("utf-8")
    assert lines(offline.run("catalog", "validate", "-", stdin=text)) == [
        "No faults: 2 actions, 1 entities, 1 roles."
    ]
    assert lines(offline.run("catalog", "validate", "-", stdin="{}")) == ["No faults: nothing in it."]


def test_faults_are_told_by_file_line_and_column(offline: Shell, home: Path) -> None:
    text = CATALOG.format(tenant="my-blog")
    text = text.replace("article:*", "artikle:*").replace("group: Articles}", "grup: Articles}", 1)
    name = write(home, text.replace("tenant: my-blog", "tenant: My Blog"))
    result = offline.run("catalog", "validate", name)
    assert (result.code, result.out) == (8, "")
    assert result.err.splitlines() == [
        "catalog.yaml:1:9: A slug has 1 to 100 lower-case letters, digits, _ and -, and begins with a letter or "
        "digit. (invalid_value)",
        "catalog.yaml:4:28: This field is not known here. The nearest that is known is group. (unknown_field)",
        "Error: catalog.yaml has 2 faults. (invalid_catalog)",
    ]
    write(home, text.replace("grup:", "group:"))
    found = offline.run("catalog", "validate", name, "--json")
    assert (found.code, found.err) == (8, "")
    assert json.loads(found.out) == {
        "valid": False,
        "faults": [
            {
                "line": 12,
                "column": 19,
                "path": "roles.editor.policies.0.actions.0",
                "code": "unknown_action",
                "detail": "The catalog is strict and does not know this action. "
                "The nearest that it knows is article:read.",
            }
        ],
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\na: 2\n", "bad.yaml:2:1: This name stands twice in one object. (duplicate_name)"),
        (
            "a: &x [*x]\n",
            "bad.yaml:1:8: An alias stands inside of what it stands for, so that it has no end.",
        ),
        ("", "bad.yaml:1:1: The file is empty. (malformed_file)"),
        ("- a\n", "bad.yaml:1:1: This takes an object of named fields. (invalid_type)"),
        ("a: [\n", "bad.yaml:2:1: This is no well-formed YAML"),
        ("a: !!python/name:os.system x\n", "bad.yaml:1:4: A catalog file has no tags. (malformed_file)"),
    ],
)
@pytest.mark.parametrize("command", ["validate", "diff", "apply"])
def test_an_unreadable_file_is_told_so_before_any_server_is_asked(
    offline: Shell, home: Path, command: str, text: str, line: str
) -> None:
    shell = offline.with_(KEYWRIGHT_API_KEY=ROOT_TOKEN)
    result = shell.run("catalog", command, write(home, text, "bad.yaml"))
    assert (result.code, result.out) == (8, "")
    first, last = result.err.splitlines()
    assert first.startswith(line)
    assert last == "Error: bad.yaml has 1 fault. (invalid_catalog)"


def test_a_file_that_is_not_there_is_wrong_usage(offline: Shell, home: Path) -> None:
    for name in ("nowhere.yaml", "."):
        result = offline.run("catalog", "validate", name)
        assert result.code == 2
        assert "FILE cannot be read: " in result.err
    assert offline.run("catalog", "validate", "-", stdin=b"\xff").code == 2
    assert offline.run("catalog", "validate", write(home, "{}"), "--tenant", "x").code == 2


def test_what_a_file_holds_cannot_steer_the_terminal(offline: Shell, home: Path) -> None:
    name = write(home, "roles: {}\n", "\x1b[31mred.yaml")
    assert offline.run("catalog", "validate", name).code == 0
    result = offline.run("catalog", "validate", write(home, "a: 1\n", "\x1b[31mred.yaml"))
    assert "\x1b" not in result.err
    assert result.err.startswith("\\x1b[31mred.yaml:1:1: ")


# With a server


def test_a_file_is_applied_to_the_tenant_that_it_names(shell: Shell, slug: str, file: Path) -> None:
    assert lines(shell.run("catalog", "diff", file.name)) == [
        "~ strict: strict false -> true",
        '+ actions article:publish: group "Articles"',
        '+ actions article:read: group "Articles"',
        "+ entities language",
        '+ entities language:cs: label "Czech"',
        '+ entities language:no: label "Norwegian"',
        '+ roles editor: variables {"language": {"entity": "language"}}; '
        'policies [{"actions": ["article:*"], "resources": ["article:${language}:**"]}]',
    ]
    assert lines(shell.run("catalog", "diff", file.name, "-q"))[-1] == "+ roles editor"
    result = shell.run("catalog", "apply", file.name, "--yes")
    assert result.code == 0
    assert "In effect on the only node" in result.err
    applied = result.out.splitlines()
    assert applied[-1] == "Applied as revision 1."
    assert "+ roles editor" in applied[-2]
    assert shell.run("catalog", "apply", file.name, "--yes").out.splitlines() == ["Nothing changes."]
    assert lines(shell.run("catalog", "apply", file.name, "--yes", "--quiet")) == ["1"]
    assert lines(shell.run("catalog", "diff", file.name)) == ["Nothing changes."]
    assert lines(shell.run("catalog", "diff", file.name, "--quiet")) == []
    assert shell.run("catalog", "diff", "-", "--json", stdin=file.read_text("utf-8")).json["changes"] == []
    assert shell.run("roles", "show", "editor", "--tenant", slug, "--json").json["by_catalog"] is True


def test_another_tenant_can_be_named_and_must_be_that_of_the_file(
    shell: Shell, slug: str, file: Path
) -> None:
    for other in (
        shell.run("catalog", "diff", file.name, "--tenant", "default"),
        shell.with_(KEYWRIGHT_TENANT="default").run("catalog", "diff", file.name),
    ):
        assert other.code == 8
        assert other.err.splitlines()[0] == (
            "catalog.yaml:1:9: This is the catalog of another tenant. (invalid_value)"
        )
    unknown = shell.run("catalog", "diff", file.name, "--tenant", "nowhere")
    assert unknown.code == 6
    assert "--tenant: No such tenant." in unknown.err
    change(file, slug, "nowhere")
    unknown = shell.run("catalog", "apply", file.name, "--yes")
    assert unknown.code == 6
    assert unknown.err.startswith("Error: catalog.yaml:1:9: No such tenant. (not_found")
    change(file, "tenant: nowhere\n", "")
    assert (
        lines(shell.run("catalog", "diff", file.name, "--tenant", slug))[0]
        == "~ strict: strict false -> true"
    )


def test_the_server_s_faults_are_told_at_their_places(shell: Shell, slug: str, file: Path) -> None:
    change(file, "article:*", "book:*")
    result = shell.run("catalog", "apply", file.name, "--yes")
    assert result.code == 8
    first, last = result.err.splitlines()
    assert first == (
        "catalog.yaml:12:19: The catalog is strict and does not know this action. (unknown_action)"
    )
    assert last.startswith("Error: catalog.yaml has 1 fault. (invalid_catalog, request ")

    change(file, "book:*", "article:*")
    shell.run("catalog", "apply", file.name, "--yes")
    with Client(shell.variables["KEYWRIGHT_URL"], ROOT_TOKEN, slug) as client:
        client.service_accounts.create(
            "Robot", memberships=[{"role": "editor", "variables": {"language": ["cs"]}}]
        )
    change(file, "{id: cs, label: Czech}, ", "")
    result = shell.run("catalog", "diff", file.name)
    assert result.err.startswith("catalog.yaml:9:3: Memberships whose values the catalog does not know: 1.")


def test_a_role_beyond_one_s_own_rights_is_told_at_its_place(shell: Shell, slug: str, file: Path) -> None:
    with Client(shell.variables["KEYWRIGHT_URL"], ROOT_TOKEN, slug) as client:
        made = client.keys.create("Weak", scope=[{"actions": ["catalog:*"]}])
    assert made.token is not None
    weak = shell.with_(KEYWRIGHT_API_KEY=made.token.reveal())
    result = weak.run("catalog", "apply", file.name, "--yes")
    assert result.code == 5
    message, hint = result.err.splitlines()
    assert message.startswith("Error: catalog.yaml:11:5: This would hand out a policy")
    assert hint == "Not held: article:* on article:*:**."


def test_whoever_is_left_with_less_is_named(shell: Shell, slug: str, file: Path) -> None:
    shell.run("catalog", "apply", file.name, "--yes")
    with Client(shell.variables["KEYWRIGHT_URL"], ROOT_TOKEN, slug) as client:
        robot = client.service_accounts.create(
            "Robot", memberships=[{"role": "editor", "variables": {"language": ["cs"]}}]
        )
        for number in range(101):
            client.service_accounts.create(
                f"Robot {number}", memberships=[{"role": "editor", "variables": {"language": ["no"]}}]
            )
    change(file, '["article:*"]', '["article:read"]')
    told = lines(shell.run("catalog", "diff", file.name))
    assert told[0].startswith('~ roles editor: policies [{"actions": ["article:*"]')
    assert told[1] == "Left with less: 102 memberships."
    assert told[2] == f"  Robot ({robot['id']}) as editor: no article:* on article:cs:**"
    assert len(told) == 103
    assert told[-1] == "  and 2 more"
    applied = shell.run("catalog", "apply", file.name, "--yes", "--json").json
    assert (applied["narrowed_total"], applied["catalog"]["revision"]) == (102, 2)


def test_apply_asks_at_a_terminal(shell: Shell, file: Path) -> None:
    with terminal(shell, "catalog", "apply", file.name) as screen:
        screen.expect("Apply this? [y/N]")
        assert "+ roles editor" in screen.text
        screen.send("n\n")
        assert screen.end() == 1
        assert "Nothing was applied." in screen.text
    assert lines(shell.run("catalog", "diff", file.name, "-q"))
    with terminal(shell, "catalog", "apply", file.name) as screen:
        screen.expect("Apply this? [y/N]")
        screen.send("y\n")
        assert screen.end() == 0
        assert "Applied as revision 1." in screen.text
    with terminal(shell, "catalog", "apply", file.name) as screen:
        assert screen.end() == 0
        assert "Nothing changes." in screen.text


def test_apply_without_a_terminal_wants_to_be_told(shell: Shell, file: Path) -> None:
    for result in (
        shell.run("catalog", "apply", file.name),
        shell.run("catalog", "apply", "-", stdin=file.read_text("utf-8")),
    ):
        assert (result.code, result.out) == (2, "")
        assert result.err.splitlines()[-1] == "Error: There is no terminal to ask on; add --yes."
    assert lines(shell.run("catalog", "diff", file.name, "-q"))


def test_apply_keeps_to_the_revision_that_is_named(shell: Shell, file: Path) -> None:
    assert shell.run("catalog", "apply", file.name, "--yes", "--revision", "0").code == 0
    result = shell.run("catalog", "apply", file.name, "--yes", "--revision", "0")
    assert result.code == 7
    assert result.err.startswith("Error: --revision: The catalog is at another revision.")
    assert "(catalog_changed" in result.err


def test_export_writes_what_apply_takes(shell: Shell, slug: str, file: Path, home: Path) -> None:
    shell.run("catalog", "apply", file.name, "--yes")
    own = shell.with_(KEYWRIGHT_TENANT=slug)
    shown = shell.run("catalog", "export", "--tenant", slug)
    assert shown.out.startswith(f"tenant: {slug}\nstrict: true\nactions:\n- name: article:publish\n")
    assert "- id: 'no'\n" in shown.out
    written: dict[str, Any] = {}
    for args in (["-o", "out.yaml"], ["-o", "out.json"], ["-o", "out.txt", "--format", "json"]):
        result = own.run("catalog", "export", *args)
        assert (result.code, result.out, result.err) == (0, "", f"Wrote {args[1]}.\n")
        written[args[1]] = (home / args[1]).read_text("utf-8")
        assert lines(shell.run("catalog", "diff", args[1])) == ["Nothing changes."]
    assert written["out.yaml"] == shown.out
    assert written["out.json"] == written["out.txt"]
    view = own.run("catalog", "export", "--json").json
    assert (view["document"], view["revision"]) == (json.loads(written["out.json"]), 1)
    assert own.run("catalog", "export", "-o", "nowhere/out.yaml").code == 2
    assert lines(own.run("catalog", "export", "--quiet", "-o", "out.yaml")) == []


def test_an_export_to_the_terminal_holds_nothing_that_steers_it(shell: Shell, slug: str) -> None:
    document = {"actions": [{"name": "article:read", "description": "read \u202e backwards"}]}
    with Client(shell.variables["KEYWRIGHT_URL"], ROOT_TOKEN, slug) as client:
        client.catalog.apply(document)
    for form in ("yaml", "json"):
        shown = shell.run("catalog", "export", "--tenant", slug, "--format", form).out
        assert "\u202e" not in shown
        assert "\\u202" in shown
        assert lines(shell.run("catalog", "diff", "-", stdin=shown)) == ["Nothing changes."]


ROUTES = """
routes:
  - {match: "GET /articles/{language}/{number}", action: "article:read", resource: "article:{language}:{number}"}
  - {match: "* /status/**", action: "article:read"}
"""


def test_route_says_what_a_request_asks_for(offline: Shell, shell: Shell, file: Path) -> None:
    file.write_text(file.read_text("utf-8") + ROUTES, "utf-8")
    assert shell.run("catalog", "apply", file.name, "--yes").code == 0
    tenant = file.read_text("utf-8").splitlines()[0].removeprefix("tenant: ")

    def from_file(*words: str) -> Result:
        return offline.run("catalog", "route", *words, "--file", file.name)

    def from_server(*words: str) -> Result:
        return shell.run("catalog", "route", *words, "--tenant", tenant)

    for asking in (from_file, from_server):
        said = "article:read article:cs:42 (GET /articles/{language}/{number})"
        assert lines(asking("get", "/articles/cs/42?x")) == [said]
        assert lines(asking("GET", "/articles/cs/42", "-q")) == ["article:read article:cs:42"]
        assert lines(asking("PUT", "/status")) == ["article:read (* /status/**)"]
        assert asking("PUT", "/status", "--json").json == {
            "match": "* /status/**",
            "action": "article:read",
            "resource": None,
        }
        assert lines(asking("GET", "/articles/cs/a:b"), 1) == [
            "No route fits, so that the request is refused."
        ]
        assert lines(asking("GET", "/articles", "--quiet"), 1) == []
        nothing = asking("GET", "/", "--json")
        assert (nothing.code, json.loads(nothing.out)["match"]) == (1, None)


def test_the_faults_of_routes_stand_at_their_places(offline: Shell, home: Path) -> None:
    name = write(home, ROUTES.replace("* /status/**", "* status").replace('{number}"}', '{no}"}'))
    assert offline.run("catalog", "route", "GET", "/", "--file", name).code == 8
    told = offline.run("catalog", "validate", name).err.splitlines()
    assert [one.partition(": ")[0] for one in told[:-1]] == ["catalog.yaml:3:84", "catalog.yaml:4:13"]
    assert all("(invalid_route)" in one for one in told[:-1])
