"""The calls of CloudTower's documents, as they stand there, and a way to send them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keywright.dialects.cloudtower.ids import to_ours

if TYPE_CHECKING:
    from tests.support.keywright import Keywright

CREATE = "mutation createApiKey($name: String!) { createApiKey(data: { name: $name }) { id key roles { id preset }}}"
DELETE = "mutation deleteApiKey($key: String!) { deleteApiKey(where: { key: $key }) { id } }"


def own_id(their_id: str) -> str:
    """Our id of a key that this door names."""
    return to_ours("key", their_id)


@dataclass(frozen=True, slots=True)
class Tower:
    """The dialect of a running server."""

    keywright: Keywright

    def post(self, path: str, body: Any = None, token: str | None = None, **headers: str) -> Any:
        """Send a body (bytes as they are) below the dialect, with a raw token."""
        head = {"Content-Type": "application/json", **headers}
        if token is not None:
            head["Authorization"] = token
        content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        return self.keywright.http.post(self.keywright.at("cloudtower") + path, content=content, headers=head)

    def ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        """Send a query, and give the answer's body."""
        return self.post("/api", {"query": query, "variables": variables}, token).json()

    def asked(self, query: str, token: str, **variables: Any) -> Any:
        """Send a query, and give its data, on the condition that nothing is wrong."""
        answer = self.ask(query, token, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    def rest(self, operation: str, token: str | None = None, **body: Any) -> Any:
        """Call an operation."""
        return self.post(f"/v2/api/{operation}", body, token)

    def login(self, username: str, password: str | None = None, **fields: Any) -> str:
        """Log somebody in, and give the token."""
        from tests.support.keywright import PASSWORD  # noqa: PLC0415 - it needs an installed command

        answer = self.rest("login", username=username, password=password or PASSWORD, **fields)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["data"]["token"]
        return token

    def key(self, token: str, name: str = "A key") -> Any:
        """Make a key, and give what the answer says of it."""
        return self.asked(CREATE, token, name=name)["createApiKey"]
