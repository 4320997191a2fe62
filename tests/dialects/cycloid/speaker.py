"""Cycloid's calls, as the scenarios of the dialects speak them."""

from __future__ import annotations

from typing import Any

from tests.dialects.cycloid.models import checked, refused
from tests.dialects.speaker import Made, SpeakerBase


class Speaker(SpeakerBase):
    """Speaks as an API key that administers an organization; every answer is held against Cycloid's models."""

    def prepare(self) -> None:
        self.keywright.tenant(self.tenant)
        self.token: str = self.keywright.key(self.tenant, "admin")["token"]
        self.keys = f"{self.keywright.at('cycloid')}/organizations/{self.tenant}/api_keys"

    def _ask(self, method: str, url: str, body: Any = None, token: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.keywright.http.request(method, url, json=body, headers=headers)

    def make(self, label: str) -> Made:
        body = {"name": label, "rules": [{"action": "**", "effect": "allow", "resources": []}]}
        made = checked("APIKey", self._ask("POST", self.keys, body))
        canonical, token = made["canonical"], made["token"]
        listed = self.keywright.rest("GET", f"/v1/keys?handle={canonical}", tenant=self.tenant)
        return Made(canonical, listed["items"][0]["id"], token)

    def accepts(self, token: str) -> bool:
        url = f"{self.keywright.at('cycloid')}/organizations/{self.tenant}/can_do"
        answer = self._ask("POST", url, {"action": "organization:read", "entity_canonicals": []}, token)
        if answer.status_code == 200:
            return bool(checked("CanDo", answer)["ok"])
        refused(answer, 401, "Unauthenticated")
        return False

    def listed(self) -> dict[str, str]:
        found: list[Any] = []
        while True:
            answer = self._ask("GET", f"{self.keys}?page_index={len(found) // 100 + 1}")
            found += checked("[APIKey]", answer)
            if len(found) >= answer.json()["pagination"]["total"]:
                return {one["canonical"]: str(one) for one in found}

    def stop(self, made: Made) -> None:
        assert self.try_to_stop(made)

    def try_to_stop(self, made: Made) -> bool:
        answer = self._ask("DELETE", f"{self.keys}/{made.name}")
        if answer.status_code == 204:
            assert not answer.content
            return True
        refused(answer, 404, "NotFoundEntity")
        return False
