"""Prefect's API, as the scenarios of the dialects speak to it."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.dialects.speaker import Made, SpeakerBase


class Speaker(SpeakerBase):
    """Speaks as Prefect's own client does: with variables as a text."""

    def prepare(self) -> None:
        self.tenant_id = str(uuid.UUID(self.keywright.tenant(self.tenant)["id"].partition("_")[2]))
        self.token: str = self.keywright.key(self.tenant, "admin")["token"]

    def ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        body = {"query": query, "variables": json.dumps(variables or None)}
        answer = self.keywright.http.post(f"{self.keywright.at('prefect')}/", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def make(self, label: str) -> Made:
        user_id = self.ask("query { auth_info { user_id } }")["data"]["auth_info"]["user_id"]
        query = "mutation($input: create_api_key_input!) { create_api_key(input: $input) { id key token } }"
        wanted = {"name": label, "user_id": user_id, "expires_at": None}
        made = self.ask(query, input=wanted)["data"]["create_api_key"]
        assert made["key"] == made["token"]
        return Made(made["id"], f"key_{uuid.UUID(made['id']).hex}", made["key"])

    def accepts(self, token: str) -> bool:
        answer = self.ask("query { auth_info { tenant_id } }", token)
        if "errors" not in answer:
            assert answer["data"]["auth_info"]["tenant_id"] == self.tenant_id
            return True
        (error,) = answer["errors"]
        assert error["message"] == "Unauthenticated"
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        return False

    def listed(self) -> dict[str, str]:
        query = """query { auth_api_key(order_by: { created: desc }) { id name created expires_at default_tenant_id
            user_id updated created_by { id username } } }"""
        return {item["id"]: str(item) for item in self.ask(query)["data"]["auth_api_key"]}

    def stop(self, made: Made) -> None:
        assert self.try_to_stop(made)

    def try_to_stop(self, made: Made) -> bool:
        query = "mutation($input: delete_api_key_input!) { delete_api_key(input: $input) { success } }"
        stopped: bool = self.ask(query, input={"key_id": made.name})["data"]["delete_api_key"]["success"]
        return stopped
