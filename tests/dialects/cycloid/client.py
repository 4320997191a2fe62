"""Somebody who calls Cycloid's API here, by HTTP or with the very bytes of a request."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.dialects.cycloid.models import checked

if TYPE_CHECKING:
    from tests.support.keywright import Keywright

ADMIN_RULE = {"action": "**", "effect": "allow", "resources": []}
READ_RULE = {"action": "organization:project:read", "effect": "allow"}


@dataclass(frozen=True)
class Cycloid:
    """Calls about one organization with one credential."""

    keywright: Keywright
    organization: str
    token: str | None = field(repr=False)

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Call a path; one that begins with `.` is below the organization."""
        if path.startswith("."):
            path = f"/organizations/{self.organization}{path[1:]}"
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        headers |= more.pop("headers", {})
        url = f"{self.keywright.at('cycloid')}{path}"
        return self.keywright.http.request(method, url, json=body, headers=headers, **more)

    def make(self, name: str, *rules: Any, **more: Any) -> Any:
        """Make a key, and give Cycloid's APIKey with its token."""
        return checked("APIKey", self.ask("POST", "./api_keys", {"name": name, "rules": list(rules), **more}))

    def get(self, canonical: str) -> Any:
        """One key."""
        return checked("APIKey", self.ask("GET", f"./api_keys/{canonical}"))

    def listed(self, query: str = "") -> list[str]:
        """The canonicals of a list."""
        return [one["canonical"] for one in checked("[APIKey]", self.ask("GET", f"./api_keys{query}"))]

    def other(self, token: str | None, organization: str | None = None) -> Cycloid:
        """Somebody else, or the same in another organization."""
        return Cycloid(self.keywright, organization or self.organization, token)


@dataclass(frozen=True)
class Raw:
    """An answer as it stood on the wire, in the shape that the checks of models read."""

    status_code: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


def raw(keywright: Keywright, request: str) -> Raw:
    """Send the bytes of one request, and read the answer to its end."""
    host, _, port = keywright.url.removeprefix("http://").partition(":")
    head, _, body = request.partition("\n\n")
    text = head.replace("\n", "\r\n") + "\r\nConnection: close\r\n\r\n" + body
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(text.encode())
        received = b""
        while part := connection.recv(65_536):
            received += part
    top, _, content = received.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Raw(int(first.split()[1]), headers, content)
