"""A guard with a verifier: opening and closing it, forks, and what is not let in when something is wrong."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

import pytest

import keywright
from keywright.client import AsyncClient, Client, Unauthenticated, Verdict
from keywright.client.guard import Question, Rule
from keywright.client.protection import Protection, Refused
from tests.middleware.plain import VALID, Plain, Quick
from tests.unit.client.scripted import Answer, problem, scripted

if TYPE_CHECKING:
    from tests.middleware.apps import Place

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("middleware")]
HEADERS = {"x-api-key": "kw_x"}


class Living:
    """A verifier that is awaited, and notes in which thread it lives."""

    def __init__(self, fails: int = 0) -> None:
        self.entered = self.left = 0
        self.threads: set[str] = set()
        self._fails = fails

    async def __aenter__(self) -> Self:
        if self._fails:
            self._fails -= 1
            raise OSError("The database is away.")
        self.entered += 1
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.left += 1

    async def verify(self, _token: str, **_question: Any) -> Verdict:
        await asyncio.sleep(0)
        self.threads.add(threading.current_thread().name)
        return VALID


def now(protection: Protection, rule: Rule | None = None) -> Verdict:
    question = protection.question(rule or Rule(), HEADERS.get, "192.0.2.1", {}, None)
    return protection.at_once(question) or protection.waited_for(question)


async def later(protection: Protection, rule: Rule | None = None) -> Verdict:
    return await protection.admit(rule or Rule(), HEADERS.get, "192.0.2.1", {}, None)


def test_what_is_awaited_lives_in_one_thread_from_the_first_use() -> None:
    living = Living()
    protection = Protection(living)
    assert living.entered == 0
    threads = [threading.Thread(target=now, args=(protection,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (living.entered, living.left, living.threads) == (1, 0, {"keywright"})
    protection.close()
    protection.close()
    assert living.left == 1
    assert not any(thread.name == "keywright" for thread in threading.enumerate())
    assert now(protection) is VALID
    assert living.entered == 2
    protection.close()


async def test_what_can_be_told_at_once_is_not_waited_for() -> None:
    quick = Quick(VALID)
    protection = Protection(quick)
    async with protection.lifespan():
        assert await later(protection, Rule("a:b", "c", cost=2)) is VALID
    # The first question opens the verifier, and is asked where it lives.
    assert now(protection) is VALID
    assert len(quick.asked) == 1
    assert now(protection, Rule("d:e")) is VALID
    here = threading.current_thread().name
    assert quick.asked_at_once == [
        {"action": "a:b", "resource": "c", "ip": "192.0.2.1", "cost": 2, "thread": here},
        {"action": "d:e", "resource": None, "ip": "192.0.2.1", "thread": here},
    ]
    assert len(quick.asked) == 1
    protection.close()
    assert protection.at_once(Question("kw_x")) is None


async def test_what_cannot_be_told_at_once_is_asked_as_ever_and_a_refusal_is_one() -> None:
    quick = Quick()
    protection = Protection(quick)
    async with protection.lifespan():
        assert await later(protection) is VALID
        quick.known = Verdict(valid=False, code="DISABLED")
        with pytest.raises(Refused):
            await later(protection)
        quick.known = True
        with pytest.raises(TypeError):
            await later(protection)
    quick.known = None
    assert [now(protection), now(protection)] == [VALID, VALID]
    assert quick.threads == {threading.current_thread().name, "keywright"}
    assert len(quick.asked) == 3
    protection.close()


def test_one_that_cannot_be_opened_lets_nobody_in_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    living = Living(fails=1)
    protection = Protection(living)
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            now(protection)
        assert (refused.value.refusal.status, refused.value.refusal.headers) == (503, {"Retry-After": "1"})
    assert caplog.text.count("cannot be opened") == 1
    monkeypatch.setattr(protection, "_not_before", 0.0)
    assert now(protection) is VALID
    protection.close()


async def test_async_applications_open_it_for_as_long_as_they_run() -> None:
    made: list[Living] = []

    def make() -> Living:
        made.append(Living())
        return made[-1]

    protection = Protection(make)
    for _ in range(2):
        async with protection.lifespan(object()):
            assert await later(protection) is VALID
            assert made[-1].entered == 1
        assert made[-1].left == 1
    assert len(made) == 2
    assert made[0].threads == {threading.current_thread().name}


async def test_one_that_nobody_opened_lets_nobody_in() -> None:
    protection = Protection(Living)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="lifespan"):
            await later(protection)
    async with protection.lifespan():
        assert await later(protection) is VALID
    # Who opens it alone may give it alone.
    assert await later(Protection(Living())) is VALID


async def test_what_is_not_awaited_does_not_hold_up_the_loop() -> None:
    plain = Plain()
    protection = Protection(plain)
    async with protection.lifespan():
        assert await later(protection, Rule("a:b", "c", cost=2)) is VALID
    assert threading.current_thread().name not in plain.threads
    assert now(protection) is VALID
    assert plain.asked == [
        {"action": "a:b", "resource": "c", "ip": "192.0.2.1", "cost": 2},
        {"action": None, "resource": None, "ip": "192.0.2.1"},
    ]
    protection.close()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(hang_up=True), 503),
        (problem(503, "unavailable"), 503),
        (Answer(200, "<html>"), 503),
        (Answer(200, {"valid": True}), 503),
        (problem(429, "too_many_attempts"), 503),
        (Answer(503, {"valid": False, "code": "STALE"}), 503),
        (Answer(200, {"valid": False, "code": "EXPIRED"}), 401),
    ],
    ids=["hangs-up", "unavailable", "other", "no-verdict", "limited", "stale", "expired"],
)
async def test_a_server_that_does_not_know_lets_nobody_in(
    answer: Answer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with scripted(answer) as server:
        for client in (Client(server.url, "kw_mine", tries=1), AsyncClient(server.url, "kw_mine", tries=1)):
            protection = Protection(client)
            async with protection.lifespan():
                with pytest.raises(Refused) as refused:
                    await later(protection)
                assert refused.value.refusal.status == status
        with Client(server.url, "kw_mine", tries=1) as client, pytest.raises(Refused):
            now(Protection(client))
    assert "kw_" not in caplog.text


async def test_nobody_there_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with Client(url, "kw_mine", tries=1) as client, pytest.raises(Refused):
        now(Protection(client))
    assert "a key cannot be checked: Cannot reach" in caplog.text


async def test_a_key_of_the_applications_own_that_is_refused_is_its_own_mistake() -> None:
    with (
        scripted(problem(401, "unauthenticated")) as server,
        Client(server.url, "kw_mine") as client,
        pytest.raises(Unauthenticated),
    ):
        now(Protection(client))


async def test_an_answer_that_is_no_verdict_lets_nobody_in() -> None:
    for answer in (True, {"valid": "yes", "code": "VALID"}):
        with pytest.raises((TypeError, Refused)):
            await later(Protection(Plain(answer)))


FORKED = """
import os, sys, time
import keywright
from keywright.client.guard import Rule
from keywright.client.protection import Protection
from keywright.client.wsgi import admit

url, token, shared = sys.argv[1:]
make = lambda: keywright.Verifier(url, tenant="default", name=f"process-{os.getpid()}")
protection = Protection(make() if shared == "shared" else make)
ask = lambda: admit(protection, Rule(), {"HTTP_X_API_KEY": token}, {}, None).verdict.valid
assert ask()
child = os.fork()
if child == 0:
    try:
        assert ask() and ask()
    except RuntimeError as error:
        print(error, flush=True)
        os._exit(3)
    sys.exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert ask()
print("asked in", os.getpid(), child, flush=True)
sys.exit(status)
"""


@pytest.mark.parametrize(("kind", "status"), [("made", 0), ("shared", 3)], ids=["made", "shared"])
def test_a_process_that_is_forked_off_has_a_verifier_of_its_own(place: Place, kind: str, status: int) -> None:
    """And each leaves the list of nodes when its process ends."""
    token = place.keywright.key("default", memberships=[{"role": "admin"}])["token"]
    # Python warns of every fork beside threads.
    quiet = ("-W", "error", "-W", "ignore:This process:DeprecationWarning")
    argv = [sys.executable, *quiet, "-c", FORKED, f"sqlite:///{place.database}", token, kind]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    if kind == "shared":
        assert "Give a function that makes one" in done.stdout
    names = {node["name"] for node in place.keywright.rest("GET", "/v1/nodes")["items"]}
    assert not any(name.startswith("process-") for name in names), (names, done.stderr)


async def test_the_verifier_and_the_clients_are_what_a_guard_takes(place: Place) -> None:
    token = place.keywright.key("default", memberships=[{"role": "admin"}])["token"]
    headers = {"x-api-key": token}
    for made in (
        keywright.Verifier(f"sqlite:///{place.database}", tenant="default"),
        AsyncClient(place.keywright.url, place.asker),
        Client(place.keywright.url, place.asker),
    ):
        protection = Protection(made)
        async with protection.lifespan():
            verdict = await protection.admit(Rule("article:read"), headers.get, None, {}, None)
        assert (verdict.valid, verdict.tenant) == (True, "default")
