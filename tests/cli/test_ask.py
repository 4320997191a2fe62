"""`verify`, `tenants`, `doctor`, `migrate`, `version`, and credentials from flag and environment."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import KEYWRIGHT, ROOT_TOKEN, Server, Shell
from tests.support.servers import free_port

if TYPE_CHECKING:
    from pathlib import Path


def test_verify_takes_the_token_as_argument_from_standard_input_and_as_hash(shell: Shell) -> None:
    token = shell.run("keys", "create", "Verified", "--quiet").token
    digest = hashlib.sha256(token.encode()).hexdigest()
    for args, stdin in ([token], ""), (["-"], f"{token}\n"), ([], token), (["--hash", digest], ""):
        verdict = shell.run("verify", *args, "--json", stdin=stdin).json
        assert (verdict["valid"], verdict["code"], verdict["name"]) == (True, "VALID", "Verified")
        assert "explanation" not in verdict
    assert shell.run("verify", token, "--hash", digest).code == 2
    shown = shell.run("verify", token)
    assert [" ".join(line.split()) for line in shown.out.splitlines()][:1] == ["verdict VALID"]
    assert token not in shown.out


def test_verify_ends_with_1_for_what_is_not_valid(shell: Shell) -> None:
    result = shell.run("verify", "-", stdin="no-such-token")
    assert result.code == 1
    assert result.err == ""
    assert [line.split(maxsplit=1) for line in result.out.splitlines()] == [
        ["verdict", "NOT_FOUND"],
        ["why", "No key has this token."],
    ]
    assert shell.run("verify", "-", "--quiet", stdin="no-such-token") == type(result)(1, "", "")
    assert '"NOT_FOUND"' in shell.run("verify", "-", "--json", stdin="no-such-token").out
    # An empty token is one that nobody has.
    assert shell.run("verify", "-", "--quiet").code == 1


def test_verify_asks_about_action_resource_address_and_tenant(shell: Shell) -> None:
    given = ("--action", "article:read", "--resource", "article:cs:**", "--cidr", "10.0.0.0/8")
    token = shell.run("keys", "create", "Narrow", "--quiet", *given).token

    def code(*args: str) -> str:
        result = shell.run("verify", "-", "--explain", *args, stdin=token)
        return result.out.split()[1]

    inside = ("--ip", "10.1.2.3")
    assert code(*inside) == "VALID"
    assert code("--ip", "192.0.2.1") == "IP_NOT_ALLOWED"
    assert code(*inside, "--action", "article:read", "--resource", "article:cs:1") == "VALID"
    assert (
        code(*inside, "--action", "article:read", "--resource", "article:en:1") == "INSUFFICIENT_PERMISSIONS"
    )
    assert code(*inside, "--in-tenant", "default") == "VALID"
    assert code(*inside, "--in-tenant", "elsewhere") == "TENANT_MISMATCH"
    told = shell.run("verify", "-", "--explain", "--action", "article:write", *inside, stdin=token)
    assert "the key's scope leaves it out" in told.out
    wrong = shell.run("verify", "-", "--ip", "nowhere", stdin=token)
    assert wrong.code == 8
    assert wrong.err.startswith("Error: --ip: ")


def test_a_key_without_the_permission_to_verify_is_denied(shell: Shell) -> None:
    weak = shell.run("keys", "create", "Weak", "--quiet", "--action", "article:read").token
    result = shell.run("verify", "-", "--key", weak, stdin="anything")
    assert (result.code, result.out) == (5, "")
    assert "(permission_denied, request " in result.err
    assert shell.run("keys", "list", "--key", weak).code == 5


def test_tenants(shell: Shell) -> None:
    made = shell.run("tenants", "create", "my-blog", "--name", "My blog")
    assert made.out.splitlines()[:2] == ["slug     my-blog", "name     My blog"]
    assert shell.run("tenants", "create", "other", "--quiet").out == "other\n"
    again = shell.run("tenants", "create", "my-blog")
    assert again.code == 7
    assert again.err.startswith("Error: SLUG: ")
    assert shell.run("tenants", "create", "No Slug").code == 8
    assert shell.run("tenants", "show", "my-blog", "--json").json["name"] == "My blog"
    assert shell.run("tenants", "show", "nowhere").code == 6
    assert shell.run("tenants", "list", "--quiet").out.split() == ["default", "my-blog", "other"]
    page = shell.run("tenants", "list", "--limit", "1", "--json").json
    assert [tenant["slug"] for tenant in page["items"]] == ["default"]
    rest = shell.run("tenants", "list", "--all", "--cursor", page["next_cursor"])
    assert [line.split()[0] for line in rest.out.splitlines()] == ["SLUG", "my-blog", "other"]


def test_the_credential_comes_from_the_flag_before_the_variable(anyone: Shell) -> None:
    assert anyone.run("whoami", "--key", ROOT_TOKEN, "--quiet").out == "root\n"
    assert anyone.run("--key", ROOT_TOKEN, "whoami", "--quiet").out == "root\n"
    assert anyone.run("whoami", "--key", "-", "--quiet", stdin=f"{ROOT_TOKEN}\n").out == "root\n"
    wrong = anyone.with_(KEYWRIGHT_API_KEY="wrong-token")
    assert wrong.run("whoami", "--key", ROOT_TOKEN, "--quiet").out == "root\n"
    shown = anyone.with_(KEYWRIGHT_API_KEY=ROOT_TOKEN).run("whoami")
    assert "key, from KEYWRIGHT_API_KEY" in shown.out
    assert ROOT_TOKEN not in shown.out
    refused = wrong.run("whoami")
    assert (refused.code, refused.out) == (4, "")
    assert "Set another, or unset it and use `keywright login`." in refused.err
    assert "wrong-token" not in refused.err
    nobody = anyone.run("whoami")
    assert nobody.code == 4
    assert nobody.err.endswith("Log in with `keywright login`, or set KEYWRIGHT_API_KEY.\n")


def test_whoami_as_json_is_the_answer_of_the_api(shell: Shell) -> None:
    holder = shell.run("whoami", "--json").json
    assert (holder["identity"]["name"], holder["credential"]) == ("root", "key")


@pytest.mark.parametrize("given", ["two words", "tab\there", "náš"])
def test_a_key_that_can_stand_in_no_header_is_wrong_usage_and_is_not_repeated(
    anyone: Shell, given: str
) -> None:
    result = anyone.run("whoami", "--key", given)
    assert (result.code, result.out) == (2, "")
    assert result.err == "Error: A token is printable ASCII characters without spaces.\n"


def test_two_things_cannot_come_from_standard_input(anyone: Shell) -> None:
    result = anyone.run("verify", "-", "--key", "-", stdin="x")
    assert result.code == 2
    assert "can be read from standard input." in result.err


def test_a_server_that_is_not_there_ends_with_3(shell: Shell) -> None:
    port = free_port()
    result = shell.run("keys", "list", "--url", f"http://127.0.0.1:{port}")
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith(f"Error: Cannot reach http://127.0.0.1:{port}: ")
    assert "Start a server with `keywright serve`." in result.err
    assert len(result.err.splitlines()) == 2


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "127.0.0.1:8300", "http://user:secret@127.0.0.1", "http://"]
)
def test_an_address_that_is_none_is_wrong_usage_and_is_not_repeated(shell: Shell, url: str) -> None:
    by_flag = shell.run("whoami", "--url", url)
    assert by_flag.code == 2
    assert by_flag.err.startswith("Error: --url: ")
    by_variable = shell.with_(KEYWRIGHT_URL=url).run("whoami")
    assert by_variable.code == 2
    assert by_variable.err.startswith("Error: KEYWRIGHT_URL: ")
    assert "secret" not in by_flag.err + by_variable.err


def test_an_address_may_be_written_in_another_way(shell: Shell, server: Server) -> None:
    assert shell.run("whoami", "--quiet", "--url", f"{server.url.upper().replace('HTTP', 'Http')}/").code == 0


def test_version(shell: Shell) -> None:
    assert shell.run("version").out == f"keywright {version('keywright')}\n"
    assert shell.run("--version").out == f"keywright {version('keywright')}\n"
    assert shell.run("version", "--json").json == {"version": version("keywright")}


def test_doctor_of_a_server(shell: Shell, anyone: Shell, server: Server) -> None:
    well = shell.run("doctor", "--url", server.url)
    assert well.code == 0
    assert [line.split()[:2] for line in well.out.splitlines()] == [
        ["CHECK", "STATE"],
        ["alive", "ok"],
        ["ready", "ok"],
        ["version", "ok"],
        ["credential", "ok"],
    ]
    answer = anyone.run("doctor", "--url", server.url, "--json").json
    assert answer["ok"] is True
    assert [finding["name"] for finding in answer["findings"]] == ["alive", "ready", "version"]
    refused = shell.run("doctor", "--url", server.url, "--key", "wrong-token")
    assert refused.code == 1
    assert "fails" in refused.out
    away = shell.run("doctor", "--url", f"http://127.0.0.1:{free_port()}", "--quiet")
    assert (away.code, away.out) == (1, "")
    assert shell.run("doctor", "--url", server.url, "--port", "1").code == 2


def test_doctor_of_a_machine(home: Path) -> None:
    shell = Shell(home, {})
    fresh = shell.run("doctor", "--json").json
    assert fresh["ok"] is True
    assert {"settings", "database"} <= {finding["name"] for finding in fresh["findings"]}
    assert list(home.iterdir()) == []
    wrong = shell.run("doctor", "--port", "83000")
    assert wrong.code == 1
    assert "port cannot be '83000'" in wrong.out
    away = shell.run("doctor", "--database-url", f"postgresql://a:secret@127.0.0.1:{free_port()}/b")
    assert away.code == 1
    assert "secret" not in away.out + away.err


def test_migrate_makes_the_schema_and_then_has_nothing_to_do(home: Path) -> None:
    shell = Shell(home, {"KEYWRIGHT_DATA": "data"})
    first = shell.run("migrate", "--json").json
    assert first["before"] is None
    assert shell.run("migrate", "--json").json == {"before": first["after"], "after": first["after"]}
    assert shell.run("migrate").out == f"The schema is at {first['after']} already.\n"
    assert shell.run("migrate", "--quiet").out == ""
    assert shell.run("doctor", "--quiet").code == 0
    other = shell.run("migrate", "--data", "other")
    assert other.out == f"The database was empty; its schema is at {first['after']} now.\n"


def test_a_schema_of_a_later_version_stops_serve_migrate_and_doctor(home: Path) -> None:
    shell = Shell(home, {"KEYWRIGHT_DATA": "data"})
    assert shell.run("migrate").code == 0
    with sqlite3.connect(home / "data/keywright.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    for command in ("serve", "--port", "0"), ("migrate",):
        result = shell.run(*command)
        assert (result.code, result.out) == (3, "")
        assert "9999" in result.err.splitlines()[-1]
        assert result.err.splitlines()[-1].startswith("Error: ")
        assert "Traceback" not in result.err
    assert shell.run("doctor").code == 1


def test_migrate_refuses_a_setting_that_is_not_allowed(home: Path) -> None:
    assert Shell(home, {}).run("migrate", "--log-level", "loud").code == 2
    assert (
        Shell(home, {}).run("migrate", "--database-url", f"postgresql://a@127.0.0.1:{free_port()}/b").code
        == 3
    )


def test_the_module_is_the_command(shell: Shell) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "keywright", "whoami", "--quiet"],
        capture_output=True,
        env=shell.environment,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"root\n", b"")


def test_an_unknown_command_names_the_nearest(shell: Shell) -> None:
    result = shell.run("kesy")
    assert result.code == 2
    assert "Did you mean 'keys'?" in result.err


def test_a_reader_that_goes_away_is_no_traceback(shell: Shell) -> None:
    with subprocess.Popen(
        [KEYWRIGHT, "tenants", "list", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=shell.environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 141
