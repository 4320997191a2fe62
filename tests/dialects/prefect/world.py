"""Two tenants with people in them, and how Prefect's API is asked about them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

    from tests.support.keywright import Keywright

CREATE_KEY = "mutation($input: create_api_key_input!) { create_api_key(input: $input) { id key token } }"
DELETE_KEY = "mutation($input: delete_api_key_input!) { delete_api_key(input: $input) { success error } }"
CREATE_ACCOUNT = (
    "mutation($input: create_service_account_input!) { create_service_account(input: $input) { id } }"
)
DELETE_ACCOUNT = (
    "mutation($input: delete_service_account_input!) "
    "{ delete_service_account(input: $input) { success error } }"
)
REGISTER = "mutation($input: register_agent_input!) { register_agent(input: $input) { id } }"
QUEUE = "mutation($input: get_runs_in_queue_input!) { get_runs_in_queue(input: $input) { flow_run_ids } }"
AUTH_INFO = "query { auth_info { tenant_id } }"


def wire(our_id: str) -> str:
    """An id of ours as the API has it."""
    return str(uuid.UUID(our_id.partition("_")[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """A person in one tenant, with a key there: the ids as the API has them."""

    user_id: str
    key_id: str
    token: str = field(repr=False)
    tenant_id: str
    our_key_id: str


@dataclass(frozen=True, slots=True)
class World:
    """A tenant with an administrator, a member and somebody who may only read; and another with its administrator."""

    keywright: Keywright
    here: str
    there: str
    admin: Somebody
    member: Somebody
    reader: Somebody
    stranger: Somebody

    def post(self, body: Any, token: str | None = None, path: str = "/", **headers: str) -> httpx2.Response:
        """Send a body, as JSON unless it is bytes; a header's name is written with underscores."""
        sent = {"Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.keywright.http.post(
            f"{self.keywright.at('prefect')}{path}", content=content, headers=sent
        )

    def ask(self, query: str, variables: Any = None, token: str | None = None, **headers: str) -> Any:
        """The whole answer to an operation that is well-formed; as the administrator unless another token is given."""
        body = {"query": query, "variables": json.dumps(variables)}
        answer = self.post(body, token or self.admin.token, **headers)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert found.get("errors") != []
        return found

    def data(self, query: str, variables: Any = None, token: str | None = None, **headers: str) -> Any:
        """The data of an operation that goes well."""
        found = self.ask(query, variables, token, **headers)
        assert "errors" not in found, found
        return found["data"]

    def code(self, query: str, variables: Any = None, token: str | None = None, **headers: str) -> str:
        """The code of the one error of an operation."""
        (error,) = self.ask(query, variables, token, **headers)["errors"]
        assert set(error) == {"path", "message", "extensions"}
        code: str = error["extensions"]["code"]
        return code

    def made(self, name: str = "made", token: str | None = None, **fields: Any) -> Any:
        """A key of whoever asks, or of `user_id`."""
        user_id = self.data("query { auth_info { user_id } }", None, token)["auth_info"]["user_id"]
        wanted = {"name": name, "user_id": user_id, "expires_at": None, **fields}
        return self.data(CREATE_KEY, {"input": wanted}, token)["create_api_key"]

    def works(self, token: str) -> bool:
        """Whether a token is taken."""
        return "errors" not in self.ask(AUTH_INFO, None, token)


def populated(keywright: Keywright) -> World:
    """Make the tenants and everybody in them."""
    here, there = (wire(keywright.tenant(slug)["id"]) for slug in ("here", "there"))

    def somebody(login: str, slug: str, role: str, tenant_id: str) -> Somebody:
        # One of them logs in; the others are made sooner without a password.
        fields = {} if login == "ada" else {"password": None}
        person = keywright.person(login, slug, role, **fields)
        made = keywright.key(slug, identity_id=person["id"])
        key_id = made["key"]["id"]
        return Somebody(
            user_id=wire(person["id"]),
            key_id=wire(key_id),
            token=made["token"],
            tenant_id=tenant_id,
            our_key_id=key_id,
        )

    return World(
        keywright,
        here,
        there,
        somebody("ada", "here", "admin", here),
        somebody("mel", "here", "member", here),
        somebody("rea", "here", "read_only", here),
        somebody("eve", "there", "admin", there),
    )
