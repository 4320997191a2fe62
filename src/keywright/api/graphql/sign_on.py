"""The fields of single sign-on. They need no credential: they make one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import OpenField
from keywright.services.sign_on import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import Resolver
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.services.service import Services
    from keywright.services.sessions import LoggedIn
    from keywright.services.sign_on import Started
    from keywright.web.visit import Visit


def begun(started: Started) -> Shape:
    """A login that has begun; here, and only here, its flow is revealed to GraphQL."""
    return {
        "authorizationUrl": started.authorization_url,
        "flow": started.flow.reveal(),
        "expiresAt": started.expires_at,
    }


def answer(args: Args) -> Answer:
    """What came back from the provider."""
    given = args["input"]
    return Answer(given["flow"], given["state"], given["code"])


def ended(logged_in: LoggedIn) -> Shape:
    """A fresh session; its token is revealed here."""
    return {
        "token": logged_in.token.reveal(),
        "sessionId": logged_in.session.id,
        "identity": mapping.identity(logged_in.identity),
        "expiresAt": logged_in.session.ends_at,
    }


async def _start(services: Services, visit: Visit, args: Args) -> Shape:
    return begun(await services.sign_on.start(args["input"].get("redirectUri"), ip=visit.ip_text))


async def _finish(services: Services, visit: Visit, args: Args) -> Shape:
    return ended(await services.sign_on.finish(answer(args), ip=visit.ip_text, request_id=visit.request_id))


MUTATIONS: Final[Mapping[str, Resolver]] = {
    "startSignOn": OpenField(_start),
    "finishSignOn": OpenField(_finish),
}
