"""Single sign-on in an installation of a test, with a provider beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.services.sign_on import Answer, ClientSettings, Provider, Rules, SignOn
from keywright.services.sign_on.fetching import Fetcher
from tests.support.house import ORIGIN

if TYPE_CHECKING:
    from keywright.services.sessions import LoggedIn
    from tests.support.house import House
    from tests.support.provider import IdentityProvider

PUBLIC = ORIGIN
IP = "192.0.2.7"


def sign_on(home: House, provider: IdentityProvider, **rules: Any) -> SignOn:
    """Single sign-on by a provider, which is given the time of the installation."""
    provider.now = lambda: home.clock.now_us() / 1_000_000
    return SignOn(
        home.tools,
        home.metrics,
        sessions=home.sessions,
        provider=asking(home, provider),
        rules=Rules(**rules),
    )


def asking(home: House, provider: IdentityProvider, **bounds: Any) -> Provider:
    """What asks the provider; `bounds` are those of its `Fetcher`."""
    provider.now = lambda: home.clock.now_us() / 1_000_000
    settings = ClientSettings(
        issuer=provider.issuer, client_id=provider.client_id, client_secret=provider.client_secret
    )
    return Provider(settings, home.clock, Fetcher(provider.issuer, **bounds))


async def answer_of(service: SignOn, provider: IdentityProvider) -> Answer:
    """Begin a flow, log in at the provider, and come back."""
    begun = await service.start(None, ip=IP)
    back = provider.log_in(begun.authorization_url)
    return Answer(begun.flow.reveal(), back["state"], back["code"])


async def logged_in(service: SignOn, provider: IdentityProvider) -> LoggedIn:
    """Log in from beginning to end."""
    return await service.finish(await answer_of(service, provider), ip=IP, request_id="r" * 32)
