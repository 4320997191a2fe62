"""The catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.client.resources import Resource, part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.client.values import Json

_PATH = "/v1/catalog"


class Catalog(Resource):
    """The catalog of one tenant."""

    def get(self) -> Json:
        """The catalog as it stands: its `document`, `api_roles`, `revision`, `applied_at` and `applied_by`."""
        answer = self._transport().send("GET", _PATH, retry=True)
        part(answer, "document", self._url)
        return answer

    def diff(self, document: Mapping[str, Any]) -> Json:
        """What applying a document would change: `changes` from a `revision` on, and who is `narrowed`."""
        answer = self._transport().send("POST", f"{_PATH}/diff", body={"document": document}, retry=True)
        part(answer, "changes", self._url)
        return answer

    def apply(
        self, document: Mapping[str, Any], *, expected_revision: int | None = None, wait: bool = True
    ) -> Json:
        """Apply a document, to this revision alone where one is given.

        Gives what `diff` says, the `catalog` as it is then, and the `receipt`.
        """
        body = {"document": document, "expected_revision": expected_revision}
        answer = self._transport().send("PUT", _PATH, query=None if wait else {"wait": False}, body=body)
        part(answer, "catalog", self._url)
        return answer
