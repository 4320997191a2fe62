"""The client itself."""

from __future__ import annotations

from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING, Any, TypedDict

from keywright.client.agents import Agents
from keywright.client.audit import Audit
from keywright.client.catalog import Catalog
from keywright.client.factors import Factors
from keywright.client.invitations import Invitations
from keywright.client.memberships import Memberships
from keywright.client.nodes import Nodes
from keywright.client.resources import Keys, logged_in, part
from keywright.client.roles import Roles
from keywright.client.service_accounts import ServiceAccounts
from keywright.client.sessions import Sessions, shown
from keywright.client.sign_on import SignOn
from keywright.client.tenants import Tenants
from keywright.client.usage import Usage
from keywright.client.users import Users
from keywright.client.values import LoggedIn, Readiness, Token, in_header, normal_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Self, Unpack

    from keywright.client.sessions import SecondFactor
    from keywright.client.transport import Transport
    from keywright.client.values import Json


class Question(TypedDict, total=False):
    """What may be asked about a token beyond whether it is valid; as in the REST API."""

    token_hash: str | None
    tenant: str | None
    action: str | None
    resource: str | None
    ip: str | None
    explain: bool
    cost: int


class Client:
    """One server, as seen by one caller; good for many calls, from many threads.

    `url` is the server's address, `tenant` the slug of the tenant that calls are for, where the credential
    does not say it, and `timeout` the seconds that one answer may take. Nothing is sent before the first
    call. Raises ValueError for an address, a token or a tenant that can be none.
    """

    def __init__(
        self,
        url: str,
        token: Token | str | None = None,
        tenant: str | None = None,
        timeout: float = 10.0,
        *,
        user_agent: str | None = None,
    ) -> None:
        self.url = normal_url(url)
        self._token = Token(token) if isinstance(token, str) else token
        if self._token is not None:
            in_header(self._token.reveal(), "A token")
        self._tenant = None if tenant is None else in_header(tenant, "The slug of a tenant")
        self._timeout = timeout
        self._user_agent = user_agent
        self._opening = Lock()
        self._opened: Transport | None = None
        self.keys = Keys(self.url, self._transport)
        self.tenants = Tenants(self.url, self._transport)
        self.users = Users(self.url, self._transport)
        self.invitations = Invitations(self.url, self._transport)
        self.service_accounts = ServiceAccounts(self.url, self._transport)
        self.roles = Roles(self.url, self._transport)
        self.memberships = Memberships(self.url, self._transport)
        self.agents = Agents(self.url, self._transport)
        self.catalog = Catalog(self.url, self._transport)
        self.audit = Audit(self.url, self._transport)
        self.usage = Usage(self.url, self._transport)
        self.nodes = Nodes(self.url, self._transport)
        self.sessions = Sessions(self.url, self._transport)
        self.factors = Factors(self.url, self._transport)
        self.sign_on = SignOn(self.url, self._transport)

    def within(self, tenant: str) -> Client:
        """A client for the same server, with the same credential, whose calls are for this tenant."""
        return Client(self.url, self._token, tenant, self._timeout, user_agent=self._user_agent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        if self._opened is not None:
            self._opened.close()

    def verify(self, token: Token | str | None = None, **question: Unpack[Question]) -> Json:
        """Ask whether a token is valid, and may do what the question names.

        Give either the token or its `token_hash`. The verdict has `valid` and `code`; it is never an error,
        and its code is STALE when the server cannot know.
        """
        return self._verdicts("/v1/verify", _asked({**question, "token": token}), "valid")

    def verify_batch(self, items: Iterable[Mapping[str, Any]]) -> list[Json]:
        """Ask up to 1,000 questions at once; each has the parts of `verify`, and the verdicts keep their order."""
        answer = self._verdicts("/v1/verify/batch", {"items": [_asked(item) for item in items]}, "items")
        return list(answer["items"])

    def whoami(self) -> Json:
        """Who the caller is."""
        answer = self._transport().send("GET", "/v1/whoami", retry=True)
        part(answer, "identity", self.url)
        return answer

    def log_in(
        self, login: str | None = None, password: str | None = None, **factor: Unpack[SecondFactor]
    ) -> LoggedIn:
        """Log in. The client goes on with the credential it has; make another one with the new token.

        Who has a second factor shows it with the password: without it, the error's code is
        `second_factor_required`, and `extras["factors"]` says what is accepted. A passkey will do alone.
        """
        named = {"login": login, "password": password}
        body = {name: value for name, value in named.items() if value is not None}
        answer = self._transport().send(
            "POST", "/v1/sessions", body={**body, **shown(factor)}, anonymous=True
        )
        return logged_in(answer, self.url)

    def log_out(self) -> None:
        """End the session that is this client's credential."""
        self._transport().send("DELETE", "/v1/sessions/current")

    def alive(self) -> None:
        """Return when a server answers; raises `ConnectionFailed` or `UnexpectedAnswer` when none does."""
        part(self._transport().send("GET", "/healthz", retry=True, anonymous=True), "status", self.url)

    def ready(self) -> Readiness:
        """Whether the server can decide now; asks once, and does not try again."""
        status = str(part(self._transport().send("GET", "/readyz", anonymous=True), "status", self.url))
        return Readiness(status == "ready", status)

    def version(self) -> str:
        """The version of the server."""
        answer = self._transport().send("GET", "/openapi.json", retry=True, anonymous=True)
        return str(part(part(answer, "info", self.url), "version", self.url))

    def _verdicts(self, path: str, body: Json, name: str) -> Json:
        answer = self._transport().send("POST", path, body=body, retry=True)
        part(answer, name, self.url)
        return answer

    def _transport(self) -> Transport:
        """The way to the server. It is opened late, because its library takes long to load."""
        with self._opening:
            if self._opened is None:
                from keywright.client.transport import Transport  # noqa: PLC0415 - see above

                agent = self._user_agent or f"keywright-client/{version('keywright')}"
                self._opened = Transport(self.url, self._token, self._tenant, self._timeout, agent)
            return self._opened


def _asked(question: Mapping[str, Any]) -> Json:
    """A question as JSON, with its token revealed."""
    token = question.get("token")
    plain = {name: value for name, value in question.items() if value is not None}
    return plain if not isinstance(token, Token) else {**plain, "token": token.reveal()}
