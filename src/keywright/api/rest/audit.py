"""`/v1/audit`."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from keywright.api.rest import mapping
from keywright.api.rest.models import IdentityOut, Moment, Out, QueryCount, Timestamp
from keywright.api.rest.routes import Door
from keywright.core.listing import DEFAULT_PAGE, MAX_PAGE
from keywright.services import trail
from keywright.services.trail import EntryList, EntryView, ListEntries

_TAG = "Audit"


class ActorOut(Out):
    """Who acted: an identity through a key or a session, or (`system`) Keywright itself."""

    kind: str = Field(description="key, session or system.")
    identity: IdentityOut | None
    key_id: str | None
    session_id: str | None


class TargetOut(Out):
    """What something was done to."""

    type: str
    id: str


class ChangeOut(Out):
    """A field's value before and after."""

    before: Any
    after: Any


class AuditEntryOut(Out):
    """One act, as it stands in the audit trail; it never holds a secret."""

    id: str
    at: Moment
    tenant: str | None = Field(description="The tenant's slug; null: in the trail of the installation.")
    actor: ActorOut
    action: str = Field(description="Such as `key.create`.")
    target: TargetOut
    ip: str | None
    request_id: str | None
    changes: dict[str, ChangeOut] = Field(description="By the field's name.")


class AuditListOut(Out):
    """A page of the audit trail."""

    items: list[AuditEntryOut]
    next_cursor: str | None


class ExportFilters(BaseModel):
    """The query string of an export."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    actor: str | None = Query(None, description="Only what this identity, key or session did, by its id.")
    target: str | None = Query(None, description="Only what was done to this, by its id.")
    action: str | None = Query(
        None, description="Only this action, such as `key.create`; `key.*` stands for all that begin so."
    )
    since: Timestamp | None = Query(None, description="From this moment on.")
    until: Timestamp | None = Query(None, description="Before this moment.")


class AuditFilters(ExportFilters):
    """The query string of a list."""

    limit: QueryCount = Query(
        DEFAULT_PAGE, description="1 to 200.", json_schema_extra={"minimum": 1, "maximum": 200}
    )
    cursor: str | None = Query(None, description="`next_cursor` of the page before, with the same filters.")


def read_list(filters: Annotated[AuditFilters, Query()]) -> ListEntries:
    """A list's question from the query string."""
    return _asked(filters, filters.limit, filters.cursor)


def read_export(filters: Annotated[ExportFilters, Query()]) -> ListEntries:
    """The question for an export's first page from the query string."""
    return _asked(filters, MAX_PAGE, None)


def _asked(filters: ExportFilters, limit: int, cursor: str | None) -> ListEntries:
    return ListEntries(
        actor=filters.actor,
        target=filters.target,
        action=filters.action,
        since=filters.since,
        until=filters.until,
        limit=limit,
        cursor=cursor,
    )


def show(view: EntryView) -> AuditEntryOut:
    """An entry."""
    it = view.entry
    return AuditEntryOut(
        id=it.id,
        at=it.at,
        tenant=None if view.tenant is None else view.tenant.slug,
        actor=ActorOut(
            kind=it.actor.kind.value,
            identity=None if view.identity is None else mapping.identity(view.identity),
            key_id=it.actor.key_id,
            session_id=it.actor.session_id,
        ),
        action=it.action,
        target=TargetOut(type=it.target_type, id=it.target_id),
        ip=it.ip,
        request_id=it.request_id,
        changes={
            name: ChangeOut(before=change.before, after=change.after) for name, change in it.changes.items()
        },
    )


def _list(listed: EntryList) -> AuditListOut:
    return AuditListOut(items=[show(view) for view in listed.items], next_cursor=listed.next_cursor)


def declare(door: Door) -> None:
    """Declare the routes of the audit trail."""
    door.route(
        "GET",
        "/audit",
        trail.list_entries,
        read=read_list,
        show=_list,
        model=AuditListOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.export(
        "/audit/export",
        trail.list_entries,
        name="audit.export",
        summary="All entries that are asked for, the newest first, one JSON object a line.",
        read=read_export,
        line=show,
        refusals=(404,),
        tag=_TAG,
    )
