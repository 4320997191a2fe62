"""`/v1/sessions` and `/v1/whoami`: logging in, logging out, and who one is."""

from fastapi import Request

from keywright.api.rest import mapping, models
from keywright.api.rest.reading import check_query
from keywright.api.rest.routes import REQUEST_ID, Door, problems
from keywright.services import sessions, whoami
from keywright.web.visit import visit_of

_TAG = "Login"


def read_nothing() -> None:
    """These calls take nothing."""


def _nothing(_result: None) -> None:
    return None


def declare(door: Door) -> None:
    """Declare the routes of sessions. Logging in is the one route that no credential opens: it makes one."""
    services = door.services

    async def log_in(request: Request, body: models.LoginIn) -> models.SessionOut:
        """Log in with name and password.

        The answer holds a session token, which is used like an API key.
        """
        check_query(request.query_params, None)
        visit = visit_of(request.scope)
        return mapping.session(
            await services.log_in(body.login, body.password, ip=visit.ip_text, request_id=visit.request_id)
        )

    door.router.add_api_route(
        "/sessions",
        log_in,
        methods=["POST"],
        operation_id="sessions.create",
        summary="Log in with name and password.",
        status_code=201,
        responses={201: {"headers": REQUEST_ID}, **problems(400, 401, 413, 422, 429, 503)},
        tags=[_TAG],
        openapi_extra={"security": []},
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
        "GET",
        "/whoami",
        whoami.whoami,
        read=read_nothing,
        show=mapping.holder,
        model=models.WhoamiOut,
        tag=_TAG,
    )
