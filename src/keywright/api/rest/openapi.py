"""The OpenAPI document: FastAPI's for the routes, and the same for the paths that are plain ASGI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi.openapi.utils import get_openapi

from keywright.api.rest.keys import EXPLAIN
from keywright.api.rest.models import ProblemOut
from keywright.api.rest.openapi_tokens import add_gateways
from keywright.api.rest.routes import REQUEST_ID, RETRY_AFTER, TENANT, problems
from keywright.api.rest.verify import BatchIn, BatchOut, VerdictOut, VerifyIn
from keywright.services.decisions import MAX_BATCH

if TYPE_CHECKING:
    from fastapi import FastAPI

DESCRIPTION = """\
Issue, check, narrow and revoke API keys.

Send an API key or a session token as `Authorization: Bearer …` (or `X-Api-Key`). The tenant follows from the
credential; one that belongs to several names it in the header `Keywright-Tenant`. Creations take an
`Idempotency-Key`. Problems are RFC 9457 problem details; branch on their `code`.
"""

_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or a session token."},
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "The same, in another header.",
    },
}
_QUESTION = {"token": "kw_…", "action": "article:read", "resource": "article:cs:42", "ip": "192.0.2.7"}

_LIMITS: dict[str, Any] = {
    name: {"schema": {"type": kind}, "description": description}
    for name, kind, description in (
        ("RateLimit", "string", "Where the limits of the key that was asked about stand."),
        ("RateLimit-Policy", "string", "These limits."),
        ("Retry-After", "integer", "Seconds until a limit that refused has room again."),
    )
}


def document(app: FastAPI, version: str) -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    found = get_openapi(
        title="Keywright",
        version=version,
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=app.routes,
        tags=[
            {"name": "Decisions", "description": "May the holder of this token do this now?"},
            {"name": "Keys", "description": "API keys of one tenant, or over the whole installation."},
            {"name": "Tenants", "description": "Isolation boundaries."},
            {"name": "Users", "description": "People who can log in."},
            {"name": "Invitations", "description": "Links by which people come in, or set a new password."},
            {"name": "Service accounts", "description": "Identities for programs."},
            {"name": "Roles", "description": "What can be given: policies, with variables in them."},
            {"name": "Memberships", "description": "Who holds which role."},
            {"name": "Agents", "description": "The programs that run with keys and said so."},
            {"name": "Catalog", "description": "A tenant's own vocabulary, applied as a whole."},
            {"name": "Audit", "description": "Who did what, and when."},
            {"name": "Usage", "description": "How often keys were used, and for what."},
            {"name": "Nodes", "description": "The processes that decide from memory."},
            {"name": "Login", "description": "Sessions, and who one is."},
            {"name": "Second factors", "description": "Authenticator apps, recovery codes and passkeys."},
        ],
    )
    components = found.setdefault("components", {})
    components["securitySchemes"] = _SECURITY
    found["security"] = [{"bearer": []}, {"apiKey": []}]
    schemas = components["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)  # FastAPI's own form of a refusal, which is never sent here
    schemas[ProblemOut.__name__] = ProblemOut.model_json_schema(mode="serialization")
    for path in found["paths"].values():
        for operation in path.values():
            operation.setdefault("x-permission", None)  # FastAPI leaves out what is null
            for parameter in operation.get("parameters", ()):
                _drop_null(parameter["schema"])
    _add_verify(found)
    add_gateways(found)
    return found


def _drop_null(schema: dict[str, Any]) -> None:
    """A parameter can be left out, but it cannot be null."""
    for kind in schema.pop("anyOf", ()):
        if kind != {"type": "null"}:
            schema.update(kind)


def _add_verify(found: dict[str, Any]) -> None:
    _, schemas = msgspec.json.schema_components(
        (VerifyIn, VerdictOut, BatchIn, BatchOut), ref_template="#/components/schemas/{name}"
    )
    schemas["VerifyIn"]["anyOf"] = [
        {"required": [name], "properties": {name: {"type": "string"}}} for name in ("token", "token_hash")
    ]
    schemas["BatchIn"]["properties"]["items"] |= {"minItems": 1, "maxItems": MAX_BATCH}
    found["components"]["schemas"] |= schemas
    explained = found["paths"][f"/v1{EXPLAIN}"]["post"]["responses"]["200"]
    explained["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/VerdictOut"}}}
    found["paths"]["/v1/verify"] = {
        "post": _operation("verify", "Decide about one token.", "VerifyIn", "VerdictOut", _QUESTION, _LIMITS)
    }
    found["paths"]["/v1/verify/batch"] = {
        "post": _operation(
            "verify.batch",
            "Decide about up to 1,000 tokens.",
            "BatchIn",
            "BatchOut",
            {"items": [_QUESTION]},
            {},
        )
    }


def _operation(
    name: str,
    summary: str,
    takes: str,
    gives: str,
    example: dict[str, Any],
    headers: dict[str, Any],
) -> dict[str, Any]:
    verdict = {"application/json": {"schema": {"$ref": f"#/components/schemas/{gives}"}}}
    stale = "Nobody can know now: the code is `STALE`, also when the caller itself cannot be known."
    refusals = {str(status): refusal for status, refusal in problems(400, 401, 403, 404, 413, 422).items()}
    return {
        "operationId": name,
        "tags": ["Decisions"],
        "summary": summary,
        "description": f"{summary} Answers 200 whatever the verdict is.\n\nNeeds the permission `keys:verify`.",
        "x-permission": "keys:verify",
        "parameters": [TENANT],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{takes}"},
                    "example": example,
                }
            },
        },
        "responses": {
            "200": {"description": "The verdict.", "headers": REQUEST_ID | headers, "content": verdict},
            **refusals,
            "503": {"description": stale, "headers": REQUEST_ID | RETRY_AFTER, "content": verdict},
        },
    }
