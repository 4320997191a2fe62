"""`/v1/usage` and `/v1/keys/{id}/usage`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from keywright.api.rest import mapping
from keywright.api.rest.keys import KeyPath
from keywright.api.rest.models import Moment, Out, PolicyOut, QueryCount, Timestamp
from keywright.api.rest.routes import Door
from keywright.core.usage import By
from keywright.services import usage
from keywright.services.usage import (
    DEFAULT_TOP,
    MAX_TOP,
    Counts,
    KeyUsage,
    KeyUsageQuestion,
    TenantUsage,
    TenantUsageQuestion,
)

_TAG = "Usage"
_CODES: dict[str, Any] = {"examples": [{"INSUFFICIENT_PERMISSIONS": 2, "VALID": 40}]}


class SpanFilters(BaseModel):
    """The query string of a question about usage."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    since: Timestamp | None = Query(
        None,
        description="From the hour or day of this moment on; a day or 30 days before `until` if left out.",
    )
    until: Timestamp | None = Query(
        None,
        description="Up to the end of the hour or day before this moment, or that it is in; left out: now.",
    )
    by: Literal["hour", "day"] = Query(
        "day", description="Steps of time, of UTC. By hour the span has at most 31 days, by day 366."
    )


class TenantFilters(SpanFilters):
    """The query string of a question about the usage of all keys."""

    top: QueryCount = Query(
        DEFAULT_TOP,
        description="How many of the busiest keys to name.",
        json_schema_extra={"minimum": 0, "maximum": MAX_TOP},
    )


class BucketOut(Out):
    """The decisions of one hour or day."""

    at: Moment = Field(description="The beginning of the hour or day.")
    total: int
    counts: dict[str, int] = Field(description="By the decisions' code.", json_schema_extra=_CODES)


class CountsOut(Out):
    """Decisions in a span of whole hours or days."""

    since: Moment
    until: Moment
    by: Literal["hour", "day"]
    total: int
    totals: dict[str, int] = Field(description="By the decisions' code.", json_schema_extra=_CODES)
    buckets: list[BucketOut] = Field(description="The hours or days that had any, in order.")


class ExercisedOut(Out):
    """An action that the key was allowed."""

    action: str = Field(description="The action; `*` for all those that are not told apart.")
    count: int
    last_at: Moment


class KeyUsageOut(CountsOut):
    """The usage of one key."""

    key_id: str
    name: str
    last_used_at: Moment | None
    last_used_ip: str | None
    exercised: list[ExercisedOut] = Field(
        description="The actions that it was allowed, as far back as they are kept, the most frequent first."
    )
    unexercised: list[PolicyOut] | None = Field(
        description="What of its scope was not needed for these: policies with those action patterns that match "
        "none of them. Null where that cannot be said: the key has no scope, or `*` is among the actions."
    )


class BusyKeyOut(Out):
    """One of the busiest keys."""

    id: str
    name: str | None = Field(description="Null: the key has been deleted.")
    count: int
    valid: int


class TenantUsageOut(CountsOut):
    """The usage of all keys."""

    tenant: str | None = Field(description="The tenant's slug; null: global keys.")
    keys: list[BusyKeyOut] = Field(description="The busiest keys of the span.")


def read_key(id: KeyPath, filters: Annotated[SpanFilters, Query()]) -> KeyUsageQuestion:  # noqa: A002 - as in the path
    """A question about a key."""
    return KeyUsageQuestion(id=id, since=filters.since, until=filters.until, by=By(filters.by))


def read_tenant(filters: Annotated[TenantFilters, Query()]) -> TenantUsageQuestion:
    """A question about all keys."""
    return TenantUsageQuestion(since=filters.since, until=filters.until, by=By(filters.by), top=filters.top)


def _counts(counts: Counts) -> Mapping[str, Any]:
    return {
        "since": counts.since,
        "until": counts.until,
        "by": counts.by.value,
        "total": counts.total,
        "totals": counts.totals,
        "buckets": [
            BucketOut(at=one.at, total=sum(one.counts.values()), counts=dict(one.counts))
            for one in counts.buckets
        ],
    }


def show_key(found: KeyUsage) -> KeyUsageOut:
    """The usage of a key."""
    return KeyUsageOut(
        key_id=found.key.id,
        name=found.key.name,
        last_used_at=found.key.last_used_at,
        last_used_ip=found.key.last_used_ip,
        exercised=[
            ExercisedOut(action=one.action, count=one.count, last_at=one.last_at) for one in found.exercised
        ],
        unexercised=None if found.unexercised is None else mapping.shown_policies(found.unexercised),
        **_counts(found.counts),
    )


def show_tenant(found: TenantUsage) -> TenantUsageOut:
    """The usage of all keys."""
    return TenantUsageOut(
        tenant=None if found.tenant is None else found.tenant.slug,
        keys=[BusyKeyOut(id=one.id, name=one.name, count=one.count, valid=one.valid) for one in found.keys],
        **_counts(found.counts),
    )


def declare(door: Door) -> None:
    """Declare the routes of usage."""
    door.route(
        "GET",
        "/keys/{id}/usage",
        usage.key_usage,
        read=read_key,
        show=show_key,
        model=KeyUsageOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "GET",
        "/usage",
        usage.tenant_usage,
        read=read_tenant,
        show=show_tenant,
        model=TenantUsageOut,
        refusals=(404,),
        tag=_TAG,
    )
