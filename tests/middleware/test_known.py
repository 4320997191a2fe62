"""Who was let in before is known by what they show, and by nothing less; and nothing of it can be read back."""

from __future__ import annotations

import gc
from asyncio import AbstractEventLoop
from contextvars import Context
from threading import Thread
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from keywright.client import bearers
from keywright.client.asgi import KeyRequired, Protection
from keywright.client.wsgi import KeyRequired as WsgiKeyRequired
from keywright.core.decision import Code, Decision
from tests.middleware.plain import Quick
from tests.support.facts import ACME, some_facts

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio
TOKEN = "kw_" + "abcdefgh" * 5
SHOWN = ("Authorization", f"Bearer {TOKEN}")
HERE = "192.0.2.1"
SHARED = (type, ModuleType, FunctionType, AbstractEventLoop, Thread, Context)


def decided(code: Code, action: str | None) -> Decision:
    return Decision(code, some_facts(), ACME, action=action)


class Someone:
    """Whoever shows a token, and what is asked about them."""

    def __init__(self, told: Callable[[Decision], Any], code: Code) -> None:
        self.told = told
        self.code: Code | None = code
        self.asked: list[tuple[str | None, str | None]] = []

    def decide(self, action: str | None, resource: str | None) -> Any:
        self.asked.append((action, resource))
        return None if self.code is None else self.told(decided(self.code, action))


class Familiar(Quick):
    """A verifier that knows everybody, each of whom may do everything."""

    def __init__(self) -> None:
        super().__init__(decided(Code.VALID, "article:read"))
        self.answer = self.known
        self.met: list[tuple[str | None, Someone]] = []
        self.knows = True

    def at_once(self, token: str, **question: Any) -> object:
        found = super().at_once(token, **question)
        return found if token == TOKEN else Decision(Code.NOT_FOUND)

    def bearer(self, token: str, *, ip: str | None, told: Callable[[Decision], Any]) -> Someone | None:
        assert token == TOKEN
        if not self.knows:
            return None
        self.met.append((ip, Someone(told, Code.VALID)))
        return self.met[-1][1]


class Door:
    """An application for keys that may read an article, and what its guard was asked."""

    def __init__(self, **options: Any) -> None:
        self.familiar = Familiar()
        self.protection = Protection(self.familiar, **options)
        self.seen: list[Any] = []

    async def ask(self, *headers: tuple[str, str], peer: str | None = HERE, article: str = "42") -> int:
        """The status of the answer to a request."""
        raise NotImplementedError

    def close(self) -> None:
        """The end."""
        self.protection.close()

    @property
    def looked(self) -> int:
        """How often the verifier was shown a token."""
        return len(self.familiar.asked_at_once)


class Asgi(Door):
    """As ASGI has it."""

    async def ask(self, *headers: tuple[str, str], peer: str | None = HERE, article: str = "42") -> int:
        status: list[int] = []

        async def hello(scope: Any, _receive: Any, send: Any) -> None:
            self.seen.append((scope["state"]["keywright"], scope["user"], scope["auth"]))
            await send({"type": "http.response.start", "status": 200})

        async def send(message: Any) -> None:
            if "status" in message:
                status.append(message["status"])

        scope = {
            "type": "http",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
            "client": None if peer is None else (peer, 1),
            "path_params": {"id": article},
        }
        app = KeyRequired(hello, self.protection, action="article:read", resource="article:{id}")
        await app(scope, None, send)
        return status[0]


class Wsgi(Door):
    """As WSGI has it, where headers that stand there twice are one."""

    async def ask(self, *headers: tuple[str, str], peer: str | None = HERE, article: str = "42") -> int:
        status: list[int] = []
        environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "wsgiorg.routing_args": ((), {"id": article})}
        if peer is not None:
            environ["REMOTE_ADDR"] = peer
        for name, value in headers:
            name = f"HTTP_{name.upper().replace('-', '_')}"  # noqa: PLW2901 - what WSGI calls it
            environ[name] = f"{environ[name]},{value}" if name in environ else value

        def hello(environ: Any, start: Any) -> list[bytes]:
            self.seen.append((environ["keywright"],))
            start("200 OK", [])
            return []

        app = WsgiKeyRequired(hello, self.protection, action="article:read", resource="article:{id}")
        app(environ, lambda line, _headers, _error=None: status.append(int(line[:3])))  # type: ignore[arg-type,return-value] # nothing is written
        return status[0]


@pytest.fixture(params=[Asgi, Wsgi], ids=["asgi", "wsgi"])
def kind(request: pytest.FixtureRequest) -> type[Door]:
    found: type[Door] = request.param
    return found


async def met(door: Door, *headers: tuple[str, str], **more: Any) -> Someone:
    """Have somebody let in so often that they are known."""
    for _ in range(3):
        assert await door.ask(*(headers or (SHOWN,)), **more) == 200
    return door.familiar.met[-1][1]


async def test_whoever_was_let_in_is_asked_about_and_need_not_be_found_again(kind: type[Door]) -> None:
    door = kind()
    someone = await met(door)
    looked = door.looked
    assert await door.ask(SHOWN, article="43") == 200
    assert door.looked == looked
    assert someone.asked[-1] == ("article:read", "article:43")
    assert [ip for ip, _ in door.familiar.met] == [HERE]
    verdicts = [found[0] for found in door.seen]
    assert {verdict.key_id for verdict in verdicts} == {"key_one"}
    for verdict, user, auth in door.seen if kind is Asgi else ():
        assert (user.verdict, auth.scopes) == (verdict, ["authenticated", "article:read"])
    door.close()


async def test_a_refusal_of_somebody_known_is_one_and_who_is_known_no_longer_is_found_again(
    kind: type[Door],
) -> None:
    door = kind()
    someone = await met(door)
    looked = door.looked
    someone.code = Code.INSUFFICIENT_PERMISSIONS
    assert await door.ask(SHOWN) == 403
    someone.code = Code.DISABLED
    assert await door.ask(SHOWN) == 401
    assert door.looked == looked
    someone.code = None
    assert await door.ask(SHOWN) == 200
    assert door.looked == looked + 1
    assert await met(door) is not someone
    door.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 401),
        ([("X-Api-Key", SHOWN[1])], 400),
        ([("Authorization", TOKEN)], 401),
        ([SHOWN, ("X-Api-Key", TOKEN)], 400),
        ([SHOWN, ("X-Api-Key", "")], 400),
        ([SHOWN, SHOWN], 400),
        ([("X-Api-Key", TOKEN), ("X-Api-Key", TOKEN)], None),
        ([("Authorization", f"Bearer  {TOKEN} ")], 200),
        ([("X-Api-Key", TOKEN)], 200),
    ],
    ids=[
        "nothing",
        "other-header",
        "no-scheme",
        "both",
        "both-one-empty",
        "twice",
        "key-twice",
        "spaces",
        "as-key",
    ],
)
async def test_nobody_is_known_by_anything_else(
    kind: type[Door], headers: list[tuple[str, str]], status: int | None
) -> None:
    door = kind()
    someone = await met(door)
    asked = len(someone.asked)
    # WSGI servers join two keys to one, which nobody has.
    assert await door.ask(*headers) == (status or (400 if kind is Asgi else 401))
    assert len(someone.asked) == asked
    door.close()


async def test_headers_that_stand_there_twice_and_are_not_read_change_nothing(kind: type[Door]) -> None:
    door = kind()
    someone = await met(door)
    asked = len(someone.asked)
    assert await door.ask(("Accept", "a/b"), SHOWN, ("Accept", "c/d")) == 200
    assert len(someone.asked) == asked + 1
    door.close()


async def test_somebody_at_another_address_is_somebody_else(kind: type[Door]) -> None:
    door = kind()
    await met(door)
    await met(door, peer="192.0.2.2")
    await met(door, peer=None)
    assert [ip for ip, _ in door.familiar.met] == [HERE, "192.0.2.2", None]
    # Nobody asked to be told of addresses by others.
    forged = ("X-Forwarded-For", "203.0.113.9")
    assert await door.ask(SHOWN, forged) == 200
    assert len(door.familiar.met) == 3
    door.close()


async def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_wrote(kind: type[Door]) -> None:
    door = kind(trusted_proxies=["192.0.2.0/24"])
    for client in ("203.0.113.9", "203.0.113.10"):
        await met(door, SHOWN, ("X-Forwarded-For", client))
    await met(door)
    assert [ip for ip, _ in door.familiar.met] == ["203.0.113.9", "203.0.113.10", HERE]
    looked = door.looked
    assert await door.ask(SHOWN, ("X-Forwarded-For", "203.0.113.9")) == 200
    assert door.looked == looked
    # What two of them say together is not what one has said.
    chain = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-For", "203.0.113.10")]
    assert await door.ask(SHOWN, *chain) == 200
    assert door.looked == looked + 1
    door.close()


async def test_what_no_policy_can_allow_is_refused_to_whoever_is_known_too(kind: type[Door]) -> None:
    door = kind()
    someone = await met(door)
    asked = len(someone.asked)
    assert [await door.ask(SHOWN, article=forged) for forged in ("cs:42", "*", "a b", "")] == [403] * 4
    assert len(someone.asked) == asked
    door.close()


async def test_where_the_key_is_taken_from_elsewhere_nobody_is_known_by_headers(kind: type[Door]) -> None:
    door = kind(key_from=lambda _request: TOKEN)
    for _ in range(3):
        assert await door.ask(SHOWN) == 200
    assert door.familiar.met == []
    door.close()


async def test_whom_the_verifier_does_not_know_is_found_each_time(kind: type[Door]) -> None:
    door = kind()
    door.familiar.knows = False
    for _ in range(4):
        assert await door.ask(SHOWN) == 200
    assert door.looked >= 3
    door.close()


async def test_so_many_are_known_and_the_first_is_forgotten_first(
    kind: type[Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearers, "MAX_KEPT", 2)
    door = kind()
    people = {peer: await met(door, peer=peer) for peer in ("192.0.2.1", "192.0.2.2", "192.0.2.3")}
    for peer in ("192.0.2.3", "192.0.2.2"):
        await door.ask(SHOWN, peer=peer)
    assert len(door.familiar.met) == 3
    await door.ask(SHOWN, peer="192.0.2.1")
    assert len(door.familiar.met) == 4
    assert len(people) == 3
    door.close()


async def test_no_token_is_kept(kind: type[Door]) -> None:
    """Nothing that can be reached from the guard, without what the whole process shares, contains it."""
    door = kind()
    await met(door)
    seen, waiting = set[int](), [door.protection]
    while waiting:
        one: Any = waiting.pop()
        if id(one) in seen or isinstance(one, SHARED):
            continue
        seen.add(id(one))
        if isinstance(one, str | bytes):
            assert TOKEN not in (one if isinstance(one, str) else one.decode("latin-1"))
        waiting.extend(gc.get_referents(one))
    assert id(door.familiar.met[-1][1]) in seen
    door.close()
