"""The server's end: what it does for whom, and what it refuses."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.codes import Code
from keywright.core.ids import new_id
from keywright.core.instants import SystemClock
from keywright.core.usage import HOUR_US
from keywright.services.relay import messages as m
from keywright.services.relay import permits, serving
from tests.support.agents import a_key, agents_of, an_agents_key, beside, change, counted, eventually, say

if TYPE_CHECKING:
    from tests.doors.rest.house import House, MovableClock

pytestmark = pytest.mark.anyio

WORD, OTHER_WORD = "0193a0b1c2d37e4f8a9b0c1d2e3f4a5b", "0193a0b1c2d47e4f8a9b0c1d2e3f4a5b"
LEASE_US = 3_000_000


def register(word: str = WORD, **more: Any) -> dict[str, Any]:
    return {
        "do": "register",
        "node": word,
        "name": "one",
        "version": "1",
        "lease_us": LEASE_US,
        "grace_us": 0,
        **more,
    }


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def told(home: House, token: str, message: dict[str, Any]) -> Any:
    """The answer to a message that is taken."""
    answer = await say(home, token, message)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def status(home: House, token: str, message: dict[str, Any]) -> tuple[int, str | None]:
    """The status and the code of the answer to one that is not."""
    answer = await say(home, token, message)
    return answer.status_code, answer.json().get("code")


async def head(home: House) -> int:
    async with home.app.database.read() as transaction:
        return await transaction.changes.head()


async def test_a_node_is_known_by_its_word_and_its_key(home: House) -> None:
    mine, theirs = await an_agents_key(home), await an_agents_key(home)
    own, other = mine["token"], theirs["token"]
    assert await told(home, own, {"do": "hello"}) == {"lease": 3.0, "grace": 0.0}
    assert await told(home, own, register()) == {}
    (node_id,) = await agents_of(home)
    assert node_id == serving._id_of(mine["key"]["id"], WORD)
    assert WORD[12:] not in node_id
    before = await agents_of(home)
    assert before == {node_id: await head(home)}
    await change(home, "PATCH", f"/v1/keys/{theirs['key']['id']}?wait=false", name="New")

    # Whoever has another key speaks of another node.
    assert await told(home, other, {"do": "renew", "node": WORD, "applied": 99}) == {"known": False}
    await told(home, other, {"do": "acknowledge", "node": WORD, "applied": 99})
    await told(home, other, {"do": "leave", "node": WORD, "key_id": theirs["key"]["id"]})
    assert await agents_of(home) == before
    for wrong in ("", WORD.upper(), WORD[:-1], f"{WORD}0"):
        assert await status(home, own, register(wrong)) == (422, "invalid_value")
        assert await told(home, own, {"do": "leave", "node": wrong, "key_id": mine["key"]["id"]}) == {}
    assert await told(home, own, {"do": "leave", "node": WORD, "key_id": "key_of_nobody"}) == {}
    assert await agents_of(home) == before

    now = await head(home)
    assert await told(home, own, {"do": "renew", "node": WORD, "applied": before[node_id]}) == {"known": True}
    await told(home, own, {"do": "acknowledge", "node": WORD, "applied": now})
    assert await agents_of(home) == {node_id: now}
    assert await status(home, own, register()) == (422, "invalid_value")
    # Its word is enough to say that it leaves: its key may be what was revoked.
    assert (
        await say(home, None, {"do": "leave", "node": WORD, "key_id": mine["key"]["id"]})
    ).status_code == 200
    assert await agents_of(home) == {}
    assert await told(home, own, {"do": "renew", "node": WORD, "applied": 0}) == {"known": False}


async def test_a_node_that_registers_anew_takes_the_place_of_the_one_it_was(home: House) -> None:
    own = await an_agents_key(home)
    await told(home, own["token"], register())
    await told(home, own["token"], register(OTHER_WORD, instead_of=WORD))
    assert list(await agents_of(home)) == [serving._id_of(own["key"]["id"], OTHER_WORD)]


async def test_one_that_renews_and_applies_nothing_gets_no_lease_and_is_waited_out(
    home: House, clock: MovableClock
) -> None:
    """Its row stays: it may hold the lease of its last renewal still. Then no change waits for it any more."""
    own, other = await an_agents_key(home), await a_key(home)
    path = f"/v1/keys/{other['key']['id']}"
    await told(home, own["token"], register())
    before = await agents_of(home)
    (applied,) = before.values()
    await change(home, "PATCH", f"{path}?wait=false", name="1")
    renew = {"do": "renew", "node": WORD, "applied": applied}
    for _ in range(2):  # for a whole lease nobody knows whether it has just not come to it
        assert await told(home, own["token"], renew) == {"known": True}
    clock.ahead = timedelta(seconds=4)
    assert await told(home, own["token"], renew) == {"known": True}
    assert await told(home, own["token"], renew) == {"known": False}
    assert await agents_of(home) == before
    first = (await change(home, "PATCH", path, name="2"))["receipt"]
    assert {one["outcome"] for one in first["nodes"]} == {"acknowledged", "expired"}
    assert 500 < first["waited_ms"] < 6_000
    assert await told(home, own["token"], renew) == {"known": False}
    second = (await change(home, "PATCH", path, name="3"))["receipt"]
    assert second["complete"]
    assert second["waited_ms"] < 2_500


async def test_no_longer_lease_is_granted_than_servers_have(lone: House) -> None:
    own = (await an_agents_key(lone))["token"]
    for wrong in ({"lease_us": LEASE_US + 1}, {"grace_us": 1}):
        assert await status(lone, own, register(**wrong)) == (409, "illegal_transition")
    for wrong in ({"lease_us": 0}, {"grace_us": -1}, {"name": " "}, {"version": "1" * 41}, {"name": "a\nb"}):
        assert await status(lone, own, register(**wrong)) == (422, "invalid_value")
    assert await agents_of(lone) == {}


async def test_a_key_that_has_nodes_register_without_end_is_held_back(lone: House) -> None:
    own, other = (await an_agents_key(lone))["token"], (await an_agents_key(lone))["token"]
    seen = set()
    for number in range(70):
        seen.add(await status(lone, own, register(f"{number:032x}")))
    assert seen == {(200, None), (429, "too_many_attempts")}
    assert len(await agents_of(lone)) < 65
    assert (await say(lone, other, register())).status_code == 200


async def test_changes_are_told_by_names_that_say_nothing(lone: House) -> None:
    own, other = (await an_agents_key(lone))["token"], await a_key(lone, "other")
    before = await head(lone)
    changed = await change(lone, "DELETE", f"/v1/keys/{other['key']['id']}", "other")
    found = await say(lone, own, {"do": "since", "epoch": before})
    assert other["key"]["id"] not in found.text
    newest, entries = found.json()["newest"], found.json()["entries"]
    assert newest == changed["receipt"]["epoch"]
    assert any(m.hidden(other["key"]["id"]) in touched for _, touched in entries)
    # Of an epoch that is yet to come nothing is known.
    ahead = await told(lone, own, {"do": "since", "epoch": newest + 5})
    assert ahead == {"newest": newest, "entries": None}
    assert await told(lone, own, {"do": "since", "epoch": newest}) == {"newest": newest, "entries": []}
    assert m.hidden("*") == "*"


async def test_whoever_waits_for_a_change_is_told_at_once(home: House) -> None:
    own, other = (await an_agents_key(home))["token"], await a_key(home)
    now = await head(home)
    waiting = asyncio.create_task(say(home, own, {"do": "since", "epoch": now, "wait": 20.0}))
    await asyncio.sleep(0.1)
    home.app.deciding.node.stir()  # for something else
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await change(home, "DELETE", f"/v1/keys/{other['key']['id']}")
    async with asyncio.timeout(10):
        assert (await waiting).json()["newest"] > now


async def test_whoever_waits_in_vain_is_told_so_and_a_server_that_stops_lets_nobody_wait(lone: House) -> None:
    own = (await an_agents_key(lone))["token"]
    now = await head(lone)
    found = await told(lone, own, {"do": "since", "epoch": now, "wait": 0.05})
    assert found == {"newest": now, "entries": []}
    waiting = asyncio.create_task(say(lone, own, {"do": "since", "epoch": now, "wait": 20.0}))
    await asyncio.sleep(0.05)
    lone.app.health.serving = False
    async with asyncio.timeout(10):
        assert (await waiting).status_code == 503


@pytest.mark.parametrize(
    "message",
    [
        {"do": "renew", "node": WORD, "applied": -1},
        {"do": "renew", "node": WORD, "applied": 2**62},
        {"do": "acknowledge", "node": WORD, "applied": 2**63 - 1},
        {"do": "since", "epoch": -1},
        {"do": "look", "digest": "x"},
        {"do": "take_credits", "key_id": "KEY", "need": 2, "wish": 1, "now_us": 0},
        {"do": "take_credits", "key_id": "KEY", "need": -1, "wish": 1, "now_us": 0},
        {"do": "take_credits", "key_id": "KEY", "need": 1, "wish": 1_001, "now_us": 0},
        {"do": "take_credits", "key_id": "KEY", "need": 2_000_000, "wish": 2_000_000, "now_us": 0},
        {"do": "give_back_credits", "unspent": [{"key_id": "KEY", "amount": 0, "version": 0}]},
        {"do": "give_back_credits", "unspent": [{"key_id": "KEY", "amount": 1, "version": -1}]},
        {"do": "give_back_credits", "unspent": [{"key_id": "KEY", "amount": 1, "version": 0}] * 501},
        {"do": "count", "buckets": [], "cost": 1},
        {"do": "count", "buckets": [("key", "KEY", "a", 1, 1)] * 31, "cost": 1},
        {"do": "count", "buckets": [("key", "KEY", "a", 0, 1)], "cost": 1},
        {"do": "count", "buckets": [("key", "KEY", "a", 1, 0)], "cost": 1},
        {"do": "count", "buckets": [("key", "KEY", "a", 1, 1)], "cost": -1},
        {"do": "uses", "uses": [{}] * 501},
        {"do": "uses", "uses": [{}, {}]},
        {"do": "uses", "uses": [{"counts": [(1, "VALID", 1)]}]},
        {"do": "uses", "uses": [{"counts": [(-HOUR_US, "VALID", 1)]}]},
        {"do": "uses", "uses": [{"counts": [(2**60 // HOUR_US * HOUR_US, "VALID", 1)]}]},
        {"do": "uses", "uses": [{"counts": [(0, "GOOD", 1)]}]},
        {"do": "uses", "uses": [{"counts": [(0, "VALID", 0)]}]},
        {"do": "uses", "uses": [{"counts": [(0, "VALID", 2**40)]}]},
        {"do": "uses", "uses": [{"actions": [("a b", 1, 0)]}]},
        {"do": "uses", "uses": [{"actions": [("a", 0, 0)]}]},
        {"do": "uses", "uses": [{"actions": [("a", 1, 2**60)]}]},
        {"do": "uses", "uses": [{"at_us": 2**60}]},
        {"do": "uses", "uses": [{"ip": "nowhere"}]},
        {"do": "uses", "uses": [{"counts": [(0, "VALID", 1)] * 5_001}]},
    ],
    ids=range(31),
)
async def test_what_no_agent_says_is_refused(lone: House, message: dict[str, Any]) -> None:
    own, key = (await an_agents_key(lone))["token"], await a_key(lone, credits={"remaining": 5})
    answer = await say(lone, own, filled(message, key["key"]["id"], None))
    assert answer.status_code == 422, answer.text
    assert (await left(lone, own, key["key"]["id"])) == 5


def filled(message: dict[str, Any], key_id: str, tenant_id: str | None) -> dict[str, Any]:
    """A message with what it leaves open."""
    found = {name: key_id if value == "KEY" else value for name, value in message.items()}
    names = ("level", "subject", "name", "limit", "window_seconds")
    if "buckets" in found:
        found["buckets"] = [dict(zip(names, one, strict=True)) for one in found["buckets"]]
        for one in found["buckets"]:
            one["subject"] = key_id
    if "unspent" in found:
        found["unspent"] = [{**one, "key_id": key_id} for one in found["unspent"]]
    if "uses" in found:
        empty = {"at_us": None, "ip": None, "counts": [], "actions": []}
        found["uses"] = [{"key_id": key_id, "tenant_id": tenant_id, **empty, **one} for one in found["uses"]]
    return found


async def left(home: House, token: str, key_id: str) -> int:
    looked = {"do": "take_credits", "key_id": key_id, "need": 0, "wish": 0, "now_us": 0}
    found: int = (await told(home, token, looked))["left"]
    return found


async def tenant_id(home: House, slug: str) -> str:
    found: str = (await change(home, "GET", f"/v1/tenants/{slug}", None))["id"]
    return found


async def test_an_agent_of_one_tenant_has_nothing_to_do_with_another(home: House) -> None:
    own = (await an_agents_key(home, "other"))["token"]
    theirs = await a_key(home, credits={"remaining": 5})
    everywhere = await a_key(home, None)
    key_id, identity_id = theirs["key"]["id"], theirs["key"]["identity"]["id"]
    place = await tenant_id(home, "default")
    for token in (theirs["token"], everywhere["token"]):
        assert await told(home, own, {"do": "look", "digest": digest(token)}) == {"rows": []}
    for slug in ("default", "nowhere", "a\x00b", ""):
        assert await told(home, own, {"do": "place", "slug": slug}) == {"rows": []}
    take = {"do": "take_credits", "key_id": key_id, "need": 1, "wish": 1, "now_us": 0}
    assert await status(home, own, take) == (404, "not_found")
    back = [{"key_id": key_id, "amount": 3, "version": 0}, {"key_id": "\x00", "amount": 3, "version": 0}]
    assert await told(home, own, {"do": "give_back_credits", "unspent": back}) == {}
    for level, subject in (
        ("key", key_id),
        ("identity", identity_id),
        ("tenant", place),
        ("key", "\x00"),
        ("key", new_id("key")),
        ("identity", new_id("idn")),
        ("tenant", identity_id),
    ):
        bucket = {"level": level, "subject": subject, "name": "a", "limit": 1, "window_seconds": 60}
        for go_back in (False, True):
            count = {"do": "count", "buckets": [bucket], "cost": 1, "back": go_back}
            assert await status(home, own, count) == (404, "not_found")
    hour = SystemClock().now_us() // HOUR_US * HOUR_US
    for claimed in (place, await tenant_id(home, "other"), None, ""):
        used = {"counts": [(hour, "VALID", 7)], "at_us": hour, "actions": [("a", 1, hour)]}
        await told(home, own, filled({"do": "uses", "uses": [used]}, key_id, claimed))
    shown = await change(home, "GET", f"/v1/keys/{key_id}")
    assert shown["last_used_at"] is None
    assert await counted(home, key_id) == {}
    mine = (await an_agents_key(home))["token"]
    assert await left(home, mine, key_id) == 5


async def test_an_agent_counts_and_spends_for_what_it_knows(home: House) -> None:
    made = await a_key(home, credits={"remaining": 50})
    key_id, place = made["key"]["id"], await tenant_id(home, "default")
    for own in ((await an_agents_key(home))["token"], (await an_agents_key(home, None))["token"]):
        looked = await told(home, own, {"do": "look", "digest": digest(made["token"])})
        assert looked["rows"]
        assert (await told(home, own, {"do": "place", "slug": "default"}))["rows"]
        take = {"do": "take_credits", "key_id": key_id, "need": 1, "wish": 4, "now_us": 0}
        taken = await told(home, own, take)
        assert taken["taken"] == 4
        unspent = [{"key_id": key_id, "amount": 4, "version": taken["version"]}]
        unspent.append({"key_id": new_id("key"), "amount": 1, "version": 0})
        await told(home, own, {"do": "give_back_credits", "unspent": unspent})
        await told(home, own, {"do": "give_back_credits", "unspent": []})
        assert await left(home, own, key_id) == 50
        identity_id = made["key"]["identity"]["id"]
        for level, subject in (("key", key_id), ("identity", identity_id), ("tenant", place)):
            name = own[-6:].lower()
            bucket = {
                "level": level,
                "subject": subject,
                "name": f"a{name}",
                "limit": 2,
                "window_seconds": 6_000,
            }
            count = {"do": "count", "buckets": [bucket], "cost": 2}
            assert (await told(home, own, count))["refused"] is None
            assert (await told(home, own, count))["refused"] == 0
            assert await told(home, own, {**count, "back": True}) == {}
            assert (await told(home, own, count))["refused"] is None


async def test_names_are_remembered_for_a_while_and_not_too_many(
    lone: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permits, "MAX_REMEMBERED", 1)
    own = (await an_agents_key(lone))["token"]
    first, second = (await a_key(lone))["key"]["id"], (await a_key(lone))["key"]["id"]
    for key_id in (first, first, second, first):
        assert await left(lone, own, key_id) == 0


async def test_usage_is_written_as_the_server_would_have_counted_it(home: House, clock: MovableClock) -> None:
    made = await a_key(home)
    key_id, place = made["key"]["id"], await tenant_id(home, "default")
    now = clock.now_us()
    hour = now // HOUR_US * HOUR_US
    secret = made["token"]
    used = {
        "at_us": now + 60_000_000,
        "ip": "10.0.0.1",
        "counts": [(hour, "VALID", 2), (hour, "DISABLED", 2), (hour, "VALID", 1)],
        "actions": [("article:read", 2, now + 60_000_000), (secret, 1, now), ("*", 1, now)],
    }
    for own, claimed in (
        ((await an_agents_key(home))["token"], place),
        ((await an_agents_key(home, None))["token"], place),
        ((await an_agents_key(home, None))["token"], None),
        ((await an_agents_key(home))["token"], None),
    ):
        await told(home, own, filled({"do": "uses", "uses": [used]}, key_id, claimed))
    assert await counted(home, key_id) == {"VALID": 6, "DISABLED": 4}
    shown = await change(home, "GET", f"/v1/keys/{key_id}")
    assert shown["last_used_ip"] == "10.0.0.1"
    # An agent's clock that is a little ahead writes nothing into the future.
    assert shown["last_used_at"] <= (clock.now() + timedelta(seconds=30)).isoformat()


async def test_a_session_runs_no_node(lone: House) -> None:
    assert await status(lone, await lone.log_in(), {"do": "hello"}) == (403, "permission_denied")


async def test_a_forgotten_node_registers_anew_and_forgets_what_it_knew(home: House) -> None:
    token = (await a_key(home))["token"]
    async with beside(home, (await an_agents_key(home))["token"]) as one:
        assert await one.code(token) == Code.VALID
        (before,) = await agents_of(home)
        async with home.app.database.write() as transaction:
            await transaction.nodes.remove(before)
        await one.sidecar.deciding.node.renew()
        assert one.sidecar.deciding.node.cached_keys == 0
        (after,) = await agents_of(home)
        assert after != before
        assert one.sidecar.ready
        await eventually(lambda: one.wire.said.count("since") > 2)
    assert await agents_of(home) == {}
