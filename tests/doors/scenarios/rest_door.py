"""The scenarios' operations over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import httpx2

from keywright.cli.policies import in_words
from tests.doors.scenarios.door import Door, Made, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.doors.scenarios.door import Operation

HTTP = httpx2.Client(timeout=30)


class RestDoor(Door):
    def through(self, what: Operation, fields: dict[str, Any]) -> Any:
        return what.rest(self, fields)

    def call(self, method: str, path: str, *, anonymous: bool = False, **more: Any) -> Any:
        """The answer's JSON without a receipt, None where there is nothing else."""
        if not self.wait:
            more["params"] = {**more.get("params", {}), "wait": "false"}
        own = {} if anonymous else {"Authorization": f"Bearer {self.token}"}
        headers = own | more.pop("headers", {})
        if self.tenant is not None:
            headers["Keywright-Tenant"] = self.tenant
        answer = HTTP.request(method, self.url + path, headers=headers, **more)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            policy = answer.json().get("policy")
            raise Refused(answer.json()["code"], policy and in_words([policy]))
        return None if answer.status_code == 204 else self.keep_receipt(answer.json())

    def create(self, *, idempotency_key: str | None = None, **fields: Any) -> Made:
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        made = self.call("POST", "/v1/keys", json=fields, headers=headers)
        return Made(made["key"], made["token"], made["replayed"])

    def get(self, key_id: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self.call("GET", f"/v1/keys/{key_id}"))

    def list(self, *, page: int = 200, **filters: Any) -> Sequence[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            params = {**filters, "limit": page} | ({} if cursor is None else {"cursor": cursor})
            answer = self.call("GET", "/v1/keys", params=params)
            found += answer["items"]
            cursor = answer["next_cursor"]
            if cursor is None:
                return found

    def update(self, key_id: str, **changes: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self.call("PATCH", f"/v1/keys/{key_id}", json=changes))

    def delete(self, *key_ids: str) -> None:
        for key_id in key_ids:
            self.call("DELETE", f"/v1/keys/{key_id}")

    def verify(self, token: str, **asked: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self.call("POST", "/v1/verify", json={"token": token, **asked}))

    def whoami(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.call("GET", "/v1/whoami"))

    def create_tenant(self, slug: str, name: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self.call("POST", "/v1/tenants", json={"slug": slug, "name": name}))

    def get_tenant(self, slug: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self.call("GET", f"/v1/tenants/{slug}"))

    def tenants(self) -> Sequence[str]:
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            params = {"limit": 200} | ({"cursor": cursor} if cursor else {})
            answer = self.call("GET", "/v1/tenants", params=params)
            found += [tenant["slug"] for tenant in answer["items"]]
            cursor = answer["next_cursor"]
        return found
