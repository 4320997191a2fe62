"""What depends on who is quicker, the change or the question, tried one after the other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.changes import FeedEntry
from keywright.core.errors import InvalidValue, KeywrightError, PermissionDenied, Unavailable
from keywright.core.identities import Grant
from keywright.core.roles import ADMIN
from keywright.ops.metrics import Metrics
from keywright.services.access import caller_with
from keywright.services.deciding import Room
from keywright.services.decisions import Judge
from keywright.services.relay import messages as m
from keywright.services.relay.ports import RelayedCredits
from keywright.services.relay.serving import Relay
from keywright.services.relay.sidecar import Sidecar, _Poll
from tests.support.facts import ACME, some_facts

if TYPE_CHECKING:
    from keywright.core.ports import KeyFacts

pytestmark = pytest.mark.anyio


class RefusingLink:
    """A link to a server that finds every message wrong."""

    refused: Any = None

    async def ask(self, _message: object, _answer: object, **_options: float) -> object:
        raise InvalidValue("Not so.")

    def end(self) -> None:
        """See `Link`."""


async def test_a_server_that_refuses_credits_cannot_be_known_to_have_any() -> None:
    relayed = RelayedCredits(RefusingLink())  # type: ignore[arg-type] # as much of a link as is used
    with pytest.raises(Unavailable):
        await relayed.take("key_one", 1, 10, 0)
    with pytest.raises(Unavailable):
        await relayed.left("key_one", 0)


class Feed:
    """A feed in which something changes behind the first look."""

    def __init__(self) -> None:
        self.looks = 0

    async def since(self, epoch: int) -> tuple[int, tuple[FeedEntry, ...]]:
        self.looks += 1
        return (epoch, ()) if self.looks == 1 else (epoch + 1, (FeedEntry(epoch + 1, ("key_one",)),))


@pytest.mark.parametrize("applied", [8, 7], ids=["before the wait", "while it waits"])
async def test_a_change_that_this_server_has_applied_meanwhile_is_told(applied: int) -> None:
    waits = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)
        node.applied = 8

    node = SimpleNamespace(applied=applied, boottime=lambda: 0.0, pause=pause)
    relay = object.__new__(Relay)
    relay._feed = Feed()  # type: ignore[assignment] # as above
    relay._node = node  # type: ignore[assignment] # as above
    relay._serving = lambda: True
    told = await relay._since(m.Since(7, 5.0), None)  # type: ignore[arg-type] # who asks is of no matter
    assert told == m.Changes(8, ((8, (m.hidden("key_one"),)),))
    assert len(waits) == 8 - applied


async def test_a_server_that_stops_while_an_agent_waits_says_so_at_once() -> None:
    async def pause(_seconds: float) -> None:
        serving.clear()

    serving = ["yes"]
    feed = Feed()
    relay = object.__new__(Relay)
    relay._feed = feed  # type: ignore[assignment] # as above
    relay._node = SimpleNamespace(applied=7, boottime=lambda: 0.0, pause=pause)  # type: ignore[assignment] # as above
    relay._serving = lambda: bool(serving)
    with pytest.raises(Unavailable):
        await relay._since(m.Since(7, 5.0), None)  # type: ignore[arg-type] # who asks is of no matter
    assert feed.looks == 1


async def test_an_agent_that_is_told_of_nothing_new_asks_again_without_looking() -> None:
    """The server answers so when the wait is over, and a glance of its own may have found the change before."""
    sidecar = await a_sidecar(None)
    applied = 7
    answers: list[int | KeywrightError] = [7, Unavailable("Away."), 7, 8]
    told: list[str] = []

    async def awaited(epoch: int, _wait: float) -> int:
        assert epoch == applied
        told.append("asked")
        answer = answers.pop(0)
        if isinstance(answer, KeywrightError):
            raise answer
        return answer

    async def pause(_seconds: float) -> None:
        told.append("paused")
        sidecar.ended.set_result(Unavailable("Over."))

    node = SimpleNamespace(applied=applied, pause=pause)
    sidecar.deciding = SimpleNamespace(node=node)  # type: ignore[assignment] # as above
    sidecar._feed = SimpleNamespace(awaited=awaited)  # type: ignore[assignment] # as above
    await _Poll(sidecar, lambda: told.append("hinted"), lambda: None)._run()
    assert told == ["asked"] * 4 + ["hinted", "paused"]


async def a_sidecar(found: KeyFacts | None) -> Sidecar:
    """An agent that has heard of a change of its own key, of which the server tells this then."""

    async def by_digest(_digest: bytes) -> KeyFacts | None:
        return found

    async def leave() -> None:
        raise Unavailable("The server is away.")

    sidecar = Sidecar(RefusingLink(), "kw_own", Metrics(), name="here", room=Room(entries=1, bytes=1))  # type: ignore[arg-type] # as above
    node = SimpleNamespace(
        memory=SimpleNamespace(is_newest=lambda _facts: False), give_up=lambda: None, leave=leave
    )
    sidecar.deciding = SimpleNamespace(node=node)  # type: ignore[assignment] # as above
    sidecar._lookup = SimpleNamespace(by_digest=by_digest)  # type: ignore[assignment] # as above
    sidecar._own = some_facts()
    return sidecar


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "The agent's key was deleted."),
        (some_facts(active=False), "The agent's key is disabled."),
        (some_facts(), "The agent's key needs the permissions nodes:run and keys:verify."),
    ],
    ids=["deleted", "disabled", "without the permission"],
)
async def test_an_agent_ends_before_it_acknowledges_what_became_of_its_key(
    found: KeyFacts | None, reason: str
) -> None:
    sidecar = await a_sidecar(found)
    with pytest.raises(Unavailable):
        await sidecar._vouch()
    assert sidecar.ended.result().detail == reason
    assert sidecar._leaving is not None
    await sidecar._leaving


async def test_whoever_names_no_tenant_and_may_not_verify_everywhere_means_none() -> None:
    """A judge without a database has nowhere to look for one."""
    judge = Judge(SimpleNamespace())  # type: ignore[arg-type] # it is not asked
    for grants in ((), (Grant(ADMIN, ACME.id),)):
        with pytest.raises(PermissionDenied, match="keys:verify"):
            await judge.enter(caller_with(some_facts(tenant=None, grants=grants)), None)
