"""`/v1/keys`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict

from keywright.api.rest import key_imports, mapping, models
from keywright.api.rest.models import QueryBoolean, QueryCount, Timestamp
from keywright.api.rest.routes import Door
from keywright.api.rest.verify import verdict
from keywright.core.checks import moment
from keywright.core.decision import Decision
from keywright.core.keys import State
from keywright.core.listing import DEFAULT_PAGE, Between, KeyQuery, KeySort
from keywright.services import keys
from keywright.services.keys import KeyChanges, KeyId, KeyIds, KeyQuestion, KeyTransfer, ListKeys
from keywright.web.errors import encode

_TAG = "Keys"
EXPLAIN = "/keys/{id}/explain"
KeyPath = Annotated[str, Path(description="The key's id.", examples=["key_0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"])]
Listed = Literal["active", "disabled", "expired", "not_yet_valid"]


class KeyFilters(BaseModel):
    """The query string of a list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    state: list[Listed] = Query([], description="One or more states; repeat the parameter.")
    identity_id: str | None = Query(None, description="Only keys that speak for this identity.")
    handle: str | None = None
    name_prefix: str | None = Query(None, description="The beginning of the name, whatever its letter case.")
    search: str | None = Query(
        None, description="The beginning of the name, or the whole id, handle or hint. Never a token."
    )
    created_since: Timestamp | None = None
    created_until: Timestamp | None = None
    expires_since: Timestamp | None = None
    expires_until: Timestamp | None = None
    ends: QueryBoolean | None = Query(None, description="False: only keys that never expire.")
    last_used_since: Timestamp | None = None
    last_used_until: Timestamp | None = None
    used: QueryBoolean | None = Query(None, description="False: only keys that were never used.")
    sort: Literal["created_at", "name", "expires_at", "last_used_at"] = "created_at"
    order: Literal["asc", "desc"] | None = Query(
        None, description="Newest first by `created_at`, else upwards."
    )
    limit: QueryCount = Query(
        DEFAULT_PAGE, description="1 to 200.", json_schema_extra={"minimum": 1, "maximum": 200}
    )
    cursor: str | None = Query(
        None, description="`next_cursor` of the page before, with the same sort and order."
    )


def _span(name: str, since: datetime | None, until: datetime | None) -> Between:
    return Between(
        None if since is None else moment(since, f"{name}_since"),
        None if until is None else moment(until, f"{name}_until"),
    )


def read_list(filters: Annotated[KeyFilters, Query()]) -> ListKeys:
    """A list's question from the query string."""
    sort = KeySort(filters.sort)
    descending = sort is KeySort.CREATED_AT if filters.order is None else filters.order == "desc"
    query = KeyQuery(
        states=frozenset(State(one) for one in filters.state),
        identity_id=filters.identity_id,
        handle=filters.handle,
        name_prefix=filters.name_prefix,
        search=filters.search,
        created=_span("created", filters.created_since, filters.created_until),
        expires=_span("expires", filters.expires_since, filters.expires_until),
        ends=filters.ends,
        last_used=_span("last_used", filters.last_used_since, filters.last_used_until),
        used=filters.used,
        sort=sort,
        descending=descending,
        limit=filters.limit,
    )
    return ListKeys(query=query, cursor=filters.cursor)


def read_one(id: KeyPath) -> KeyId:  # noqa: A002 - the name stands in the path
    """One key's id from the path."""
    return KeyId(id)


def read_some(id: KeyPath) -> KeyIds:  # noqa: A002 - the name stands in the path
    """One key's id from the path, to be deleted."""
    return KeyIds((id,))


def read_changes(id: KeyPath, body: models.KeyPatch) -> KeyChanges:  # noqa: A002 - the name stands in the path
    """The changes of a key."""
    return mapping.key_changes(id, body)


def read_transfer(id: KeyPath, body: models.KeyTransferIn) -> KeyTransfer:  # noqa: A002 - the name stands in the path
    """The new owner of a key."""
    return mapping.key_transfer(id, body)


def read_question(id: KeyPath, body: models.KeyQuestionIn) -> KeyQuestion:  # noqa: A002 - the name stands in the path
    """What is asked about a key."""
    return mapping.key_question(id, body)


def _explained(decision: Decision) -> Response:
    """The decision in the form that `/v1/verify` gives it."""
    return Response(encode(verdict(decision)), media_type="application/json")


def _nothing(_result: Sequence[str]) -> None:
    return None


def declare(door: Door) -> None:
    """Declare the routes of keys."""
    door.route(
        "POST",
        "/keys",
        keys.create_key,
        read=mapping.new_key,
        show=mapping.created_key,
        model=models.CreatedKeyOut,
        status=201,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "POST",
        "/keys/import",
        keys.import_keys,
        read=key_imports.read,
        show=key_imports.shown,
        model=key_imports.KeyImportOut,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "GET",
        "/keys",
        keys.list_keys,
        read=read_list,
        show=mapping.key_list,
        model=models.KeyListOut,
        refusals=(404,),
        tag=_TAG,
    )
    _declare_one(door)


def _declare_one(door: Door) -> None:
    path = "/keys/{id}"
    door.route(
        "GET",
        path,
        keys.get_key,
        read=read_one,
        show=mapping.key,
        model=models.KeyOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "PATCH",
        path,
        keys.update_key,
        read=read_changes,
        show=mapping.key,
        model=models.KeyOut,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route("DELETE", path, keys.delete_keys, read=read_some, show=_nothing, refusals=(404,), tag=_TAG)
    door.route(
        "POST",
        f"{path}/transfer",
        keys.transfer_key,
        read=read_transfer,
        show=mapping.transferred_key,
        model=models.KeyTransferOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "POST",
        EXPLAIN,
        keys.explain_key,
        read=read_question,
        show=_explained,
        refusals=(404,),
        tag=_TAG,
    )
