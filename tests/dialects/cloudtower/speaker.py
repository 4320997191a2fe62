"""CloudTower's calls, as the scenarios of all doors speak to them."""

from __future__ import annotations

from typing import Any

from tests.dialects.cloudtower.calls import CREATE, DELETE, own_id
from tests.dialects.speaker import Made, SpeakerBase
from tests.support.keywright import PASSWORD


class Speaker(SpeakerBase):
    """Somebody who logged in at the one tenant that the door knows, the default one."""

    tenants = 1

    def prepare(self) -> None:
        self.tenant = "default"
        self.keywright.person("cloudtower-speaker", self.tenant)
        answer = self._post("/v2/api/login", {"username": "cloudtower-speaker", "password": PASSWORD})
        self.token: str = answer.json()["data"]["token"]

    def _post(self, path: str, body: Any, token: str | None = None) -> Any:
        headers = {} if token is None else {"Authorization": token}
        return self.keywright.http.post(self.keywright.at("cloudtower") + path, json=body, headers=headers)

    def _ask(self, query: str, **variables: Any) -> Any:
        return self._post("/api/", {"query": query, "variables": variables}, self.token).json()

    def make(self, label: str) -> Made:
        made = self._ask(CREATE, name=label)["data"]["createApiKey"]
        return Made(made["id"], own_id(made["id"]), made["key"])

    def accepts(self, token: str) -> bool:
        answer = self._post("/v2/api/get-vms", {"where": {}}, token)
        if answer.status_code == 200:
            assert answer.json() == []
            return True
        assert answer.status_code == 401
        assert answer.json()["code"] == "Unauthorized"
        assert answer.json()["path"] == "/get-vms"
        return False

    def listed(self) -> dict[str, str]:
        rows = self._ask("{ apiKeys { id key name description username } }")["data"]["apiKeys"]
        return {row["id"]: str(row) for row in rows}

    def stop(self, made: Made) -> None:
        assert self._ask(DELETE, key=made.token)["data"] == {"deleteApiKey": {"id": made.name}}

    def try_to_stop(self, made: Made) -> bool:
        return "errors" not in self._ask(DELETE, key=made.token)
