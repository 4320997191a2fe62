"""`/v1/relay`: what agents, which are nodes without a database, have a server do for them; for nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from keywright.core.errors import IllegalTransition, InvalidType, KeywrightError, MalformedRequest
from keywright.services.relay.messages import FORM, FORM_HEADER, Leave, Message
from keywright.web.credentials import bearer
from keywright.web.errors import METHOD_NOT_ALLOWED, other_problem, problem_of, send_json, send_problem
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from keywright.services.relay.serving import Relay
    from keywright.services.service import Services
    from keywright.web.visit import Visit

PATH: Final = "/v1/relay"
_read = msgspec.json.Decoder(Message).decode


class RelayDoor:
    """The path as an ASGI application."""

    def __init__(self, services: Services, relay: Relay) -> None:
        self._services = services
        self._relay = relay

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Answer one message."""
        visit = visit_of(scope)
        if scope["method"] != "POST":
            found = other_problem(METHOD_NOT_ALLOWED, "This path takes POST.", visit.request_id)
            await send_problem(send, found, {"Allow": "POST"})
            return
        try:
            await send_json(send, 200, await self._answer(visit))
        except KeywrightError as refused:
            await send_problem(send, *problem_of(refused, visit.request_id))

    async def _answer(self, visit: Visit) -> object:
        message = _message(visit.body)
        if isinstance(message, Leave):
            return await self._relay.leave(message)
        caller = await self._services.authenticate(bearer(visit), visit.ip)
        if visit.header(FORM_HEADER.lower().encode()) != FORM:
            raise IllegalTransition(
                "The agent and the server are of versions that do not fit. Use the same one."
            )
        if isinstance(message, KeywrightError):
            raise message
        return await self._relay.answer(caller, message)


def _message(body: bytes) -> Message | KeywrightError:
    """The message in a body, or what is wrong with it; who may not send any is not told that."""
    try:
        found: Message = _read(body)
    except msgspec.ValidationError:
        return InvalidType("This is no message that agents and servers of this version exchange.")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return MalformedRequest("The body is not valid JSON.")
    return found
