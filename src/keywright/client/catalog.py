"""The catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.client.calls import Call, S, call
from keywright.client.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.client.values import Json

_PATH = "/v1/catalog"


class Catalog(Resource[S]):
    """The catalog of one tenant."""

    @call
    def get(self) -> Call[Json]:
        """The catalog as it stands: its `document`, `api_roles`, `revision`, `applied_at` and `applied_by`."""
        return Call("GET", _PATH, self._having("document"), retry=True)

    @call
    def diff(self, document: Mapping[str, Any]) -> Call[Json]:
        """What applying a document would change: `changes` from a `revision` on, and who is `narrowed`."""
        return Call("POST", f"{_PATH}/diff", self._having("changes"), body={"document": document}, retry=True)

    @call
    def apply(
        self, document: Mapping[str, Any], *, expected_revision: int | None = None, wait: bool = True
    ) -> Call[Json]:
        """Apply a document, to this revision alone where one is given.

        Gives what `diff` says, the `catalog` as it is then, and the `receipt`.
        """
        body = {"document": document, "expected_revision": expected_revision}
        return Call("PUT", _PATH, self._having("catalog"), query=None if wait else {"wait": False}, body=body)
