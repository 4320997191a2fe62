"""The making of a key, as a program would ask for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keywright.console.code import Graph, Rest
from keywright.core.instants import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.services.keys import NewKey
    from keywright.services.memberships import RoleInput

_DOCUMENT = """
mutation CreateKey($input: CreateApiKeyInput!) {
  createApiKey(input: $input) {
    apiKey { id name }
    token
  }
}
"""


def code_of_new(ask: Ask, new: NewKey) -> Code:
    """Three ways to ask for the same key."""
    body = _body(new)
    tenant = "*" if ask.place is None else ask.place.named
    return ask.code(
        rest=Rest("POST", "/v1/keys", body),
        graph=Graph(_DOCUMENT, {"input": {"tenant": tenant, **_graph(body)}}),
        cli=_cli(body),
    )


def _body(new: NewKey) -> dict[str, Any]:
    """What REST takes, without what is not said."""
    body: dict[str, Any] = {
        "name": new.name or "Nightly export",
        "description": new.description or None,
        "handle": new.handle,
        "identity_id": new.identity_id,
        "memberships": None if new.memberships is None else [_role(one) for one in new.memberships],
        "template": new.template,
        "scope": None if new.scope is None else [_policy(*one) for one in new.scope],
        "not_before": None if new.not_before is None else rfc3339(new.not_before),
        "expires_at": None if new.expires_at is None else rfc3339(new.expires_at),
        "allowed_cidrs": None if new.allowed_cidrs is None else list(new.allowed_cidrs),
        "metadata": new.metadata,
        "limits": None if new.limits is None else [one._asdict() for one in new.limits],
        "credits": None,
        "prefix": new.prefix,
        "token_hash": new.token_hash,
    }
    if new.credits is not None:
        refill = new.credits.refill
        body["credits"] = {"remaining": new.credits.remaining} | (
            {} if refill is None else {"refill": refill._asdict()}
        )
    return {name: value for name, value in body.items() if value is not None}


def _role(given: RoleInput) -> dict[str, Any]:
    values = {name: list(some) for name, some in given.variables.items()}
    return {"role": given.role} | ({"variables": values} if values else {})


def _policy(actions: tuple[str, ...], resources: tuple[str, ...] | None) -> dict[str, list[str]]:
    return {"actions": list(actions)} | ({} if resources is None else {"resources": list(resources)})


def _graph(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same in the words of GraphQL."""
    given = dict(body)
    if "memberships" in body:
        given["memberships"] = [
            one | {"variables": [{"name": name, "values": some} for name, some in one["variables"].items()]}
            if "variables" in one
            else one
            for one in body["memberships"]
        ]
    if "limits" in body:
        given["limits"] = [_camel(one) for one in body["limits"]]
    if "refill" in body.get("credits", {}):
        refill = body["credits"]["refill"]
        given["credits"] = {**body["credits"], "refill": {**refill, "every": refill["every"].upper()}}
    return _camel(given)


def _camel(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in given.items():
        first, *rest = name.split("_")
        found[first + "".join(part.capitalize() for part in rest)] = value
    return found


def _cli(body: Mapping[str, Any]) -> list[str]:
    words = ["keys", "create"]
    for name, option in _OPTIONS.items():
        if name in body:
            words.append(f"{option}={body[name]}")
    words += [f"--role={_given_role(one)}" for one in body.get("memberships", ())]
    scope = body.get("scope")
    if scope is not None and len(scope) == 1:
        words += [f"--action={one}" for one in scope[0]["actions"]]
        words += [f"--resource={one}" for one in scope[0].get("resources", ())]
    elif scope is not None:
        words.append(f"--scope={_json(scope)}")
    words += [f"--cidr={one}" for one in body.get("allowed_cidrs", ())]
    if "metadata" in body:
        words.append(f"--metadata={_json(body['metadata'])}")
    words += [
        f"--limit={one['name']}={one['limit']}/{one['window_seconds']}s" for one in body.get("limits", ())
    ]
    if body.get("limits") == []:
        words.append("--no-limits")
    if "credits" in body:
        words.append(f"--credits={body['credits']['remaining']}")
        refill = body["credits"].get("refill")
        words += [] if refill is None else [f"--refill={refill['amount']}/{refill['every']}"]
    return [*words, "--", body["name"]] if body["name"].startswith("-") else [*words, body["name"]]


_OPTIONS = {
    "description": "--description",
    "handle": "--handle",
    "identity_id": "--for",
    "template": "--template",
    "not_before": "--not-before",
    "expires_at": "--expires",
    "prefix": "--prefix",
    "token_hash": "--token-hash",
}


def _given_role(given: Mapping[str, Any]) -> str:
    """A role in the short form, or as JSON where a value holds what that form is made of."""
    values = given.get("variables", {})
    if any("," in one for some in values.values() for one in some):
        return _json(given)
    return ":".join([given["role"], *(f"{name}={','.join(some)}" for name, some in values.items())])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
