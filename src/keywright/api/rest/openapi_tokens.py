"""`/v1/authorize`, `/v1/introspect` and `/v1/revoke` in the OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from keywright.api.rest.authorize import PATH
from keywright.api.rest.oauth import (
    INTROSPECT,
    REVOKE,
    IntrospectIn,
    IntrospectionOut,
    OAuthError,
    RevokeIn,
)
from keywright.api.rest.routes import REQUEST_ID, RETRY_AFTER, TENANT, problems
from keywright.core.limits import MAX_COST
from keywright.core.permissions import MAX_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE = "#/components/schemas/{name}"
_REFUSAL = {
    "type": "object",
    "description": "A refusal by `/v1/authorize`, with the code of the decision.",
    "properties": {"valid": {"const": False}, "code": {"type": "string"}},
    "required": ["valid", "code"],
}
_PARAMETERS: Mapping[str, Mapping[str, object]] = {
    "tenant": {"type": "string"},
    "action": {"type": "string", "minLength": 1, "maxLength": MAX_NAME},
    "resource": {"type": "string", "minLength": 1, "maxLength": MAX_NAME},
    "cost": {"type": "integer", "minimum": 0, "maximum": MAX_COST, "default": 1},
    "limit_status": {"type": "integer", "enum": [403, 429], "default": 429},
}
_EXAMPLES = {"action": "keys:read", "resource": "key:42", "cost": 1, "limit_status": 403}


def add_gateways(found: dict[str, Any]) -> None:
    """Add the three paths and their schemas to the document."""
    _, schemas = msgspec.json.schema_components(
        (IntrospectIn, IntrospectionOut, RevokeIn, OAuthError), ref_template=_REFERENCE
    )
    for name in (IntrospectIn.__name__, RevokeIn.__name__):
        schemas[name]["properties"]["token"]["minLength"] = 1
        for optional in schemas[name]["properties"].values():
            if "anyOf" in optional:
                optional.clear()
                optional["type"] = "string"
    found["components"]["schemas"] |= schemas | {"AuthorizeRefusal": _REFUSAL}
    found["paths"][PATH] = {"get": _authorize()}
    found["paths"][INTROSPECT] = {"post": _introspect()}
    found["paths"][REVOKE] = {"post": _revoke()}


def _authorize() -> dict[str, Any]:
    summary = "Decide about the request that a gateway holds back."
    refusals = {str(status): one for status, one in problems(400, 401, 422).items()}
    challenge = refusals.pop("401")["headers"]
    content = _json("AuthorizeRefusal")
    return {
        "operationId": "authorize",
        "tags": ["Decisions"],
        "summary": summary,
        "description": f"{summary} Judges the credential of the call itself. docs/gateways.md says how each gateway"
        " tells what the request is, which headers say who it is, and that every method is taken.",
        "x-permission": None,
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": dict(schema)}
            | ({"example": _EXAMPLES[name]} if name in _EXAMPLES else {})
            for name, schema in _PARAMETERS.items()
        ],
        "responses": {
            "204": {"description": "The key may do it; who it is stands in headers.", "headers": REQUEST_ID},
            **refusals,
            "401": {"description": "There is no valid credential.", "headers": challenge, "content": content},
            "403": {"description": "The key may not do this.", "headers": REQUEST_ID, "content": content},
            "429": {
                "description": "A limit or the credits are used up.",
                "headers": REQUEST_ID
                | RETRY_AFTER
                | {"Retry-After": {**RETRY_AFTER["Retry-After"], "required": False}},
                "content": content,
            },
            "503": {
                "description": "Nobody can know now.",
                "headers": REQUEST_ID | RETRY_AFTER,
                "content": content,
            },
        },
    }


def _introspect() -> dict[str, Any]:
    summary = "Say whether a token may be used, as RFC 7662 has it."
    return {
        "operationId": "introspect",
        "tags": ["Decisions"],
        "summary": summary,
        "description": f"{summary} The caller's key may also be the password of HTTP Basic.\n\nNeeds the permission"
        " `keys:verify`.",
        "x-permission": "keys:verify",
        "parameters": [TENANT],
        "requestBody": _form(IntrospectIn, {"token": "kw_…"}),
        "responses": {
            "200": {
                "description": "What is known of the token, or that it is not active.",
                "headers": REQUEST_ID,
                "content": _json(IntrospectionOut.__name__),
            },
            **_refusals(400, 401, 403, 503),
        },
    }


def _revoke() -> dict[str, Any]:
    summary = "Make a token useless for good, as RFC 7009 has it."
    return {
        "operationId": "revoke",
        "tags": ["Decisions"],
        "summary": summary,
        "description": f"{summary} To hold it is enough. Answers 200 for tokens that are not known too, once no node"
        " accepts the token any more.",
        "x-permission": None,
        "security": [],
        "requestBody": _form(RevokeIn, {"token": "kw_…"}),
        "responses": {
            "200": {"description": "The token is good for nothing.", "headers": REQUEST_ID},
            **_refusals(400, 503),
        },
    }


def _form(schema: type, example: dict[str, str]) -> dict[str, Any]:
    media = {"schema": {"$ref": _REFERENCE.format(name=schema.__name__)}, "example": example}
    return {"required": True, "content": {"application/x-www-form-urlencoded": media}}


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(name=name)}}}


def _refusals(*statuses: int) -> dict[str, Any]:
    """Refusals in OAuth's form; what cannot be read at all is refused before, as everywhere."""
    found: dict[str, Any] = {str(status): dict(one) for status, one in problems(*statuses, 413).items()}
    for status in statuses:
        kept = found[str(status)]["content"] if status == 400 else {}
        found[str(status)]["content"] = kept | _json(OAuthError.__name__)
    return found
