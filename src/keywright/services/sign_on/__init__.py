"""Single sign-on by OpenID Connect: people log in through an identity provider.

`flows` begins and ends a login, `provider` and `id_tokens` find out who somebody is to the provider, and
`people` who that is here.
"""

from keywright.services.sign_on.flows import Answer, SignOn, Started
from keywright.services.sign_on.people import Rules
from keywright.services.sign_on.provider import ClientSettings, Provider
from keywright.services.sign_on.setup import provider_of, sign_on_of

__all__ = [
    "Answer",
    "ClientSettings",
    "Provider",
    "Rules",
    "SignOn",
    "Started",
    "provider_of",
    "sign_on_of",
]
