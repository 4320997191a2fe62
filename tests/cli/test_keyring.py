"""Logins whose secret is in a keyring; and that no keyring has a command hang or fail."""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path

import pytest

from tests.cli.commands import PASSWORD, ROOT_TOKEN, Result, Shell

BACKENDS = Path(__file__).parent / "keyrings"


@pytest.fixture
def secrets(home: Path) -> Path:
    """Where the keyring has what it keeps."""
    return home / "keyring.json"


@pytest.fixture
def ringed(anyone: Shell, secrets: Path) -> Shell:
    """A shell on a system with a keyring."""
    return backed(anyone.with_(KEYRING_OF_TESTS=str(secrets), KEYWRIGHT_KEYRING="on"), "Kept")


@pytest.fixture
def kept(home: Path) -> Path:
    """The file that says which logins there are."""
    return home / ".config/keywright/credentials.toml"


def backed(shell: Shell, name: str) -> Shell:
    return shell.with_(PYTHONPATH=str(BACKENDS), PYTHON_KEYRING_BACKEND=f"keyrings_of_tests.{name}")


def log_in(shell: Shell, *args: str) -> Result:
    return shell.run("login", "--password", "-", *args, stdin=PASSWORD)


def entry(kept: Path) -> dict[str, object]:
    (one,) = tomllib.loads(kept.read_text("utf-8"))["sessions"].values()
    assert isinstance(one, dict)
    return one


def test_the_secret_of_a_login_is_in_the_keyring_alone(ringed: Shell, secrets: Path, kept: Path) -> None:
    first = log_in(ringed)
    assert (first.code, first.err) == (0, "")
    (token,) = json.loads(secrets.read_text("utf-8")).values()
    assert token.startswith("kws_")
    assert token not in kept.read_text("utf-8")
    assert entry(kept)["keyring"] is True
    assert "session, from `keywright login`, in the keyring" in ringed.run("whoami").out
    # The next login takes its place, and ends it.
    assert log_in(ringed).code == 0
    assert ringed.run("whoami", "--key", token).code == 4
    (second,) = json.loads(secrets.read_text("utf-8")).values()
    assert second != token
    assert ringed.run("logout").code == 0
    assert json.loads(secrets.read_text("utf-8")) == {}
    assert ringed.run("whoami", "--key", second).code == 4
    assert ringed.run("whoami").code == 4


def test_a_key_is_kept_in_the_keyring_too(ringed: Shell, secrets: Path, kept: Path) -> None:
    assert ringed.run("login", "--key", "-", stdin=ROOT_TOKEN).code == 0
    assert list(json.loads(secrets.read_text("utf-8")).values()) == [ROOT_TOKEN]
    assert ROOT_TOKEN not in kept.read_text("utf-8")
    assert ringed.run("whoami", "--quiet").out == "root\n"


def test_a_login_that_a_file_has_stays_there_until_the_next_one(ringed: Shell, kept: Path) -> None:
    assert log_in(ringed.with_(KEYWRIGHT_KEYRING="off")).code == 0
    before = kept.read_bytes()
    assert "token" in entry(kept)
    assert ringed.run("whoami", "--quiet").out == "admin\n"
    assert kept.read_bytes() == before


@pytest.mark.parametrize("by", ["variable", "file"])
def test_a_keyring_that_is_turned_off_is_not_asked(
    ringed: Shell, secrets: Path, kept: Path, home: Path, by: str
) -> None:
    assert log_in(ringed).code == 0
    if by == "variable":
        off = ringed.with_(KEYWRIGHT_KEYRING="off")
    else:
        off = ringed.without("KEYWRIGHT_KEYRING").with_(KEYWRIGHT_KEYRING="")
        (home / ".config/keywright/config.toml").write_text("keyring = false\n", "utf-8")
    refused = off.run("whoami")
    assert refused.code == 4
    assert refused.err.startswith(
        "The keyring could not read the login: turned off by KEYWRIGHT_KEYRING or in config.toml.\n"
    )
    held = secrets.read_bytes()
    assert log_in(off).code == 0
    assert "token" in entry(kept)
    assert secrets.read_bytes() == held
    assert ringed.with_(KEYWRIGHT_KEYRING="maybe").run("login", "--password", "-", stdin=PASSWORD).code == 2


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        ("keyrings_of_tests.Failing", "The keyring could not write the login: PermissionError.\n"),
        ("keyrings_of_tests.Forgetful", "The keyring could not write the login: it does not keep it.\n"),
        ("keyrings_of_tests.Plain", ""),
        ("keyrings_of_tests.Broken", ""),
        ("keyring.backends.fail.Keyring", ""),
        ("keyring.backends.null.Keyring", ""),
        ("keyring.backends.chainer.ChainerBackend", ""),
        ("not_there.Keyring", ""),
    ],
)
def test_what_keeps_no_secrets_is_passed_over_for_the_file(
    ringed: Shell, kept: Path, secrets: Path, backend: str, told: str
) -> None:
    shell = ringed.with_(PYTHON_KEYRING_BACKEND=backend)
    result = log_in(shell)
    assert (result.code, result.err) == (0, told)
    token = entry(kept)["token"]
    assert isinstance(token, str)
    assert token not in result.err
    assert not secrets.exists()
    assert shell.run("whoami", "--quiet") == Result(0, "admin\n", "")


def test_a_keyring_that_fails_later_is_told_in_a_line(ringed: Shell) -> None:
    assert log_in(ringed).code == 0
    result = backed(ringed, "Failing").run("whoami")
    assert result.code == 4
    assert result.err.splitlines()[:2] == [
        "The keyring could not read the login: PermissionError.",
        f"Error: There is no credential for {ringed.variables['KEYWRIGHT_URL']}.",
    ]
    # Another credential does not need it.
    other = backed(ringed, "Failing").run("whoami", "--quiet", "--key", ROOT_TOKEN)
    assert other == Result(0, "root\n", "")


def test_a_keyring_that_never_answers_is_waited_for_only_so_long(ringed: Shell, kept: Path) -> None:
    began = time.monotonic()
    result = log_in(backed(ringed, "Hanging"))
    assert (result.code, result.err) == (
        0,
        "The keyring could not write the login: it did not answer within 20 seconds.\n",
    )
    assert time.monotonic() - began >= 20
    assert "token" in entry(kept)
