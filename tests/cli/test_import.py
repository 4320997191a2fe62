"""`keywright keys import` and `export`: files in, files out, and what of them is refused."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.commands import Result, Shell


@pytest.fixture
def own(shell: Shell, request: pytest.FixtureRequest) -> Shell:
    """A shell with a tenant of its own."""
    slug = request.node.name.split("[")[0].replace("_", "-")[-50:].strip("-")
    shell.run("tenants", "create", slug)
    return shell.with_(KEYWRIGHT_TENANT=slug)


def a_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def lines(*items: Any) -> str:
    return "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in items)


def counts(done: Result) -> tuple[int, int, int]:
    found = json.loads(done.out)
    return found["created"], found["present"], found["refused"]


def names(shell: Shell) -> list[str]:
    found = shell.run("keys", "list", "--all", "--sort", "name", "--json").json["items"]
    return [key["name"] for key in found]


def test_a_csv_file_is_imported_and_again(own: Shell, home: Path) -> None:
    account = own.run("service-accounts", "create", "ci", "--json").json["id"]
    text = (
        "\ufeffname,token_hash,handle,expires_at,identity_id,role,metadata,allowed_cidrs\r\n"
        f'"One, with a comma",{a_hash("csv-1")},one,2090-01-01T00:00:00Z,{account},,"{{""a"": 1}}",\r\n'
        f'Two,{a_hash("csv-2")},,,,member,,"[""10.0.0.0/8""]"\r\n'
    )
    (home / "keys.csv").write_text(text, "utf-8", newline="")
    done = own.run("keys", "import", "--dry-run", "keys.csv")
    assert (done.code, done.err) == (0, "")
    assert done.out == "2 keys: 2 would be made, 0 there already, 0 refused.\n"
    assert names(own) == []
    done = own.run("keys", "import", "keys.csv")
    assert (done.code, done.out) == (0, "2 keys: 2 made, 0 there already, 0 refused.\n")
    one, two = own.run("keys", "list", "--sort", "name", "--json").json["items"]
    assert (one["name"], one["handle"], one["identity_id"]) == ("One, with a comma", "one", account)
    assert (one["metadata"], one["expires_at"]) == ({"a": 1}, "2090-01-01T00:00:00Z")
    assert (two["identity"]["kind"], two["allowed_cidrs"]) == ("key", ["10.0.0.0/8"])
    assert own.run("verify", "-", stdin="csv-1").code == 0
    assert counts(own.run("keys", "import", "--json", "keys.csv")) == (0, 2, 0)
    assert own.run("keys", "import", "--quiet", "keys.csv").out == ""


def test_refused_lines_are_told_with_their_numbers(own: Shell, home: Path) -> None:
    text = lines(
        {"name": "Good", "token_hash": a_hash("lines-1")},
        "",
        {"name": "Past", "token_hash": a_hash("lines-2"), "expires_at": "2001-01-01T00:00:00Z"},
        "no json",
        '["a list"]',
        {"name": "Unknown", "token_hash": a_hash("lines-3"), "colour": "red"},
        {"name": 5, "token_hash": a_hash("lines-4")},
        {"name": "Nan", "token_hash": a_hash("lines-5"), "metadata": float("nan")},
        {"name": "No hash"},
        {"name": "Role", "token_hash": a_hash("lines-6"), "role": "member:x"},
        {"name": "Surrogate", "token_hash": a_hash("lines-7"), "description": "\ud800"},
        {"name": "Last", "token_hash": a_hash("lines-8"), "role": "member"},
    )
    (home / "keys.jsonl").write_text(text)
    expected = [
        ["3", "expiry_in_past", "expires_at"],
        ["4", "unreadable_row", ""],
        ["5", "unreadable_row", ""],
        ["6", "unreadable_row", "colour"],
        ["7", "invalid_type", "name"],
        ["8", "unreadable_row", ""],
        ["9", "missing_field", "token_hash"],
        ["10", "unreadable_row", "role"],
    ]
    done = own.run("keys", "import", "keys.jsonl", "--report", "refused.csv")
    assert done.code == 8, done.err
    with (home / "refused.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["line", "code", "field", "detail"]
    assert [row[:3] for row in rows if row[0] != "11"] == expected
    assert "11" in [row[0] for row in rows]
    assert all(row[3] for row in rows)
    assert names(own) == ["Good", "Last"]
    told = own.run("keys", "import", "keys.jsonl")
    assert told.out == "11 keys: 0 made, 2 there already, 9 refused.\n"
    assert re.search(r"^Line 3: expires_at: .+ \(expiry_in_past\)$", told.err, re.MULTILINE)
    found = json.loads(own.run("keys", "import", "keys.jsonl", "--json").out)
    assert [str(one["line"]) for one in found["refusals"]] == [row[0] for row in rows]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"", "names its columns"),
        ("a.csv", b"name\nx\n", "names its columns"),
        ("a.csv", b"name,token_hash,colour\n", "colour is none"),
        ("a.csv", b"name,name,token_hash\n", "each once"),
        ("a.csv", b'name,token_hash\n"a', "not CSV"),
        ("a.jsonl", b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    own: Shell, home: Path, name: str, content: bytes, told: str
) -> None:
    (home / name).write_bytes(content)
    done = own.run("keys", "import", name)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert "Broken off" not in done.err
    assert own.run("keys", "import", "nowhere.csv").code == 2


def test_many_keys_go_in_batches_side_by_side(own: Shell) -> None:
    text = lines(*({"name": f"Key {n:04}", "token_hash": a_hash(f"many-{n}")} for n in range(250)))
    done = own.run("keys", "import", "-", "--json", "--batch", "40", "--parallel", "3", stdin=text)
    assert counts(done) == (250, 0, 0)
    assert len(names(own)) == 250
    big = lines(
        *(
            {"name": f"Big {n}", "token_hash": a_hash(f"big-{n}"), "metadata": {"x": "y" * 15_000}}
            for n in range(150)
        )
    )
    assert counts(own.run("keys", "import", "-", "--json", stdin=big)) == (150, 0, 0)


def test_no_server_and_no_tenant_are_no_refusals_of_lines(own: Shell) -> None:
    text = lines({"name": "One", "token_hash": a_hash("away-1")})
    done = own.with_(KEYWRIGHT_URL="http://127.0.0.1:1").run("keys", "import", "-", stdin=text)
    assert (done.code, done.out) == (3, "")
    done = own.with_(KEYWRIGHT_TENANT="nowhere").run("keys", "import", "-", stdin=text)
    assert (done.code, done.out) == (6, "")
    assert "No such tenant." in done.err
    assert names(own) == []


def test_progress_stands_on_a_terminal_alone(own: Shell, home: Path) -> None:
    (home / "keys.jsonl").write_text(
        lines(*({"name": f"K{n}", "token_hash": a_hash(f"progress-{n}")} for n in range(30)))
    )
    with terminal(own, "keys", "import", "keys.jsonl", "--batch", "10") as screen:
        assert screen.end() == 0
    assert "100 %  30 keys: 30 made" in screen.text
    assert screen.text.endswith("30 keys: 30 made, 0 there already, 0 refused.\n")
    assert "%" not in own.run("keys", "import", "keys.jsonl").err


def test_what_is_exported_can_be_read_and_holds_no_secret(own: Shell, home: Path) -> None:
    made = own.run("keys", "create", "First", "--json", "--metadata", "a=b", "--expires", "9d").json
    own.run("keys", "create", "Second, with a comma", "--token-hash", a_hash("export-1"))
    out = own.run("keys", "export", "--sort", "name")
    items = [json.loads(line) for line in out.out.splitlines()]
    assert [one["name"] for one in items] == ["First", "Second, with a comma"]
    assert items[0] == own.run("keys", "show", made["key"]["id"], "--json").json
    assert own.run("keys", "export", "--name-prefix", "second", "-o", "keys.csv").code == 0
    with (home / "keys.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["name"], row["state"], row["active"]) == ("Second, with a comma", "active", "true")
    assert (row["metadata"], row["scope"], row["handle"]) == ("{}", "", "")
    text = out.out + (home / "keys.csv").read_text()
    assert made["token"] not in text
    assert a_hash(made["token"]) not in text
    assert a_hash("export-1") not in text
    as_csv = own.run("keys", "export", "--format", "csv").out
    assert len(list(csv.reader(io.StringIO(as_csv)))) == 3
    assert own.run("keys", "export", "-o", "no/such/folder.csv").code == 2
