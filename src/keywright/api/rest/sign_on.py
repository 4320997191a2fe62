"""`/v1/sign-on`: logging in through an identity provider. No credential opens these calls: they make one."""

from fastapi import Request
from pydantic import Field

from keywright.api.rest import mapping, models
from keywright.api.rest.reading import check_query
from keywright.api.rest.routes import REQUEST_ID, Door, problems
from keywright.services.sign_on import Answer, Started
from keywright.web.visit import visit_of

_TAG = "Login"


class SignOnIn(models.In):
    """Where to come back to."""

    redirect_uri: str | None = Field(
        None,
        description="Keywright's own `/sign-on/callback`, also when left out, or `http://127.0.0.1:PORT/` with a path.",
        examples=["http://127.0.0.1:51234/callback"],
        json_schema_extra={"maxLength": 500},
    )


class FlowOut(models.Out):
    """A login that has begun. The flow is a secret, and ends it once."""

    authorization_url: str = Field(description="Where the person logs in.")
    flow: str = Field(description="To be kept by whoever began the login, and sent with the answer.")
    expires_at: models.Moment


class AnswerIn(models.In):
    """What came back from the provider, and the flow it belongs to."""

    flow: str = Field(json_schema_extra={"maxLength": 512})
    state: str = Field(json_schema_extra={"maxLength": 512})
    code: str = Field(json_schema_extra={"minLength": 1, "maxLength": 4096})


def _flow(begun: Started) -> FlowOut:
    """A flow; here, and only here, it is revealed to REST."""
    return FlowOut(
        authorization_url=begun.authorization_url, flow=begun.flow.reveal(), expires_at=begun.expires_at
    )


def declare(door: Door) -> None:
    """Declare the routes of single sign-on."""
    services = door.services

    async def start(request: Request, body: SignOnIn) -> FlowOut:
        """Begin a login at the identity provider.

        Send the person to `authorization_url`. The provider sends them back to `redirect_uri` with `code` and
        `state`; end the login with both and with `flow`, within ten minutes.
        """
        check_query(request.query_params, None)
        visit = visit_of(request.scope)
        return _flow(await services.sign_on.start(body.redirect_uri, ip=visit.ip_text))

    async def finish(request: Request, body: AnswerIn) -> models.SessionOut:
        """End a login with what the identity provider answered.

        The answer holds a session token, which is used like an API key. A flow ends with the first answer.
        """
        check_query(request.query_params, None)
        visit = visit_of(request.scope)
        answer = Answer(body.flow, body.state, body.code)
        return mapping.session(
            await services.sign_on.finish(answer, ip=visit.ip_text, request_id=visit.request_id)
        )

    door.router.add_api_route(
        "/sign-on/start",
        start,
        methods=["POST"],
        operation_id="sign_on.start",
        summary="Begin a login at the identity provider.",
        responses={200: {"headers": REQUEST_ID}, **problems(400, 404, 413, 422, 429, 503)},
        tags=[_TAG],
        openapi_extra={"security": []},
    )
    door.router.add_api_route(
        "/sign-on/finish",
        finish,
        methods=["POST"],
        operation_id="sign_on.finish",
        summary="End a login with what the identity provider answered.",
        status_code=201,
        responses={201: {"headers": REQUEST_ID}, **problems(400, 401, 404, 413, 422, 429, 503)},
        tags=[_TAG],
        openapi_extra={"security": []},
    )
