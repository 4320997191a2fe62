"""The changes of a run: things that are closed and opened again, each with the questions that it decides."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from tests.support.cluster import TENANT, Refused
from tests.support.history import Change
from tests.support.load import let_in, may
from tests.support.wire import Broken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tests.support.cluster import Cluster, Node
    from tests.support.load import Load, Question
    from tests.support.wire import Answer

READ, WRITE = "article:read", "article:write"
ROLE = "reader"
AHEAD_SECONDS = 1.0
"""So far ahead must an expiry lie that it does not lie behind when it arrives."""
SETTLED_SECONDS = 0.05


class Gate:
    """One thing that is closed and opened again. `make` is called once, on any node."""

    kind: ClassVar[str]
    opens: ClassVar[bool] = True
    """Whether what was closed can be opened again; else it is made anew."""
    by_clock: ClassVar[bool] = False
    """Whether it depends on the wall clock of the nodes."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.questions: list[Question] = []

    async def make(self, node: Node) -> None:
        """Make what is needed, and set `questions`. Raises `Broken` or `Refused`."""
        raise NotImplementedError

    async def close(self, node: Node) -> Answer:
        """Revoke. Raises `Broken`."""
        raise NotImplementedError

    async def open(self, node: Node) -> Answer:
        """Undo what `close` did. Raises `Broken`."""
        raise NotImplementedError

    async def closed_by(self, returned: float) -> float:
        """The moment from which it is closed, when the call returned at this one."""
        return returned

    def may(self, gate: str, token: str, action: str) -> list[Question]:
        """Whether the holder of a token may do something.

        Asked by a key of the tenant, which has its answer ahead of all else when it asks again, and by the root key,
        which never has.
        """
        return [may(gate, token, action, caller=self.cluster.caller), may(gate, token, action)]

    async def make_account(self, node: Node, tenant: str = TENANT, role: str = ROLE) -> Any:
        """A new service account with a role."""
        body = {"name": self.name, "memberships": [{"role": role}]}
        return await self.cluster.make(node, "/v1/service-accounts", body, tenant)

    async def make_key(self, node: Node, tenant: str = TENANT, **fields: Any) -> Any:
        """A new key, and its token beside it."""
        return await self.cluster.make(node, "/v1/keys", {"name": self.name, **fields}, tenant)


class _OwnKey(Gate):
    """A key of a service account of its own."""

    async def make(self, node: Node) -> None:
        self.account = await self.make_account(node)
        made = await self.make_key(node, identity_id=self.account["id"])
        self.path = f"/v1/keys/{made['key']['id']}"
        token = made["token"]
        self.questions = [*self.may(self.name, token, READ), let_in(self.name, token)]


class KeySwitch(_OwnKey):
    """A key that is disabled and enabled."""

    kind = "key switch"

    async def close(self, node: Node) -> Answer:
        return await self.cluster.call(node, "PATCH", self.path, {"active": False})

    async def open(self, node: Node) -> Answer:
        return await self.cluster.call(node, "PATCH", self.path, {"active": True})


class KeyDeletion(_OwnKey):
    """A key that is deleted, and made anew."""

    kind = "key deletion"
    opens = False

    async def make(self, node: Node) -> None:
        await super().make(node)
        del self.questions[2:]  # attempts to get in with unknown tokens are held back after a while

    async def close(self, node: Node) -> Answer:
        return await self.cluster.call(node, "DELETE", self.path)


class KeyExpiry(_OwnKey):
    """A key that is to expire in a moment, and then never."""

    kind = "key expiry"
    by_clock = True

    async def close(self, node: Node) -> Answer:
        end = datetime.now(UTC) + timedelta(seconds=AHEAD_SECONDS)
        self._ends = time.monotonic() + (end - datetime.now(UTC)).total_seconds() + SETTLED_SECONDS
        return await self.cluster.call(node, "PATCH", self.path, {"expires_at": end.isoformat()})

    async def closed_by(self, returned: float) -> float:
        await asyncio.sleep(max(0.0, self._ends - time.monotonic()))
        return max(returned, self._ends)

    async def open(self, node: Node) -> Answer:
        return await self.cluster.call(node, "PATCH", self.path, {"expires_at": None})


class KeyScope(_OwnKey):
    """A key whose scope loses an action and gets it back."""

    kind = "key scope"

    async def make(self, node: Node) -> None:
        account = await self.make_account(node)
        made = await self.make_key(node, identity_id=account["id"], scope=[{"actions": [READ, WRITE]}])
        self.path = f"/v1/keys/{made['key']['id']}"
        kept = f"{self.name}, kept"
        self.questions = [
            *self.may(self.name, made["token"], WRITE),
            *self.may(kept, made["token"], READ),
        ]

    async def close(self, node: Node) -> Answer:
        return await self.cluster.call(node, "PATCH", self.path, {"scope": [{"actions": [READ]}]})

    async def open(self, node: Node) -> Answer:
        return await self.cluster.call(node, "PATCH", self.path, {"scope": [{"actions": [READ, WRITE]}]})


class OwnerSwitch(_OwnKey):
    """A service account that is disabled and enabled."""

    kind = "owner switch"

    async def close(self, node: Node) -> Answer:
        return await self._set(node, active=False)

    async def open(self, node: Node) -> Answer:
        return await self._set(node, active=True)

    async def _set(self, node: Node, *, active: bool) -> Answer:
        path = f"/v1/service-accounts/{self.account['id']}"
        return await self.cluster.call(node, "PATCH", path, {"active": active})


class Membership(_OwnKey):
    """A service account that loses its role and is given it again."""

    kind = "membership"

    async def make(self, node: Node) -> None:
        await super().make(node)
        del self.questions[2:]  # a member of nothing is still who it is
        self.membership = self.account["memberships"][0]["id"]

    async def close(self, node: Node) -> Answer:
        return await self.cluster.call(node, "DELETE", f"/v1/memberships/{self.membership}")

    async def open(self, node: Node) -> Answer:
        body = {"identity_id": self.account["id"], "role": ROLE}
        answer = await self.cluster.call(node, "POST", "/v1/memberships", body)
        if answer.status == 201:
            self.membership = answer.json()["id"]
        return answer


class RolePolicies(Gate):
    """A role that loses an action and gets it back."""

    kind = "role"

    async def make(self, node: Node) -> None:
        role = "role-" + "".join(c if c.isalnum() else "-" for c in self.name)
        await self.cluster.make(node, "/v1/roles", {"name": role, **self._policies(READ, WRITE)})
        self.path = f"/v1/roles/{role}"
        account = await self.make_account(node, role=role)
        made = await self.make_key(node, identity_id=account["id"])
        kept = f"{self.name}, kept"
        self.questions = [
            *self.may(self.name, made["token"], WRITE),
            *self.may(kept, made["token"], READ),
        ]

    async def close(self, node: Node) -> Answer:
        return await self.cluster.call(node, "PATCH", self.path, self._policies(READ))

    async def open(self, node: Node) -> Answer:
        return await self.cluster.call(node, "PATCH", self.path, self._policies(READ, WRITE))

    @staticmethod
    def _policies(*actions: str) -> dict[str, Any]:
        return {"policies": [{"actions": actions}]}


class TenantSwitch(Gate):
    """A tenant that is disabled and enabled."""

    kind = "tenant switch"

    async def make(self, node: Node) -> None:
        slug = "".join(c if c.isalnum() else "-" for c in self.name)
        await self.cluster.make(node, "/v1/tenants", {"slug": slug, "name": self.name}, tenant=None)
        account = await self.make_account(node, slug, "member")
        made = await self.make_key(node, slug, identity_id=account["id"])
        self.path = f"/v1/tenants/{slug}"
        token = made["token"]
        self.questions = [may(self.name, token, "keys:own:read", slug), let_in(self.name, token)]

    async def close(self, node: Node) -> Answer:
        return await self.cluster.call(node, "PATCH", self.path, {"active": False}, tenant=None)

    async def open(self, node: Node) -> Answer:
        return await self.cluster.call(node, "PATCH", self.path, {"active": True}, tenant=None)


KINDS: tuple[type[Gate], ...] = (
    KeySwitch,
    KeyDeletion,
    KeyExpiry,
    KeyScope,
    OwnerSwitch,
    Membership,
    RolePolicies,
    TenantSwitch,
)


class Keeper:
    """Closes and opens one gate after the other of a kind, on any node, and notes what it did."""

    def __init__(self, load: Load, kind: type[Gate], number: int) -> None:
        self._load = load
        self._chance = load.chance
        self._kind = kind
        self._number = number
        self._made = 0
        self.closed = 0
        """How many closings have returned."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{self._kind.kind} {self._number}"

    async def keep(self, stop: asyncio.Event) -> None:
        """Go on until told to stop. Ends with nothing that is half done."""
        gate = None
        while not stop.is_set():
            if gate is None:
                gate = await self._new()
            await asyncio.sleep(self._chance.uniform(0.02, 0.4))
            await self._close(gate)
            await asyncio.sleep(self._chance.choice((0.0, 0.02, 0.2)))
            if not gate.opens or not await self._open(gate):
                self._load.remove(gate.questions)
                gate = None

    async def _new(self) -> Gate:
        """A gate that nobody has closed; its name is new each time, so that no older one counts for it."""
        while True:
            self._made += 1
            gate = self._kind(self._load.cluster, f"{self._kind.kind} {self._number}.{self._made}")
            try:
                await gate.make(self._any_node())
            except (Broken, Refused):
                await asyncio.sleep(0.1)
                continue
            self._load.add(gate.questions)
            return gate

    async def _close(self, gate: Gate) -> None:
        """Revoke until that has returned; what may or may not have been done is done again, on any node."""
        while True:
            done = await self._change(gate, gate.close, closes=True)
            if done:
                self.closed += 1
                self._load.probe(gate.questions[:1])
                return
            if done is None:
                await asyncio.sleep(0.1)
                continue
            return

    async def _open(self, gate: Gate) -> bool:
        return bool(await self._change(gate, gate.open, closes=False))

    async def _change(
        self, gate: Gate, change: Callable[[Node], Awaitable[Answer]], *, closes: bool
    ) -> bool | None:
        """Whether the change was made: None where that is not known, False where it was refused."""
        node = self._any_node()
        began = time.monotonic()
        # Noted before it is sent: the checker may look while it is on its way.
        noted = self._load.history.begin(Change(gate.name, closes, began, None, "", node.name))
        try:
            status = (await change(node)).status
        except Broken:
            status = 0
        returned: float | None = None
        # Who repeats a deletion that broke off hears that there is nothing, and may rest on that as well.
        if status in (200, 201, 204) or (closes and status == 404):
            returned = time.monotonic()
            if closes:
                returned = await gate.closed_by(returned)
        what = f"{'close' if closes else 'open'}: {status or 'no answer'}"
        noted(Change(gate.name, closes, began, returned, what, node.name))
        if returned is not None:
            return True
        return None if status in (0, 503) else False

    def _any_node(self) -> Node:
        """A node that runs, seldom a frozen one, which answers when it goes on."""
        nodes: Sequence[Node] = [node for node in self._load.cluster.nodes if node.port is not None]
        awake = [node for node in nodes if not node.frozen]
        if awake and self._chance.random() < 0.95:
            nodes = awake
        return self._chance.choice(nodes or self._load.cluster.nodes)
