"""`/v1/sessions`, `/v1/password` and `/v1/whoami`: logging in, looking after one's logins, and who one is."""

from typing import Annotated, Any, Literal, cast

from fastapi import Path, Query, Request
from msgspec import UNSET
from pydantic import Field

from keywright.api.rest import mapping, models
from keywright.api.rest.models import In, Moment, Out
from keywright.api.rest.reading import check_query
from keywright.api.rest.routes import REQUEST_ID, Door, problems
from keywright.api.rest.users import UserPath
from keywright.core.sessions import Session
from keywright.services import factors, sessions, whoami
from keywright.services.factors import Factor, PasskeyOptions
from keywright.services.sessions import (
    Confirmation,
    ListSessions,
    PasswordChange,
    SessionFor,
    SessionId,
    SessionList,
    SessionView,
)
from keywright.web.visit import visit_of

_TAG = "Login"
_SECRET: dict[str, Any] = {"format": "password"}
Credential = dict[str, Any]
"""`PublicKeyCredential.toJSON()`: what a browser got from a device."""
CREDENTIAL: dict[str, Any] = {"examples": [{"id": "…", "rawId": "…", "type": "public-key", "response": {}}]}
Proof = Literal["password", "totp", "recovery_code", "passkey", "sign_on", "sign_on_mfa", "delegated"]


class FactorIn(In):
    """A second factor: at most one of these."""

    code: str | None = Field(
        None, max_length=64, description="What an authenticator app shows now.", examples=["123456"]
    )
    recovery_code: str | None = Field(
        None,
        max_length=64,
        description="One of the codes for when the device is lost; it is good once.",
        json_schema_extra=_SECRET,
    )
    passkey: Credential | None = Field(
        None,
        description="What a device answered to the options of `/v1/sessions/passkey-options`.",
        json_schema_extra=CREDENTIAL,
    )

    def factor(self) -> Factor | None:
        """The factor that was given."""
        return factors.chosen(self.code, self.recovery_code, self.passkey)


class LoginIn(FactorIn):
    """A login by name and password, with a second factor where the person has one; or by a passkey alone."""

    login: str | None = Field(
        None, max_length=255, description="A user name or an e-mail address.", examples=["admin"]
    )
    password: str | None = Field(None, max_length=1024, json_schema_extra=_SECRET)


class ConfirmationIn(FactorIn):
    """What is shown to confirm a login: as at the login itself, without the name."""

    password: str | None = Field(None, max_length=1024, json_schema_extra=_SECRET)


class PasswordIn(In):
    """The password that somebody has, and the one they want."""

    old_password: str = Field(max_length=1024, json_schema_extra=_SECRET)
    new_password: str = Field(json_schema_extra=_SECRET | {"minLength": 10, "maxLength": 1024})


class SessionForIn(In):
    """How long somebody's session is to live; a field left out is as in the settings, and null is without end."""

    idle_seconds: int | None = Field(
        None, description="It ends after this long without use.", json_schema_extra={"minimum": 1}
    )
    longest_seconds: int | None = Field(
        None, description="It ends after this long in any case.", json_schema_extra={"minimum": 1}
    )


class PasskeyOptionsOut(Out):
    """What a browser is to ask of a device, and until when the device may answer."""

    options: dict[str, Any] = Field(
        description="For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`."
    )
    expires_at: Moment


class OwnSessionOut(Out):
    """One of the caller's sessions, without its token."""

    id: str
    current: bool = Field(description="True for the one that this call was made with.")
    created_at: Moment
    created_ip: str | None
    seen_at: Moment = Field(description="When it was last used, to the minute.")
    idle_at: Moment = Field(description="It ends then unless it is used.")
    expires_at: Moment = Field(description="It ends then in any case.")
    proved_at: Moment = Field(description="When the person last showed who they are.")
    proofs: list[Proof] = Field(description="By what the person did so.")


class SessionListOut(Out):
    """A page of sessions."""

    items: list[OwnSessionOut]
    next_cursor: str | None


class EndedOut(Out):
    """How many sessions ended."""

    ended: int


SessionPath = Annotated[
    str, Path(description="The session's id.", examples=["ses_0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"])
]


def read_nothing() -> None:
    """These calls take nothing."""


def read_list(filters: Annotated[models.PageFilters, Query()]) -> ListSessions:
    """A list's question from the query string."""
    return ListSessions(limit=filters.limit, cursor=filters.cursor)


def read_one(id: SessionPath) -> SessionId:  # noqa: A002 - the name stands in the path
    """One session's id from the path."""
    return SessionId(id)


def read_confirmation(body: ConfirmationIn) -> Confirmation:
    """What is shown to confirm a login."""
    return Confirmation(body.password, body.factor())


def read_password(body: PasswordIn) -> PasswordChange:
    """The old and the new password."""
    return PasswordChange(body.old_password, body.new_password)


def read_for(id: UserPath, body: SessionForIn) -> SessionFor:  # noqa: A002 - the name stands in the path
    """For whom a session is to be made, and for how long."""
    sent = body.model_fields_set
    return SessionFor(
        id=id,
        idle_seconds=body.idle_seconds if "idle_seconds" in sent else UNSET,
        longest_seconds=body.longest_seconds if "longest_seconds" in sent else UNSET,
    )


def show_options(asked: PasskeyOptions) -> PasskeyOptionsOut:
    """The options for a browser."""
    return PasskeyOptionsOut(options=dict(asked.options), expires_at=asked.expires_at)


def _own(session: Session, *, current: bool) -> OwnSessionOut:
    return OwnSessionOut(
        id=session.id,
        current=current,
        created_at=session.created_at,
        created_ip=session.created_ip,
        seen_at=session.seen_at,
        idle_at=session.idle_at,
        expires_at=session.ends_at,
        proved_at=session.proved_at,
        proofs=cast("list[Proof]", list(session.proofs)),
    )


def _view(view: SessionView) -> OwnSessionOut:
    return _own(view.session, current=view.current)


def _confirmed(session: Session) -> OwnSessionOut:
    return _own(session, current=True)


def _list(page: SessionList) -> SessionListOut:
    return SessionListOut(items=[_view(one) for one in page.items], next_cursor=page.next_cursor)


def _ended(count: int) -> EndedOut:
    return EndedOut(ended=count)


def _nothing(_result: None) -> None:
    return None


def declare(door: Door) -> None:
    """Declare the routes of sessions."""
    _declare_open(door)
    _declare_options(door)
    _declare_own(door)
    door.route(
        "POST",
        "/sessions/current/confirm",
        sessions.confirm_session,
        read=read_confirmation,
        show=_confirmed,
        model=OwnSessionOut,
        refusals=(429,),
        tag=_TAG,
    )
    door.route(
        "PUT",
        "/password",
        sessions.change_password,
        read=read_password,
        show=_ended,
        model=EndedOut,
        refusals=(429,),
        tag=_TAG,
    )
    door.route(
        "POST",
        "/users/{id}/sessions",
        sessions.create_session_for,
        read=read_for,
        show=mapping.session,
        model=models.SessionOut,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "GET",
        "/whoami",
        whoami.whoami,
        read=read_nothing,
        show=mapping.holder,
        model=models.WhoamiOut,
        tag=_TAG,
    )


def _declare_open(door: Door) -> None:
    """The route that no credential opens: it makes one."""
    services = door.services

    async def log_in(request: Request, body: LoginIn) -> models.SessionOut:
        """Log in with name and password, or with a passkey.

        The answer holds a session token, which is used like an API key. Who has a second factor sends it along;
        a password alone is refused with `second_factor_required`, and `factors` says what is accepted.
        """
        check_query(request.query_params, None)
        visit = visit_of(request.scope)
        return mapping.session(
            await services.log_in(
                body.login,
                body.password,
                factor=body.factor(),
                ip=visit.ip_text,
                request_id=visit.request_id,
            )
        )

    door.router.add_api_route(
        "/sessions",
        log_in,
        methods=["POST"],
        operation_id="sessions.create",
        summary="Log in with name and password, or with a passkey.",
        status_code=201,
        responses={201: {"headers": REQUEST_ID}, **problems(400, 401, 413, 422, 429, 503)},
        tags=[_TAG],
        openapi_extra={"security": []},
    )


def _declare_options(door: Door) -> None:
    """The route by which a login with a passkey is prepared."""
    services = door.services

    async def passkey_options(request: Request) -> PasskeyOptionsOut:
        """Ask for a challenge that a passkey answers.

        It serves for logging in and for confirming a login, is the same for everybody, and is to be answered
        once, within five minutes.
        """
        check_query(request.query_params, None)
        return show_options(await services.passkey_options(ip=visit_of(request.scope).ip_text))

    door.router.add_api_route(
        "/sessions/passkey-options",
        passkey_options,
        methods=["POST"],
        operation_id="sessions.passkey_options",
        summary="Ask for a challenge that a passkey answers.",
        responses={200: {"headers": REQUEST_ID}, **problems(400, 413, 422, 429, 503)},
        tags=[_TAG],
        openapi_extra={"security": []},
    )


def _declare_own(door: Door) -> None:
    """The routes that show and end sessions; the words in a path come before the id that would match them."""
    door.route(
        "GET",
        "/sessions",
        sessions.list_sessions,
        read=read_list,
        show=_list,
        model=SessionListOut,
        tag=_TAG,
    )
    door.route(
        "DELETE",
        "/sessions/current",
        sessions.end_session,
        read=read_nothing,
        show=_nothing,
        status=204,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "POST",
        "/sessions/end-others",
        sessions.end_other_sessions,
        read=read_nothing,
        show=_ended,
        model=EndedOut,
        tag=_TAG,
    )
    door.route(
        "DELETE",
        "/sessions/{id}",
        sessions.end_one_session,
        read=read_one,
        show=_nothing,
        status=204,
        refusals=(404,),
        tag=_TAG,
    )
