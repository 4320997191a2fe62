"""What REST reads before any model sees it: the body as strict JSON, and the query string."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from keywright.core.errors import InvalidValue, MalformedRequest, UnknownField

if TYPE_CHECKING:
    from pydantic import BaseModel
    from starlette.datastructures import QueryParams

MAX_NESTING = 64
"""Levels of arrays and objects in a body: far more than anything here takes, far fewer than would hurt."""


def read_json(body: bytes) -> object:
    """The value of a JSON text in UTF-8, as RFC 8259 has it: a name stands once in an object, NaN is no number.

    Raises `MalformedRequest`.
    """
    if not body:
        raise MalformedRequest("The body is empty; it should be a JSON object.")
    try:
        value: object = json.loads(
            body.decode(), object_pairs_hook=_object, parse_int=_integer, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):  # also for invalid UTF-8, and for numbers of thousands of digits
        raise MalformedRequest("The body is not valid JSON.") from None
    if body.count(b"[") + body.count(b"{") > MAX_NESTING and _deeper(value, MAX_NESTING):
        raise MalformedRequest(f"The body has more than {MAX_NESTING} levels.")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MalformedRequest("A name stands twice in an object of the body.")
    return found


def _integer(text: str) -> int | float:
    """A whole number; one beyond all floating-point numbers is infinite, as it is to most readers of JSON."""
    value = int(text)
    if abs(value) <= sys.float_info.max:
        return value
    return math.inf if value > 0 else -math.inf


def _no_constant(_name: str) -> object:
    raise ValueError


def _deeper(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
    return any(isinstance(one, dict | list) for one in level)


def check_query(query: QueryParams, model: type[BaseModel] | None) -> None:
    """Refuse parameters that the model does not have, and repeated ones that it does not take as a list."""
    fields = {} if model is None else model.model_fields
    names = [name for name, _ in query.multi_items()]
    if not fields.keys() >= set(names):
        # The name was made up by the caller and could be anything, so it is not told.
        raise UnknownField("The request has a query parameter that is not known here.")
    for name, count in Counter(names).items():
        if count > 1 and not isinstance(fields[name].get_default(call_default_factory=True), list):
            raise InvalidValue("This query parameter is there twice.", field=name)
