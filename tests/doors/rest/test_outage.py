"""When the database is away: nobody can know, and nobody pretends to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.doors.rest.house import PASSWORD, house
from tests.doors.rest.outage import MissingFile, wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.doors.rest.house import House
    from tests.doors.rest.outage import Outage
    from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.anyio

STALE = {
    "valid": False,
    "code": "STALE",
    "key_id": None,
    "name": None,
    "identity": None,
    "tenant": None,
    "roles": None,
    "scope": None,
    "expires_at": None,
    "metadata": None,
}


@dataclass(frozen=True)
class Away:
    house: House
    outage: Outage
    token: str
    key_id: str


@pytest.fixture(params=["sqlite", "postgresql"])
async def away(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Away]:
    """A Keywright that has lost its database and its lease after it had made a key and used it."""
    folder = tmp_path_factory.mktemp("outage")
    if request.param == "sqlite":
        async with house(folder, lease_seconds="0.5") as found:
            yield await _lost(found, MissingFile(folder / "data" / "keywright.db"))
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    url = postgres.create_database()
    async with wire(url) as cut, house(folder, cut.url, lease_seconds="0.5") as found:
        yield await _lost(found, cut)
    postgres.drop_database(url)


async def _lost(found: House, outage: Outage) -> Away:
    made = await found.make()
    assert (await found.ask("POST", "/v1/verify", json={"token": made["token"]})).status_code == 200
    assert (await found.ask("GET", "/readyz", token=None)).json() == {"status": "ready"}
    await outage.begin()
    while found.app.deciding.node.holds_lease:  # noqa: ASYNC110 - a lease that runs out tells nobody
        await asyncio.sleep(0.02)
    return Away(found, outage, made["token"], made["key"]["id"])


async def test_an_outage_is_told_and_gone_when_it_is_over(away: Away) -> None:
    house = away.house
    one = await house.ask("POST", "/v1/verify", json={"token": away.token})
    assert (one.status_code, one.json(), one.headers["retry-after"]) == (503, STALE, "1")
    assert one.headers["content-type"] == "application/json"

    some = await house.ask(
        "POST", "/v1/verify/batch", json={"items": [{"token": away.token}, {"token": "x"}]}
    )
    assert (some.status_code, some.json()) == (503, {"items": [STALE, STALE]})

    # What can be told without the database is told: that there is no credential, that the body is none.
    assert (await house.ask("POST", "/v1/verify", token=None, json={"token": "x"})).status_code == 401
    assert (await house.ask("POST", "/v1/verify", token="kw_nonsense", json={})).status_code == 401
    assert (await house.ask("POST", "/v1/verify", content=b"{")).status_code == 400

    for method, path in (("GET", "/v1/keys"), ("DELETE", f"/v1/keys/{away.key_id}"), ("GET", "/v1/whoami")):
        answer = await house.ask(method, path)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"
    login = await house.ask("POST", "/v1/sessions", token=None, json={"login": "admin", "password": PASSWORD})
    assert (login.status_code, login.json()["code"]) == (503, "unavailable")

    ready = await house.ask("GET", "/readyz", token=None)
    assert (ready.status_code, ready.json()) == (503, {"status": "database unavailable"})
    assert "keywright_database_up 0.0" in (await house.ask("GET", "/metrics", token=None)).text
    assert (await house.ask("GET", "/healthz", token=None)).json() == {"status": "alive"}

    await away.outage.end()
    while (ready := await house.ask("GET", "/readyz", token=None)).status_code != 200:
        assert ready.json() in ({"status": "no lease"}, {"status": "database unavailable"})
        await asyncio.sleep(0.02)
    assert ready.json() == {"status": "ready"}
    assert "keywright_database_up 1.0" in (await house.ask("GET", "/metrics", token=None)).text
    again = await house.ask("POST", "/v1/verify", json={"token": away.token})
    assert (again.status_code, again.json()["key_id"]) == (200, away.key_id)
    # The deletion that was refused has not happened.
    assert (await house.ask("GET", f"/v1/keys/{away.key_id}")).status_code == 200


async def test_the_decisions_that_nobody_could_make_are_counted(away: Away) -> None:
    for _ in range(3):
        await away.house.ask("POST", "/v1/verify", json={"token": away.token})
    text = (await away.house.ask("GET", "/metrics", token=None)).text
    assert 'keywright_decisions_total{code="STALE",door="rest"} 3.0' in text
    await away.outage.end()


async def test_a_stopped_keywright_is_not_ready(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with house(tmp_path_factory.mktemp("stopped")) as found:
        assert (await found.ask("GET", "/readyz", token=None)).status_code == 200
        await found.app.stop()
        stopped = await found.ask("GET", "/readyz", token=None)
        assert (stopped.status_code, stopped.json()) == (503, {"status": "stopping"})
        assert (await found.ask("GET", "/healthz", token=None)).status_code == 200
