"""Logging in with and without a second factor, and looking after one's logins, on every door."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pyotp
import pytest
from click.testing import CliRunner

from keywright.cli.exits import Failed
from keywright.cli.root import cli
from tests.contract.storage.making import execute
from tests.doors.scenarios.cli_door import CliDoor
from tests.doors.scenarios.door import Refused
from tests.doors.scenarios.graphql_door import GraphqlDoor, camel
from tests.doors.scenarios.rest_door import RestDoor
from tests.support.authenticator import Authenticator

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.doors.scenarios.conftest import Installation
    from tests.doors.scenarios.door import Door

PASSWORD = "a long way to Tipperary"
NEW = "it is a long way to go"


@pytest.fixture(params=[RestDoor, GraphqlDoor, CliDoor], ids=["rest", "graphql", "cli"])
def kind(request: pytest.FixtureRequest) -> type[Door]:
    found: type[Door] = request.param
    return found


@pytest.fixture(autouse=True)
def unlimited(installation: Installation) -> None:
    """All tests come from one address, which after some failures would have to wait."""
    anyio.run(execute, installation.database, "DELETE FROM attempt")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can log in, on one kind of door."""

    kind: type[Door]
    url: str
    login: str

    def token(self, password: str = PASSWORD, **factor: Any) -> str:
        """The token of a new login; raises `Refused`."""
        return log_in(self.kind, self.url, login=self.login, password=password, **factor)

    def door(self, password: str = PASSWORD, **factor: Any) -> Door:
        return self.kind(self.url, self.token(password, **factor))


@pytest.fixture
def person(kind: type[Door], installation: Installation) -> Person:
    login = f"ada-{secrets.token_hex(4)}"
    root = RestDoor(installation.url, installation.root)
    root.call("POST", "/v1/users", json={"login": login, "name": "Ada", "password": PASSWORD})
    return Person(kind, installation.url, login)


def log_in(kind: type[Door], url: str, **shown: Any) -> str:
    """Log in through a kind of door, without a credential."""
    if kind is RestDoor:
        return str(RestDoor(url, "").call("POST", "/v1/sessions", json=shown, anonymous=True)["token"])
    if kind is GraphqlDoor:
        document = "mutation ($input: CreateSessionInput!) { createSession(input: $input) { token } }"
        return str(GraphqlDoor(url, "").call(document, anonymous=True, input=camel(shown))["token"])
    code = shown.get("code") or shown.get("recovery_code")
    options = [] if code is None else ["--code", code]
    line = ["login", "--url", url, "--user", shown["login"], "--password", "-", "--print-token", *options]
    done = CliRunner().invoke(
        cli, line, input=shown["password"], prog_name="keywright", standalone_mode=False
    )
    if isinstance(done.exception, Failed):
        found = re.search(r"\(([a-z_]+)(?:, [^)]*)?\)", done.exception.message)
        assert found is not None
        raise Refused(found[1])
    if done.exception is not None:
        raise done.exception
    return done.stdout.strip()


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        act()
    return caught.value.code


def code_of(secret: str, *, steps: int = 0) -> str:
    totp = pyotp.TOTP(secret)
    return totp.generate_otp(totp.timecode(time.time()) + steps)


def test_ones_logins_are_seen_and_ended(person: Person) -> None:
    first, second, third = person.door(), person.door(), person.door()
    listed = third.do("sessions.list", page=2)
    assert [one["current"] for one in listed] == [True, False, False]
    assert [one["proofs"] for one in listed] == [["password"]] * 3
    first.do("sessions.end_one", id=listed[1]["id"])
    assert refused(second.whoami) == "unauthenticated"
    assert refused(lambda: first.do("sessions.end_one", id=listed[1]["id"])) == "not_found"
    assert third.do("sessions.end_others") == {"ended": 1}
    assert refused(first.whoami) == "unauthenticated"
    assert third.whoami()["credential"] == "session"


def test_a_password_is_changed_and_all_other_logins_end(person: Person) -> None:
    other, mine = person.door(), person.door()
    change = {"old_password": PASSWORD, "new_password": NEW}
    assert refused(lambda: mine.do("sessions.change_password", **{**change, "new_password": "short"})) == (
        "weak_password"
    )
    assert refused(lambda: mine.do("sessions.change_password", **{**change, "old_password": NEW + NEW})) == (
        "invalid_credentials"
    )
    assert mine.do("sessions.change_password", **change) == {"ended": 1}
    assert refused(other.whoami) == "unauthenticated"
    mine.whoami()
    assert refused(person.token) == "invalid_credentials"
    person.token(NEW)


def test_with_a_second_factor_a_password_alone_gives_no_token(person: Person) -> None:
    door = person.door()
    begun = door.do("factors.totp.begin")
    assert begun["uri"].startswith("otpauth://totp/Keywright:")
    assert begun["qr_code"].startswith("<svg")
    assert refused(lambda: door.do("factors.totp.confirm", code="000000x")) == "invalid_code"
    codes = door.do("factors.totp.confirm", code=code_of(begun["secret"]))["recovery_codes"]
    assert len(codes) == 10
    assert refused(lambda: door.do("factors.totp.begin")) == "factor_exists"

    assert refused(person.token) == "second_factor_required"
    assert refused(lambda: person.token(code="00000")) == "invalid_code"
    code = code_of(begun["secret"], steps=1)
    proven = person.door(code=code)
    assert proven.do("sessions.list")[0]["proofs"] == ["password", "totp"]
    assert refused(lambda: person.token(code=code)) == "code_reused"
    person.token(recovery_code=codes[0])
    assert refused(lambda: person.token(recovery_code=codes[0])) == "code_reused"
    shown = proven.do("factors.list")
    assert (shown["totp_since"] is not None, shown["recovery_codes_left"], shown["passkeys"]) == (True, 9, [])

    assert refused(lambda: proven.do("sessions.confirm", password=PASSWORD)) == "second_factor_required"
    confirmed = proven.do("sessions.confirm", password=PASSWORD, recovery_code=codes[1])
    assert confirmed["proofs"] == ["password", "recovery_code"]
    renewed = proven.do("factors.recovery_codes.renew")["recovery_codes"]
    assert refused(lambda: person.token(recovery_code=codes[2])) == "invalid_code"
    person.token(recovery_code=renewed[0])
    proven.do("factors.totp.remove")
    assert proven.do("factors.list")["recovery_codes_left"] == 0
    person.token()


def test_a_passkey_is_added_used_renamed_and_removed(person: Person) -> None:
    door = person.door()
    device = Authenticator(person.url)
    begun = door.do("factors.passkeys.begin")
    credential = device.create(begun["options"])
    added = door.do("factors.passkeys.add", name="Laptop", credential=credential)
    assert (added["name"], added["transports"]) == ("Laptop", ["hybrid", "internal"])
    assert refused(lambda: door.do("factors.passkeys.add", name="Again", credential=credential)) == (
        "passkey_refused"
    )
    assert refused(person.token) == "second_factor_required"
    # A browser answers challenges; the command line has none.
    for kind in (RestDoor, GraphqlDoor):
        alone = kind(person.url, log_in(kind, person.url, passkey=device.get(challenge(kind, person.url))))
        assert alone.do("sessions.list")[0]["proofs"] == ["passkey"]
        answer = device.get(challenge(kind, person.url))
        assert alone.do("sessions.confirm", passkey=answer)["proofs"] == ["passkey"]
        assert refused(lambda kind=kind, answer=answer: log_in(kind, person.url, passkey=answer)) == (  # type: ignore[misc]
            "passkey_refused"
        )
    renamed = door.do("factors.passkeys.rename", id=added["id"], name="Desk")
    assert (renamed["id"], renamed["name"]) == (added["id"], "Desk")
    assert [one["name"] for one in door.do("factors.list")["passkeys"]] == ["Desk"]
    door.do("factors.passkeys.remove", id=added["id"])
    assert refused(lambda: door.do("factors.passkeys.remove", id=added["id"])) == "not_found"
    person.token()


def challenge(kind: type[Door], url: str) -> dict[str, Any]:
    """The options of a challenge for logging in."""
    if kind is RestDoor:
        found = RestDoor(url, "").call("POST", "/v1/sessions/passkey-options", anonymous=True)["options"]
    else:
        found = GraphqlDoor(url, "").call("mutation { askForPasskey { options } }", anonymous=True)["options"]
    return dict(found)


def test_a_key_has_neither_logins_nor_factors(kind: type[Door], installation: Installation) -> None:
    door = kind(installation.url, installation.root)
    for name in (
        "sessions.list",
        "sessions.end_others",
        "factors.list",
        "factors.totp.begin",
        "factors.totp.remove",
        "factors.recovery_codes.renew",
        "factors.passkeys.begin",
    ):
        assert refused(lambda name=name: door.do(name)) == "permission_denied"  # type: ignore[misc]


def test_names_cannot_be_probed(person: Person) -> None:
    answers = {
        refused(lambda login=login: log_in(person.kind, person.url, login=login, password="wrong"))  # type: ignore[misc]
        for login in (person.login, f"nobody-{secrets.token_hex(4)}")
    }
    assert answers == {"invalid_credentials"}
