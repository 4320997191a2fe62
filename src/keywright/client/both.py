"""The clients themselves: one that waits for answers, and one to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from keywright.client.agents import Agents
from keywright.client.audit import Audit
from keywright.client.calls import Call, Described, S, call, nothing
from keywright.client.catalog import Catalog
from keywright.client.errors import UnexpectedAnswer
from keywright.client.factors import Factors
from keywright.client.invitations import Invitations
from keywright.client.memberships import Memberships
from keywright.client.nodes import Nodes
from keywright.client.resources import Keys, Resource, part
from keywright.client.roles import Roles
from keywright.client.service_accounts import ServiceAccounts
from keywright.client.sessions import Sessions, shown
from keywright.client.sign_on import SignOn
from keywright.client.tenants import Tenants
from keywright.client.usage import Usage
from keywright.client.users import Users
from keywright.client.values import Readiness, Token, any_url, in_header
from keywright.client.verdict import Verdict, from_answer
from keywright.client.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Unpack

    from keywright.client.sessions import SecondFactor
    from keywright.client.values import Json, LoggedIn


class Question(TypedDict, total=False):
    """What may be asked about a token beyond whether it is valid; as in the REST API."""

    token_hash: str | None
    tenant: str | None
    action: str | None
    resource: str | None
    ip: str | None
    explain: bool
    cost: int


def wire_of(
    url: str,
    token: Token | str | None,
    tenant: str | None,
    timeout: float,
    tries: int,
    user_agent: str | None,
) -> Wire:
    """What a client is made with, checked."""
    if tries < 1:
        raise ValueError("A call is tried once or more often.")
    held = Token(token) if isinstance(token, str) else token
    if held is not None:
        in_header(held.reveal(), "A token")
    place = None if tenant is None else in_header(tenant, "The slug of a tenant")
    if user_agent is None:
        from importlib.metadata import version  # noqa: PLC0415 - it takes long to load

        user_agent = f"keywright-client/{version('keywright')}"
    return Wire(any_url(url), held, place, timeout, user_agent, tries)


class Calls(Resource[S]):
    """What both clients have: the resources, and the calls that belong to none of them."""

    def __init__(self, wire: Wire, sender: S) -> None:
        super().__init__(wire.url, sender)
        self._wire = wire
        self.url = wire.url
        self.keys = Keys(self.url, sender)
        self.tenants = Tenants(self.url, sender)
        self.users = Users(self.url, sender)
        self.invitations = Invitations(self.url, sender)
        self.service_accounts = ServiceAccounts(self.url, sender)
        self.roles = Roles(self.url, sender)
        self.memberships = Memberships(self.url, sender)
        self.agents = Agents(self.url, sender)
        self.catalog = Catalog(self.url, sender)
        self.audit = Audit(self.url, sender)
        self.usage = Usage(self.url, sender)
        self.nodes = Nodes(self.url, sender)
        self.sessions = Sessions(self.url, sender)
        self.factors = Factors(self.url, sender)
        self.sign_on = SignOn(self.url, sender)

    @call
    def whoami(self) -> Call[Json]:
        """Who the caller is."""
        return Call("GET", "/v1/whoami", self._having("identity"), retry=True)

    @call
    def log_in(
        self, login: str | None = None, password: str | None = None, **factor: Unpack[SecondFactor]
    ) -> Call[LoggedIn]:
        """Log in. The client goes on with the credential it has; make another one with the new token.

        Who has a second factor shows it with the password: without it, the error's code is
        `second_factor_required`, and `extras["factors"]` says what is accepted. A passkey will do alone.
        """
        named = {"login": login, "password": password}
        body = {name: value for name, value in named.items() if value is not None}
        return Call("POST", "/v1/sessions", self._logged_in, body={**body, **shown(factor)}, anonymous=True)

    @call
    def log_out(self) -> Call[None]:
        """End the session that is this client's credential."""
        return Call("DELETE", "/v1/sessions/current", nothing)

    @call
    def alive(self) -> Call[None]:
        """Return when a server answers; raises `ConnectionFailed` or `UnexpectedAnswer` when none does."""

        def read(answer: Json) -> None:
            part(answer, "status", self.url)

        return Call("GET", "/healthz", read, retry=True, anonymous=True)

    @call
    def ready(self) -> Call[Readiness]:
        """Whether the server can decide now; asks once, and does not try again."""

        def read(answer: Json) -> Readiness:
            status = str(part(answer, "status", self.url))
            return Readiness(status == "ready", status)

        return Call("GET", "/readyz", read, anonymous=True)

    @call
    def version(self) -> Call[str]:
        """The version of the server."""

        def read(answer: Json) -> str:
            return str(part(part(answer, "info", self.url), "version", self.url))

        return Call("GET", "/openapi.json", read, retry=True, anonymous=True)


def verification(described: Described[Any], token: Token | str | None, question: Question) -> Call[Verdict]:
    """The question about one token. It may be sent twice: at the worst one use is counted as two."""
    url = described._url  # noqa: SLF001 - the errors of a client name its server

    def read(answer: Json) -> Verdict:
        return _verdict(answer, url)

    return Call("POST", "/v1/verify", read, body=_asked({**question, "token": token}), retry=True, quick=True)


def verifications(described: Described[Any], items: Iterable[Mapping[str, Any]]) -> Call[list[Verdict]]:
    """The same about several tokens."""
    url = described._url  # noqa: SLF001 - as above

    def read(answer: Json) -> list[Verdict]:
        return [_verdict(one, url) for one in part(answer, "items", url)]

    body = {"items": [_asked(item) for item in items]}
    return Call("POST", "/v1/verify/batch", read, body=body, retry=True, quick=True)


def _verdict(answer: Any, url: str) -> Verdict:  # noqa: ANN401 - what stands in an answer may be anything
    try:
        return from_answer(answer)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise UnexpectedAnswer(url, "the answer is no verdict") from None


def _asked(question: Mapping[str, Any]) -> Json:
    """A question as JSON, with its token revealed."""
    token = question.get("token")
    plain = {name: value for name, value in question.items() if value is not None}
    return plain if not isinstance(token, Token) else {**plain, "token": token.reveal()}
