"""One list of scenarios through every door: a key is one thing, whichever door made it, lists it or stops it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.dialects.speaker import speakers
from tests.support.keywright import migrate, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.dialects.speaker import SpeakerBase
    from tests.support.keywright import Keywright
    from tests.support.postgres import PostgresServer

SPEAKERS = speakers()


@dataclass(frozen=True, slots=True)
class Doors:
    """Every door, spoken to in a tenant of its own, and a second time in another where the door knows several."""

    keywright: Keywright
    here: dict[str, SpeakerBase]
    there: dict[str, SpeakerBase]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def doors(request: pytest.FixtureRequest) -> Iterator[Doors]:
    with ExitStack() as stack:
        variables = {}
        if request.param == "postgresql":
            postgres: PostgresServer = request.getfixturevalue("postgres")
            url = postgres.create_database()
            stack.callback(postgres.drop_database, url)
            variables = {"KEYWRIGHT_DATABASE_URL": url}
            migrate(**variables)
        keywright = stack.enter_context(served(**variables))
        here = {name: kind(keywright, f"{name}-here") for name, kind in SPEAKERS.items()}
        there = {
            name: kind(keywright, f"{name}-there") for name, kind in SPEAKERS.items() if kind.tenants > 1
        }
        for one in (*here.values(), *there.values()):
            one.prepare()
        yield Doors(keywright, here, there)


@pytest.mark.parametrize("name", SPEAKERS)
def test_a_key_is_made_used_listed_and_stopped(doors: Doors, name: str) -> None:
    door = doors.here[name]
    made = door.make("nightly_export")
    assert door.accepts(made.token)
    assert doors.keywright.verdict(made.token) == "VALID"
    listed = door.listed()
    assert made.name in listed
    door.stop(made)
    assert not door.accepts(made.token)
    assert doors.keywright.verdict(made.token) in {"NOT_FOUND", "DISABLED"}


@pytest.mark.parametrize("name", SPEAKERS)
def test_a_token_is_shown_once(doors: Doors, name: str) -> None:
    door = doors.here[name]
    made = door.make("shown_once")
    assert made.token not in "".join(door.listed().values())


@pytest.mark.parametrize("name", SPEAKERS)
def test_what_nobody_made_is_refused_in_the_form_of_the_door(doors: Doors, name: str) -> None:
    door = doors.here[name]
    token = door.make("to_be_mistyped").token
    mistyped = token[:-1] + ("a" if token[-1] != "a" else "b")
    for wrong in (mistyped, "x" * 40, "kw_unknown"):
        assert not door.accepts(wrong)


@pytest.mark.parametrize("name", [name for name, kind in SPEAKERS.items() if kind.tenants > 1])
def test_another_tenant_neither_sees_nor_stops_a_key(doors: Doors, name: str) -> None:
    here, there = doors.here[name], doors.there[name]
    made = here.make("of_this_tenant")
    assert made.name not in there.listed()
    assert not there.try_to_stop(made)
    assert doors.keywright.verdict(made.token) == "VALID"


@pytest.mark.parametrize("maker", SPEAKERS)
def test_a_key_made_at_one_door_is_one_at_our_own(doors: Doors, maker: str) -> None:
    """It is listed, verified and revoked at REST, and from then on refused at the door that made it."""
    door = doors.here[maker]
    made = door.make("made_elsewhere")
    keywright = doors.keywright
    found = keywright.rest("GET", f"/v1/keys/{made.key_id}", tenant=door.tenant)
    assert found["state"] == "active"
    assert made.token not in str(found)
    assert door.accepts(made.token)
    keywright.rest("DELETE", f"/v1/keys/{made.key_id}", tenant=door.tenant)
    assert not door.accepts(made.token)
    assert keywright.verdict(made.token) == "NOT_FOUND"


@pytest.mark.parametrize("name", SPEAKERS)
def test_a_key_that_was_disabled_or_has_expired_is_refused(doors: Doors, name: str) -> None:
    door = doors.here[name]
    keywright = doors.keywright
    made = door.make("to_be_disabled")
    keywright.rest("PATCH", f"/v1/keys/{made.key_id}", {"active": False}, tenant=door.tenant)
    assert not door.accepts(made.token)
    keywright.rest("PATCH", f"/v1/keys/{made.key_id}", {"active": True}, tenant=door.tenant)
    assert door.accepts(made.token)
