"""Skylark, as its clients speak to it: one URL, and the API key as the whole `Authorization` header."""

from __future__ import annotations

from typing import Any

from tests.dialects.speaker import Made, SpeakerBase

CREATE = """mutation ($api_key: APIKeyInput!) {
    createApiKey(api_key: $api_key) { active api_key created expires name permissions }
}"""
UPDATE = """mutation ($name: String!, $api_key: APIKeyInputUpdate!) {
    updateApiKey(name: $name, api_key: $api_key) { active api_key created expires name permissions }
}"""
DELETE = "mutation ($name: String!) { deleteApiKey(name: $name) }"
LIST = "{ listApiKeys { active api_key created expires name permissions } }"
USER = "{ getUser { account role permissions } }"
PERMISSIONS = (
    "ACCOUNT_SETUP",
    "IGNORE_AVAILABILITY",
    "KEY_MANAGEMENT",
    "READ",
    "SELF_CONFIG",
    "TIME_TRAVEL",
    "WRITE",
)


class Speaker(SpeakerBase):
    """Skylark."""

    def prepare(self) -> None:
        self.keywright.tenant(self.tenant)
        self.token: str = self.keywright.key(self.tenant, "admin")["token"]

    @property
    def url(self) -> str:
        return f"{self.keywright.at('skylark')}/graphql"

    def post(self, body: Any, token: str | None = None, **headers: str) -> Any:
        """Send a body; gives the response."""
        sent = {"Authorization": self.token if token is None else token, **headers}
        return self.keywright.http.post(self.url, json=body, headers=sent)

    def ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        """Send a query; gives the whole answer."""
        return self.post({"query": query, "variables": variables}, token).json()

    def get(self, query: str, token: str | None = None, **variables: Any) -> Any:
        """The value of the only root field of a query that is expected to succeed."""
        answer = self.ask(query, token, **variables)
        assert "errors" not in answer, answer["errors"]
        (value,) = answer["data"].values()
        return value

    def refused(self, query: str, token: str | None = None, **variables: Any) -> tuple[str, str]:
        """The type and the message of the only error of a query that is expected to fail."""
        (error,) = self.ask(query, token, **variables)["errors"]
        return error["errorType"], error["message"]

    def create(self, name: str, *permissions: str, token: str | None = None, **fields: Any) -> Any:
        """A key as it is answered when it is made."""
        return self.get(CREATE, token, api_key={"name": name, "permissions": permissions, **fields})

    def id_of(self, name: str) -> str:
        """Our own id of a key with this name."""
        found = self.keywright.rest("GET", f"/v1/keys?handle={name}", tenant=self.tenant)["items"]
        key_id: str = found[0]["id"]
        return key_id

    def make(self, label: str) -> Made:
        made = self.create(label, *PERMISSIONS)
        return Made(label, self.id_of(label), made["api_key"])

    def accepts(self, token: str) -> bool:
        answer = self.post({"query": USER}, token)
        if answer.status_code == 200:
            assert answer.json()["data"]["getUser"]["account"] == self.tenant
            return True
        assert answer.status_code == 401
        assert answer.json()["data"] is None
        assert answer.json()["errors"][0]["errorType"] == "UnauthorizedException"
        return False

    def listed(self) -> dict[str, str]:
        return {key["name"]: str(key) for key in self.get(LIST)}

    def stop(self, made: Made) -> None:
        assert self.try_to_stop(made)

    def try_to_stop(self, made: Made) -> bool:
        answer = self.ask(DELETE, name=made.name)
        if "errors" in answer:
            assert answer["errors"][0]["errorType"] == "NotFound"
            return False
        return bool(answer["data"]["deleteApiKey"] == made.name)
