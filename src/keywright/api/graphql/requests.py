"""GraphQL over HTTP: what stands in a request, and which media type its sender wants the answer in."""

from __future__ import annotations

from typing import Any

import msgspec

from keywright.core.errors import InvalidType, KeywrightError, MalformedRequest, MissingField, UnknownField

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"


class GraphQLRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """The body of a request; `extensions` may be there and has no effect."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None

    def __repr__(self) -> str:
        """Without anything that was sent."""
        return "GraphQLRequest(…)"


_decode = msgspec.json.Decoder(GraphQLRequest).decode


def read(body: bytes) -> GraphQLRequest:
    """The request in a body.

    Raises `MalformedRequest`, `MissingField`, `UnknownField` or `InvalidType`. The content type does not
    matter: nothing here is authenticated by cookies, so a form posted from elsewhere can do no harm.
    """
    try:
        return _decode(body)
    except msgspec.ValidationError as wrong:
        raise _invalid(str(wrong)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedRequest("The body is not valid JSON.") from None


def _invalid(message: str) -> KeywrightError:
    """Msgspec's message names types and places; the name of an unknown field, which may be anything, is left out."""
    if message.startswith("Object contains unknown field"):
        return UnknownField("A request has the fields query, variables, operationName and extensions.")
    if message.startswith("Object missing required field"):
        return MissingField("A request has a query.", field="query")
    _, _, path = message.partition(" - at `$.")
    if not path:
        return InvalidType("A request is a JSON object.")
    return InvalidType("A field has a value of the wrong type.", field=path.rstrip("`"))


def media_type(accept: str | None) -> str:
    """The media type of the answer: that of GraphQL responses where its sender prefers it, else plain JSON.

    Clients of today list both with the same weight, so of two equals the new one is taken.
    """
    ours = _quality(accept, GRAPHQL_RESPONSE)
    plain = _quality(accept, JSON, "application/*", "*/*")
    return GRAPHQL_RESPONSE if ours > 0 and ours >= plain else JSON


def from_browser(accept: str | None) -> bool:
    """Whether a person is looking, who wants a page."""
    return _quality(accept, "text/html") > 0


def _quality(accept: str | None, *names: str) -> float:
    """How much the first of these names that is listed is wanted, 0 to 1 (RFC 9110, section 12.5.1)."""
    listed: dict[str, float] = {}
    for part in (accept or "").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weights = [text[2:].strip() for text in parameters if text.startswith("q=")]
        listed.setdefault(name, _number(weights[0]) if weights else 1.0)
    return next((listed[name] for name in names if name in listed), 0.0)


def _number(text: str) -> float:
    """A quality; what is none counts as not wanted."""
    digits, _, fraction = text.partition(".")
    if digits not in {"0", "1"} or not (fraction == "" or fraction.isdecimal()):
        return 0.0
    return min(float(f"{digits}.{fraction or 0}"), 1.0)
