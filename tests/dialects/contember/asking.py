"""Contember's tenant API as tests call it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

    from tests.support.keywright import Keywright

ERROR = "code developerMessage endUserMessage"
VALIDATED = f"{ERROR} membershipValidation {{ code role variable }}"
MADE = "result { apiKey { id token identity { id description roles } } }"
CREATE = (
    "mutation ($projectSlug: String!, $memberships: [MembershipInput!]!, $description: String!, $tokenHash: String)"
    " { createApiKey(projectSlug: $projectSlug, memberships: $memberships, description: $description,"
    f" tokenHash: $tokenHash) {{ ok error {{ {VALIDATED} }} errors {{ {VALIDATED} }} {MADE} }} }}"
)
CREATE_GLOBAL = (
    "mutation ($description: String!, $roles: [String!], $tokenHash: String)"
    " { createGlobalApiKey(description: $description, roles: $roles, tokenHash: $tokenHash)"
    f" {{ ok error {{ {VALIDATED} }} errors {{ {VALIDATED} }} {MADE} }} }}"
)
DISABLE = (
    f"mutation ($id: String!) {{ disableApiKey(id: $id) {{ ok error {{ {ERROR} }} errors {{ {ERROR} }} }} }}"
)
BLOG = {
    "entities": {"language": [{"id": "cs"}, {"id": "en"}]},
    "roles": {
        "editor": {
            "variables": {"language": {"entity": "language"}},
            "policies": [{"actions": ["article:*"], "resources": ["article:${language}:**"]}],
        },
        "viewer": {"policies": [{"actions": ["article:read"]}]},
    },
}
CS = [{"name": "language", "values": ["cs"]}]


def as_uuid(our_id: str) -> str:
    """An id of ours as the door names it."""
    return str(uuid.UUID(our_id.rpartition("_")[2]))


def as_ours(kind: str, text: str) -> str:
    """What the door names, as our own doors do."""
    return f"{kind}_{uuid.UUID(text).hex}"


@dataclass(frozen=True, slots=True)
class Tenant:
    """The tenant API, called with one token."""

    keywright: Keywright
    token: str | None = field(repr=False)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self.keywright.at('contember')}/tenant"

    def send(self, query: str, variables: Any = None, **headers: str) -> httpx2.Response:
        """Send a query and give the whole answer."""
        known = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        body = {"query": query, "variables": variables or {}}
        return self.keywright.http.post(self.url, json=body, headers={**known, **headers})

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of a query on the condition that nothing went wrong; of a mutation, its only field."""
        answer = self.send(query, variables)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert "errors" not in body, answer.text
        return next(iter(body["data"].values())) if query.startswith("mutation") else body["data"]

    def error(self, query: str, **variables: Any) -> dict[str, Any]:
        """The error of a query whose only field failed; the answer's status is 200 then."""
        answer = self.send(query, variables)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert list(body) == ["errors", "data"]
        assert list(body["data"].values()) == [None]
        (found,) = body["errors"]
        return dict(found)

    def create(self, slug: str, *roles: str, **more: Any) -> Any:
        """The answer to the creation of a key with roles that have no variables."""
        memberships = [{"role": role, "variables": []} for role in roles]
        wanted = {"projectSlug": slug, "memberships": memberships, "description": "A key", **more}
        return self.ask(CREATE, **wanted)

    def key(self, slug: str, *roles: str, **more: Any) -> Any:
        """A new key."""
        made = self.create(slug, *roles, **more)
        assert made["ok"], made
        return made["result"]["apiKey"]

    def me(self) -> Any:
        """Who the token speaks for."""
        return self.ask("{ me { id description roles person { id } apiKey { id } } }")["me"]


def forbidden(error: dict[str, Any], message: str) -> bool:
    """Whether this is the refusal of an operation, in these words."""
    return error["message"] == message and error["extensions"] == {"code": "ForbiddenError"}
