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
