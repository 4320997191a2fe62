"""Who was let in before, by what they show.

Of a credential only a digest is kept: BLAKE2s (RFC 7693), which for so little takes less time than SHA-256.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from keywright.client.guard import Refusal
    from keywright.client.people import Admitted

MAX_KEPT: Final = 8_192
"""Bearers that are kept, of 3 to 8 kB each; the one that was met first goes first."""

Credential: TypeAlias = "tuple[bytes, bool, str | None, str | bytes | None]"
"""All that decides who shows what: the digest of a header, whether that is `X-Api-Key`, the address of the connection,
and those that proxies have written."""


class Bearer(Protocol):
    """Decides about whoever showed a token: a `Bearer` of the verifier, or anything like it."""

    def decide(self, action: str | None, resource: str | None) -> Admitted | Refusal | None:
        """What is told of the answer of `at_once`; None, with nothing counted, where the token has to be shown."""
        ...


class Bearers:
    """A bounded memory of bearers; from many threads."""

    def __init__(self) -> None:
        self._kept: dict[Credential, Bearer] = {}
        self._putting = threading.Lock()
        self.get = self._kept.get

    def keep(self, credential: Credential, bearer: Bearer) -> None:
        """Know a bearer by a credential from now on."""
        with self._putting:
            if len(self._kept) >= MAX_KEPT and credential not in self._kept:
                del self._kept[next(iter(self._kept))]
            self._kept[credential] = bearer
