"""What a client wants, from the forms in which it may come: JSON, a form, or the address itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

from keywright.core.errors import MalformedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.web.visit import Visit

_BEARER = re.compile(r"Bearer\s+(\w+)", re.IGNORECASE | re.ASCII)
MAX_FIELDS: Final = 100
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)
_FORM: Final = "application/x-www-form-urlencoded"
_decode = msgspec.json.Decoder().decode


class Unreadable(Exception):
    """A body that is not what it says to be."""


class Incomplete(Exception):
    """A request that lacks something, with the sentence that says so."""


class NoCredential(Exception):
    """A request without an `Authorization` header."""


class WrongCredential(Exception):
    """An `Authorization` header in another form than `Bearer` and a word."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query's text with its variables, and the operation in it that is meant."""

    query: str
    variables: Mapping[str, Any] | None = None
    operation: str | None = None


def token_of(visit: Visit) -> str:
    """The token of a request. Raises `NoCredential` and `WrongCredential`."""
    try:
        header = visit.header(b"authorization")
    except MalformedRequest:
        raise WrongCredential from None
    if header is None:
        raise NoCredential
    found = _BEARER.fullmatch(header.strip())
    if found is None:
        raise WrongCredential
    return found[1]


def question_of(method: str, query_string: bytes, visit: Visit) -> Question:
    """What is asked. Raises `Unreadable` and `Incomplete`."""
    if method in ("GET", "HEAD"):
        given: object = _form(query_string)
    elif method == "POST":
        given = _body(visit)
    else:
        given = None
    query = given.get("query") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(query, str) or not query:
        raise Incomplete("Missing request query")
    operation = given.get("operationName") or None
    if operation is not None and not isinstance(operation, str):
        raise Incomplete("Must provide an operation.")
    return Question(query, _variables(given.get("variables")), operation)


def _body(visit: Visit) -> object:
    kind = (visit.listed(b"content-type") or "").partition(";")[0].strip()
    if _JSON.fullmatch(kind):
        return _json(visit.body) if visit.body.strip() else None
    if kind.lower() == _FORM:
        return _form(visit.body)
    return None


def _json(body: bytes) -> object:
    """An object or a list; a single value is no body, as for the parser that Contember uses."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable from None
    if not isinstance(found, (dict, list)):
        raise Unreadable
    return found


def _form(text: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(text.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Unreadable from None
    return dict(pairs)


def _variables(given: object) -> Mapping[str, Any] | None:
    if isinstance(given, str):
        try:
            given = _decode(given.encode()) if given else None
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            raise Incomplete("Variables are invalid JSON.") from None
    if given is not None and not isinstance(given, dict):
        raise Incomplete("Variables must be provided as an Object.")
    return given
