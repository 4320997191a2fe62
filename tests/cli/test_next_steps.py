"""Whatever ends a command early says what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.commands import Shell

KEY_ID = f"key_{'0' * 32}"


@pytest.fixture
def weak(shell: Shell) -> Shell:
    """A shell whose key may do one thing of an application, and nothing here."""
    token = shell.run("keys", "create", "Weak", "--quiet", "--action", "article:read").token
    return shell.with_(KEYWRIGHT_API_KEY=token)


@pytest.mark.parametrize(
    ("words", "code", "step"),
    [
        (
            ("keys", "list", "--url", "http://127.0.0.1:1"),
            Exit.NO_SERVER,
            "Start a server with `keywright serve`.",
        ),
        (("keys", "list", "--key", "wrong-token"), Exit.NOT_AUTHENTICATED, "Log in with `keywright login`"),
        (("keys", "show", KEY_ID), Exit.NOT_FOUND, "`keywright whoami`"),
        (("tenants", "create", "default"), Exit.CONFLICT, "with another value"),
        (("tenants", "create", "No Slug"), Exit.REFUSED, "`keywright tenants create --help`"),
        (("tenants", "create"), Exit.USAGE, "Try 'keywright tenants create --help' for help."),
        (("tenants", "delete", "default"), Exit.USAGE, "add --yes"),
        (("keys", "lst"), Exit.USAGE, "Did you mean 'list'?"),
        (("kesy",), Exit.USAGE, "Did you mean 'keys'?"),
        (("keys", "list", "--stat", "active"), Exit.USAGE, "'--state'"),
        (("keys", "list", "--state", "activ"), Exit.USAGE, "'active'"),
        (("run", "--", "no-such-program"), Exit.NO_PROGRAM, "Name one that is on the PATH"),
    ],
    ids=lambda given: " ".join(given).replace(KEY_ID, "KEY") if isinstance(given, tuple) else None,
)
def test_an_error_says_what_to_do(shell: Shell, words: tuple[str, ...], code: Exit, step: str) -> None:
    done = shell.run(*words)
    assert (done.code, done.out) == (code, "")
    assert step in done.err
    assert "Error: " in done.err


def test_who_may_not_is_told_where_to_look(weak: Shell) -> None:
    done = weak.run("keys", "list")
    assert done.code == Exit.DENIED
    assert "`keywright whoami` shows who you are and which roles you hold" in done.err.splitlines()[-1]


def test_a_program_that_cannot_be_started(shell: Shell, home: Path) -> None:
    program = home / "text"
    program.write_bytes(b"\0\1\2")
    program.chmod(0o755)
    done = shell.run("run", "--", str(program))
    assert done.code == Exit.NOT_RUN
    assert "whether you may execute it" in done.err


def test_one_step_is_told_once_for_many_keys(shell: Shell) -> None:
    done = shell.run("keys", "show", KEY_ID, KEY_ID[:-1] + "1", KEY_ID[:-1] + "2")
    assert done.code == Exit.NOT_FOUND
    assert done.err.count("No such key.") == 3
    assert done.err.count("`keywright whoami`") == 1
