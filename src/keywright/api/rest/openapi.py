"""The OpenAPI document: FastAPI's for the routes, and the same for the two paths that are plain ASGI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi.openapi.utils import get_openapi

from keywright.api.rest.verify import BatchIn, BatchOut, VerdictOut, VerifyIn

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
_TENANT = {
    "name": "Keywright-Tenant",
    "in": "header",
    "required": False,
    "description": "The tenant's slug, where the credential does not say it.",
    "schema": {"type": "string"},
}
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request under the same key makes one thing within 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_CREATIONS = frozenset({"keys.create", "tenants.create"})


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
            {"name": "Keys", "description": "API keys of one tenant."},
            {"name": "Tenants", "description": "Isolation boundaries."},
            {"name": "Login", "description": "Sessions, and who one is."},
        ],
    )
    components = found.setdefault("components", {})
    components["securitySchemes"] = _SECURITY
    found["security"] = [{"bearer": []}, {"apiKey": []}]
    _drop_fastapi_errors(found)
    for path in found["paths"].values():
        for operation in path.values():
            _headers(operation)
    _add_verify(found)
    return found


def _headers(operation: dict[str, Any]) -> None:
    if operation.get("security") == []:
        return
    parameters = operation.setdefault("parameters", [])
    parameters.append(_TENANT)
    if operation["operationId"] in _CREATIONS:
        parameters.append(_IDEMPOTENCY)


def _drop_fastapi_errors(found: dict[str, Any]) -> None:
    """FastAPI documents its own error shape for 422, which is never sent here."""
    for name in ("HTTPValidationError", "ValidationError"):
        found["components"]["schemas"].pop(name, None)


def _add_verify(found: dict[str, Any]) -> None:
    _, schemas = msgspec.json.schema_components(
        (VerifyIn, VerdictOut, BatchIn, BatchOut), ref_template="#/components/schemas/{name}"
    )
    schemas["BatchIn"]["properties"]["items"] |= {"minItems": 1, "maxItems": 1000}
    found["components"]["schemas"] |= schemas
    found["paths"]["/v1/verify"] = {
        "post": _operation("verify", "Decide about one token.", "VerifyIn", "VerdictOut", found)
    }
    found["paths"]["/v1/verify/batch"] = {
        "post": _operation("verify.batch", "Decide about up to 1,000 tokens.", "BatchIn", "BatchOut", found)
    }


def _operation(name: str, summary: str, takes: str, gives: str, found: dict[str, Any]) -> dict[str, Any]:
    whoami = found["paths"]["/v1/whoami"]["get"]["responses"]
    verdict = {"application/json": {"schema": {"$ref": f"#/components/schemas/{gives}"}}}
    return {
        "operationId": name,
        "tags": ["Decisions"],
        "summary": summary,
        "description": f"{summary} Answers 200 whatever the verdict is.\n\nNeeds the permission `keys:verify`.",
        "x-permission": "keys:verify",
        "parameters": [_TENANT],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{takes}"}}},
        },
        "responses": {
            "200": {"description": "The verdict.", "content": verdict},
            "503": {
                "description": "Nobody can know now: the verdict is `STALE`.",
                "content": verdict | whoami["503"]["content"],
            },
            **{status: whoami[status] for status in ("400", "401", "403", "413", "422")},
            "404": found["paths"]["/v1/keys"]["get"]["responses"]["404"],
        },
    }
