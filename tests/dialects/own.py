"""Our own doors, as the scenarios of the dialects speak to them."""

from __future__ import annotations

from typing import Any

from tests.dialects.speaker import Made, SpeakerBase


class Rest(SpeakerBase):
    """REST."""

    def prepare(self) -> None:
        self.keywright.tenant(self.tenant)
        self.token: str = self.keywright.key(self.tenant, "admin")["token"]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        return self.keywright.rest(method, path, body, token=self.token)

    def make(self, label: str) -> Made:
        made = self._call("POST", "/v1/keys", {"name": label})
        return Made(made["key"]["id"], made["key"]["id"], made["token"])

    def accepts(self, token: str) -> bool:
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.keywright.http.get(f"{self.keywright.url}/v1/whoami", headers=headers)
        if answer.status_code == 200:
            return True
        assert answer.status_code == 401
        assert answer.json()["code"] == "unauthenticated"
        return False

    def listed(self) -> dict[str, str]:
        return {item["id"]: str(item) for item in self._call("GET", "/v1/keys")["items"]}

    def stop(self, made: Made) -> None:
        assert self.try_to_stop(made)

    def try_to_stop(self, made: Made) -> bool:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.keywright.http.delete(f"{self.keywright.url}/v1/keys/{made.name}", headers=headers)
        assert answer.status_code in {200, 404}
        return answer.is_success


class GraphQL(SpeakerBase):
    """GraphQL."""

    def prepare(self) -> None:
        self.keywright.tenant(self.tenant)
        self.token: str = self.keywright.key(self.tenant, "admin")["token"]

    def _ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        body = {"query": query, "variables": variables}
        return self.keywright.http.post(f"{self.keywright.url}/graphql", json=body, headers=headers).json()

    def make(self, label: str) -> Made:
        query = (
            "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token apiKey { id } } }"
        )
        made = self._ask(query, input={"name": label})["data"]["createApiKey"]
        return Made(made["apiKey"]["id"], made["apiKey"]["id"], made["token"])

    def accepts(self, token: str) -> bool:
        answer = self._ask("{ viewer { identity { id } } }", token)
        if "errors" not in answer:
            return True
        assert answer["errors"][0]["extensions"]["code"] == "unauthenticated"
        return False

    def listed(self) -> dict[str, str]:
        query = "{ apiKeys(first: 100) { nodes { id name hint lastSeven state metadata } } }"
        return {item["id"]: str(item) for item in self._ask(query)["data"]["apiKeys"]["nodes"]}

    def stop(self, made: Made) -> None:
        assert self.try_to_stop(made)

    def try_to_stop(self, made: Made) -> bool:
        query = "mutation ($input: DeleteApiKeysInput!) { deleteApiKeys(input: $input) { deletedIds } }"
        answer = self._ask(query, input={"ids": [made.name]})
        if "errors" in answer:
            assert answer["errors"][0]["extensions"]["code"] == "not_found"
            return False
        return True
