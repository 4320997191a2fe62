"""The scenarios' operations over GraphQL."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType, get_named_type

from keywright.api.graphql.schema import build_schema
from keywright.cli.policies import in_words
from tests.doors.scenarios.door import Door, Made, Refused
from tests.doors.scenarios.rest_door import HTTP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.doors.scenarios.door import Operation

LIMITS = "limits { name limit windowSeconds }"
_POLICY = "scope { actions resources }"
_KEY = f"""
id name description handle prefix hint lastSeven state active createdAt createdBy notBefore expiresAt
lastUsedAt lastUsedIp metadata allowedCidrs {_POLICY} tenant {{ slug }} owner {{ id kind name }}
{LIMITS} credits {{ remaining refill {{ amount every }} refillAt }}
"""
_RECEIPT = "receipt { epoch complete waitedMs effectiveBy nodes { id outcome } }"
_TENANT = "id slug name active createdAt"


class GraphqlDoor(Door):
    def through(self, what: Operation, fields: dict[str, Any]) -> Any:
        return what.graphql(self, fields)

    def call(
        self,
        document: str,
        headers: dict[str, str] | None = None,
        *,
        anonymous: bool = False,
        **variables: Any,
    ) -> Any:
        own = {} if anonymous else {"Authorization": f"Bearer {self.token}"}
        sent = own | (headers or {})
        if self.tenant is not None:
            sent["Keywright-Tenant"] = self.tenant
        if not self.wait:
            variables["input"] = {**variables["input"], "wait": False}
        body = {"query": _asking_for_receipt(document), "variables": variables}
        answer = HTTP.post(f"{self.url}/graphql", json=body, headers=sent).json()
        if answer.get("errors"):
            told = answer["errors"][0]["extensions"]
            raise Refused(told["code"], in_words([told["policy"]]) if "policy" in told else None)
        found = next(iter(answer["data"].values()))
        if isinstance(found, dict) and "receipt" in found:
            receipt = snake(found.pop("receipt"))
            nodes = [{**one, "outcome": one["outcome"].lower()} for one in receipt["nodes"]]
            self.keep_receipt({"receipt": {**receipt, "nodes": nodes}})
        return found

    def create(self, *, idempotency_key: str | None = None, **fields: Any) -> Made:
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        document = f"""mutation ($input: CreateApiKeyInput!) {{
            createApiKey(input: $input) {{ apiKey {{ {_KEY} }} token replayed }}
        }}"""
        if "memberships" in fields:
            fields["memberships"] = [given_role(one) for one in fields["memberships"]]
        made = self.call(document, headers, input=with_uses(camel(fields)))
        return Made(as_key(made["apiKey"]), made["token"], made["replayed"])

    def get(self, key_id: str) -> dict[str, Any]:
        found = self.call(f"query ($id: ID!) {{ apiKey(id: $id) {{ {_KEY} }} }}", id=key_id)
        if found is None:
            raise Refused("not_found")
        return as_key(found)

    def list(self, *, page: int = 200, **filters: Any) -> Sequence[dict[str, Any]]:
        document = f"""query ($first: Int, $after: String, $filter: ApiKeyFilter, $orderBy: ApiKeyOrder) {{
            apiKeys(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {{
                edges {{ cursor node {{ {_KEY} }} }} pageInfo {{ hasNextPage endCursor }}
            }}
        }}"""
        order = {"field": filters.pop("sort", "created_at").upper()}
        if "order" in filters:
            order["direction"] = filters.pop("order").upper()
        found: list[dict[str, Any]] = []
        after = None
        while True:
            answer = self.call(document, first=page, after=after, filter=_filter(filters), orderBy=order)
            found += [as_key(edge["node"]) for edge in answer["edges"]]
            after = answer["pageInfo"]["endCursor"]
            if not answer["pageInfo"]["hasNextPage"]:
                return found

    def update(self, key_id: str, **changes: Any) -> dict[str, Any]:
        document = f"mutation ($input: UpdateApiKeyInput!) {{ updateApiKey(input: $input) {{ apiKey {{ {_KEY} }} }} }}"
        return as_key(self.call(document, input={"id": key_id, **with_uses(camel(changes))})["apiKey"])

    def delete(self, *key_ids: str) -> None:
        document = "mutation ($input: DeleteApiKeysInput!) { deleteApiKeys(input: $input) { deletedIds } }"
        deleted = self.call(document, input={"ids": list(key_ids)})["deletedIds"]
        assert deleted == list(key_ids)

    def verify(self, token: str, **asked: Any) -> dict[str, Any]:
        document = f"""query ($input: VerifyInput!) {{
            verify(input: $input) {{
                valid code keyId name identity {{ id kind name }} tenant {{ slug }} expiresAt metadata {_POLICY}
                roles {{ role variables {{ name values }} }} explanation {{ check detail source }}
                limits {{ level name limit windowSeconds remaining resetSeconds }} creditsLeft
                refusedBy {{ level name }} retryAfterSeconds limitsLocal
            }}
        }}"""
        return as_verdict(self.call(document, input={"token": token, **camel(asked)}))

    def whoami(self) -> dict[str, Any]:
        found = self.call(
            """{ viewer { identity { id kind name } tenant { slug } credential { kind id }
            roles { role variables { name values } } } }"""
        )
        tenant = found["tenant"] and found["tenant"]["slug"]
        return {
            "identity": _lower_kind(found["identity"]),
            "credential": found["credential"]["kind"].lower(),
            "tenant": tenant,
            "roles": [_role(one) for one in found["roles"]],
        }

    def create_tenant(self, slug: str, name: str) -> dict[str, Any]:
        document = f"""mutation ($input: CreateTenantInput!) {{
            createTenant(input: $input) {{ tenant {{ {_TENANT} }} }}
        }}"""
        return snake(self.call(document, input={"slug": slug, "name": name})["tenant"])

    def get_tenant(self, slug: str) -> dict[str, Any]:
        found = self.call(f"query ($slug: String!) {{ tenant(slug: $slug) {{ {_TENANT} }} }}", slug=slug)
        if found is None:
            raise Refused("not_found")
        return snake(found)

    def tenants(self) -> Sequence[str]:
        document = """query ($after: String) {
            tenants(first: 200, after: $after) { nodes { slug } pageInfo { hasNextPage endCursor } }
        }"""
        found: list[str] = []
        after, more = None, True
        while more:
            answer = self.call(document, after=after)
            found += [node["slug"] for node in answer["nodes"]]
            after, more = answer["pageInfo"]["endCursor"], answer["pageInfo"]["hasNextPage"]
        return found


@cache
def _receipted() -> frozenset[str]:
    """The mutations whose payload has a receipt."""
    root = build_schema().mutation_type
    assert root is not None
    payloads = {name: get_named_type(field.type) for name, field in root.fields.items()}
    return frozenset(
        name
        for name, kind in payloads.items()
        if isinstance(kind, GraphQLObjectType) and "receipt" in kind.fields
    )


def _asking_for_receipt(document: str) -> str:
    """The document, which asks for the receipt too where there is one."""

    def with_receipt(found: re.Match[str]) -> str:
        return f"{found[0]} {_RECEIPT} " if found[1] in _receipted() else found[0]

    return re.sub(r"(\w+)\(input: \$input\)\s*\{", with_receipt, document)


def deep_snake(value: Any) -> Any:
    """A value with every field name in the form of REST, however deep it stands."""
    if isinstance(value, dict):
        return {name: deep_snake(one) for name, one in snake(value).items()}
    return [deep_snake(one) for one in value] if isinstance(value, list) else value


def given_role(role: dict[str, Any]) -> dict[str, Any]:
    """A role to be given, as GraphQL takes it."""
    variables = role.get("variables", {}).items()
    return {
        "role": role["role"],
        "variables": [{"name": name, "values": values} for name, values in variables],
    }


def with_uses(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields with limits and credits as GraphQL takes them."""
    found = dict(fields)
    for name in ("limits", "defaultLimits"):
        if found.get(name):
            found[name] = [camel(one) for one in found[name]]
    refill = (found.get("credits") or {}).get("refill")
    if refill is not None:
        found["credits"] = {**found["credits"], "refill": {**refill, "every": refill["every"].upper()}}
    return found


def camel(fields: dict[str, Any]) -> dict[str, Any]:
    return {re.sub("_([a-z])", lambda found: found[1].upper(), name): value for name, value in fields.items()}


def snake(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name): value for name, value in fields.items()
    }


def as_verdict(found: dict[str, Any]) -> dict[str, Any]:
    """A verdict in the shape of REST."""
    verdict = snake(found)
    verdict["tenant"] = verdict["tenant"] and verdict["tenant"]["slug"]
    verdict["identity"] = verdict["identity"] and _lower_kind(verdict["identity"])
    verdict["roles"] = verdict["roles"] and [_role(one) for one in verdict["roles"]]
    if verdict.get("limits") is not None:
        verdict["limits"] = [_lower_level(snake(one)) for one in verdict["limits"]]
    if verdict.get("refused_by") is not None:
        verdict["refused_by"] = _lower_level(verdict["refused_by"])
    return verdict


def _role(found: dict[str, Any]) -> dict[str, Any]:
    return {"role": found["role"], "variables": {one["name"]: one["values"] for one in found["variables"]}}


def as_key(found: dict[str, Any]) -> dict[str, Any]:
    """A key in the shape of REST."""
    key = snake(found)
    owner = key.pop("owner")
    tenant = key["tenant"] and key["tenant"]["slug"]
    identity = owner and _lower_kind(owner)
    for name in ("limits", "credits"):
        if key.get(name) is not None:
            key[name] = deep_snake(key[name])
    refill = (key.get("credits") or {}).get("refill")
    if refill is not None:
        key["credits"]["refill"] = {**refill, "every": refill["every"].lower()}
    return {
        **key,
        "tenant": tenant,
        "state": key["state"].lower(),
        "identity": identity,
        "identity_id": owner["id"],
    }


def _lower_level(limit: dict[str, Any]) -> dict[str, Any]:
    return {**limit, "level": limit["level"].lower()}


def _lower_kind(identity: dict[str, Any]) -> dict[str, Any]:
    return {**identity, "kind": identity["kind"].lower()}


def _filter(filters: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in filters.items():
        if name == "state":
            found["states"] = [one.upper() for one in value]
        elif name.endswith(("_since", "_until")):
            field, _, side = name.rpartition("_")
            found.setdefault(camel({field: 0}).popitem()[0], {})[side] = value
        else:
            found |= camel({name: value})
    return found
