"""The smallest verifier there can be: it gives the answer that it is told, and notes what it was asked."""

from __future__ import annotations

import threading
from typing import Any

from keywright.client import HeldRole, Identity, Verdict

VALID = Verdict(
    valid=True,
    code="VALID",
    key_id="key_1",
    identity=Identity("idn_1", "user", "Ada"),
    tenant="default",
    roles=(HeldRole("editor", {"language": ("cs",)}),),
)


class Plain:
    """A verifier that is not awaited."""

    def __init__(self, answer: object = VALID) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []
        self.threads: set[str] = set()

    def verify(self, _token: str, **question: Any) -> object:
        self.asked.append(question)
        self.threads.add(threading.current_thread().name)
        return self.answer


class Quick(Plain):
    """One that is awaited, and tells at once what it is told to."""

    def __init__(self, at_once: object = None) -> None:
        super().__init__()
        self.known = at_once
        self.asked_at_once: list[dict[str, Any]] = []

    async def verify(self, token: str, **question: Any) -> object:
        return super().verify(token, **question)

    def at_once(self, _token: str, **question: Any) -> object:
        self.asked_at_once.append({**question, "thread": threading.current_thread().name})
        return self.known
