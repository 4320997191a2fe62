"""What goes over the wire, without any input or output: what a request carries, and what an answer means."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from keywright.client.errors import (
    BY_STATUS,
    CODES,
    ApiError,
    ClientError,
    ConnectionFailed,
    UnexpectedAnswer,
)
from keywright.client.values import SOCKET, normal_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from keywright.client.calls import Call, Stream
    from keywright.client.http1 import Reply
    from keywright.client.values import Json, Token

TRIES: Final = 3
CONNECT_SECONDS: Final = 5.0
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
_PASSING = frozenset({502, 503, 504})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_OF_EVERY_PROBLEM = frozenset({"type", "title", "status", "code", "detail", "field", "request_id"})
CLOSED: Final = "the connection was closed before an answer came"


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer came; `again` says whether another try may help."""

    error: ClientError
    again: bool


@dataclass(frozen=True, slots=True)
class Wire:
    """One server, as seen by one caller: what every request carries, how often it is tried, and what answers mean."""

    url: str
    token: Token | None
    tenant: str | None
    timeout: float
    user_agent: str
    tries: int = TRIES

    @property
    def socket_path(self) -> str | None:
        """The file of the socket at which the server listens; None where it listens at a port."""
        return self.url.removeprefix(SOCKET) if self.url.startswith(SOCKET) else None

    @property
    def http_url(self) -> str:
        """The server's address as requests name it."""
        return self.url if self.socket_path is None else "http://localhost"

    @property
    def host(self) -> str:
        """The server's host."""
        return urlsplit(self.http_url).hostname or ""

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine, so that no proxy stands between whatever the environment says."""
        return self.host in _LOOPBACK

    def headers(self, call: Call[Any]) -> dict[str, str]:
        """The headers of a request, beside those that are the same in each."""
        found = {} if call.body is None else {"Content-Type": "application/json"}
        if not call.anonymous:
            found |= self.credential()
            if not call.no_tenant:
                found |= self.place()
        return {**found, **(call.headers or {})}

    def stream_headers(self, _stream: Stream) -> dict[str, str]:
        """The headers of a request for a stream."""
        return {**self.credential(), **self.place(), "Accept": "*/*"}

    def credential(self) -> dict[str, str]:
        """Who asks."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token.reveal()}"}

    def place(self) -> dict[str, str]:
        """Which tenant it is for."""
        return {} if self.tenant is None else {"Keywright-Tenant": self.tenant}

    def pause(self, tried: int, call: Call[Any] | Stream, outcome: Reply | Failure) -> float | None:
        """Seconds to wait before the next try, with jitter; None when the outcome of this one stands."""
        if tried >= self.tries or not getattr(call, "retry", True):
            return None
        if isinstance(outcome, Failure):
            asked_for = 0 if outcome.again else None
        else:
            asked_for = (retry_after(outcome) or 0) if outcome.status in _PASSING else None
        if asked_for is None:
            return None
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 4**tried)
        return max(random.uniform(0, longest), min(_LONGEST_PAUSE, asked_for))  # noqa: S311 - spreads retries, guards nothing

    def answer(self, outcome: Reply | Failure) -> Json:
        """The JSON object of an answer; an answer without a body is an empty one. Raises a `ClientError`.

        An answer of 503 that is no problem document is given like any other, because a verdict may come with it.
        """
        if isinstance(outcome, Failure):
            raise outcome.error
        if outcome.status == 204 or (outcome.status == 200 and not outcome.body):
            return {}
        content = parsed(outcome.body)
        good = 200 <= outcome.status < 300 or (outcome.status == 503 and not _is_problem(outcome))
        if content is not None and good:
            return content
        raise self.refusal(outcome, content)

    def refusal(self, reply: Reply, content: Json | None) -> Exception:
        """The error that an answer stands for."""
        status = reply.status
        if 300 <= status < 400 and "location" in reply.headers:
            return UnexpectedAnswer(self.url, f"it redirects to {_origin(reply.headers['location'])}")
        if content is None or not isinstance(content.get("code"), str):
            if status not in _PASSING:
                return UnexpectedAnswer(
                    self.url, f"it answers with status {status}, and not as Keywright does"
                )
            content = {"code": "unavailable", "detail": f"The server is not available (status {status})."}
        return problem(status, content, retry_after(reply))

    def line(self, raw: bytes) -> Json:
        """The JSON object on a line of a stream; raises the problem that ended the stream, where it is one."""
        found = parsed(raw)
        if found is None:
            raise UnexpectedAnswer(self.url, "a line of its answer is no JSON object")
        if isinstance(found.get("status"), int) and isinstance(found.get("code"), str):
            raise problem(found["status"], found, None)
        return found

    def broken(self, error: Exception) -> Failure:
        """A connection that could not be made, or broke, told in the operating system's words where there are some."""
        text = re.sub(r"^\[Errno -?[0-9]+\] ", "", str(error)) or "the connection broke"
        return self.closed(text[:1].lower() + text[1:].rstrip("."))

    def closed(self, reason: str = CLOSED) -> Failure:
        """A connection that ended before its answer."""
        return Failure(ConnectionFailed(self.url, reason), again=True)

    def late(self) -> Failure:
        """An answer that did not come in time. It is not asked for again: who waited so long waits no longer."""
        return Failure(ConnectionFailed(self.url, f"no answer within {self.timeout:g} seconds"), again=False)


def encoded(body: object) -> bytes | None:
    """A body as JSON, or bytes as they are; raises ValueError for what is neither."""
    return body if body is None or isinstance(body, bytes) else json.dumps(body, allow_nan=False).encode()


def problem(status: int, content: Json, retry_after: int | None) -> ApiError:
    """The error that problem details stand for."""
    code = content["code"]
    kind = CODES.get(code) or BY_STATUS.get(status, ApiError)
    return kind(
        code,
        status,
        str(content.get("detail", "The server gives no reason.")),
        field=content.get("field"),
        request_id=content.get("request_id"),
        retry_after=retry_after,
        extras={name: value for name, value in content.items() if name not in _OF_EVERY_PROBLEM},
    )


class Lines:
    """Puts the lines of a stream together from the parts in which it comes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, part: bytes) -> list[bytes]:
        """The lines that are whole with this part."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        return lines

    def end(self) -> Iterable[bytes]:
        """What stands after the last line end: it was broken off, and is a line of its own."""
        return [self._rest] if self._rest else []


def pairs(query: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """A query string's parts: none for None, several for a list."""
    return tuple(_pairs(query or {}))


def _pairs(query: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in query.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is not None:
                yield name, str(one).lower() if isinstance(one, bool) else str(one)


def parsed(content: bytes) -> Json | None:
    """The JSON object in some bytes, or None when there is none."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def retry_after(reply: Reply) -> int | None:
    """How many seconds an answer asks to wait."""
    given = reply.headers.get("retry-after", "")
    return int(given) if re.fullmatch(r"[0-9]{1,6}", given) else None


def _origin(location: str) -> str:
    """Where a redirect leads, without what else its address may hold."""
    try:
        parts = urlsplit(location)
        return normal_url(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return "elsewhere"


def _is_problem(reply: Reply) -> bool:
    return "problem" in reply.headers.get("content-type", "")
