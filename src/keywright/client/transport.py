"""One connection to one server: headers, retries, and errors from what comes back."""

from __future__ import annotations

import json
import random
import re
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx2

from keywright.client.errors import BY_STATUS, ApiError, ConnectionFailed, UnexpectedAnswer
from keywright.client.values import normal_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from keywright.client.values import Json, Token

TRIES: Final = 3
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
_PASSING = frozenset({502, 503, 504})
_BROKEN = (httpx2.NetworkError, httpx2.RemoteProtocolError)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_CONNECT_SECONDS = 5.0
_OF_EVERY_PROBLEM = frozenset({"type", "title", "status", "code", "detail", "field", "request_id"})


class Transport:
    """Sends requests to one address and gives the JSON of their answers, or raises a `ClientError`.

    Redirects are not followed, because a token must not be sent where nobody meant to send it. For the
    same reason a server on this machine is reached without a proxy, whatever the environment says.
    """

    def __init__(
        self, url: str, token: Token | None, tenant: str | None, timeout: float, user_agent: str
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._credential = {} if token is None else {"Authorization": f"Bearer {token.reveal()}"}
        self._tenant = {} if tenant is None else {"Keywright-Tenant": tenant}
        self._http = httpx2.Client(
            base_url=url,
            headers={"User-Agent": user_agent, "Accept": "application/json"},
            timeout=httpx2.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
            follow_redirects=False,
            # Certificates take long to load, and a plain address never meets one.
            verify=url.startswith("https:"),
            trust_env=urlsplit(url).hostname not in _LOOPBACK,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        retry: bool = False,
        anonymous: bool = False,
        no_tenant: bool = False,
    ) -> Json:
        """Send a request and give its answer; an answer without a body is an empty object.

        It is sent without the credential when `anonymous`, and without naming a tenant when `no_tenant`.

        `retry` is for requests that may be sent twice: they are, after a broken connection and where a
        server or gateway says that it cannot answer now. An answer of 503 that is no problem document is
        given like any other, because a verdict may come with it.
        """
        request = self._http.build_request(
            method,
            path,
            params=None if query is None else list(_pairs(query)),
            content=None if body is None else json.dumps(body, allow_nan=False),
            headers={
                **({} if body is None else {"Content-Type": "application/json"}),
                **({} if anonymous else self._credential),
                **({} if anonymous or no_tenant else self._tenant),
                **(headers or {}),
            },
        )
        response = self._answered(request, TRIES if retry else 1)
        if response.status_code == 204:
            return {}
        content = _content(response)
        if content is not None and (
            response.is_success or (response.status_code == 503 and not _is_problem(response))
        ):
            return content
        raise self._refusal(response, content)

    def lines(self, path: str, query: Mapping[str, Any]) -> Iterator[Json]:
        """The JSON objects of an answer that has one on each line, as they come.

        A stream that breaks off raises, and so does one that ends with the problem that ended it.
        """
        request = self._http.build_request(
            "GET",
            path,
            params=list(_pairs(query)),
            headers={**self._credential, **self._tenant, "Accept": "*/*"},
        )
        response = self._answered(request, TRIES, stream=True)
        try:
            if not response.is_success:
                response.read()
                raise self._refusal(response, _content(response))
            for line in _split(response.iter_bytes()):
                found = _object(line)
                if found is None:
                    raise UnexpectedAnswer(self._url, "a line of its answer is no JSON object")
                if isinstance(found.get("status"), int) and isinstance(found.get("code"), str):
                    raise _problem(found["status"], found, None)
                yield found
        except httpx2.TimeoutException:
            raise ConnectionFailed(self._url, f"no more came within {self._timeout:g} seconds") from None
        except _BROKEN as error:
            raise ConnectionFailed(self._url, _reason(error)) from None
        finally:
            response.close()

    def _answered(self, request: httpx2.Request, tries: int, *, stream: bool = False) -> httpx2.Response:
        """The answer to a request, sent up to so many times; as a `stream`, it is not read yet."""
        for tried in range(1, tries + 1):
            pause = random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 4**tried))  # noqa: S311 - spreads retries, guards nothing
            try:
                response = self._http.send(request, stream=stream)
            except _BROKEN as error:
                if tried == tries:
                    raise ConnectionFailed(self._url, _reason(error)) from None
            except httpx2.TimeoutException:
                raise ConnectionFailed(self._url, f"no answer within {self._timeout:g} seconds") from None
            except httpx2.RequestError as error:
                raise UnexpectedAnswer(self._url, type(error).__name__) from None
            else:
                if response.status_code not in _PASSING or tried == tries:
                    return response
                response.close()
                pause = max(pause, min(_LONGEST_PAUSE, _retry_after(response) or 0))
            time.sleep(pause)
        raise AssertionError(
            "a request is sent at least once"
        )  # pragma: no cover - the last try returns or raises

    def _refusal(self, response: httpx2.Response, content: Json | None) -> Exception:
        """The error that an answer stands for."""
        status = response.status_code
        if response.is_redirect:
            to = _origin(response.headers.get("location", ""))
            return UnexpectedAnswer(self._url, f"it redirects to {to}")
        if content is None or not isinstance(content.get("code"), str):
            if status not in _PASSING:
                return UnexpectedAnswer(
                    self._url, f"it answers with status {status}, and not as Keywright does"
                )
            content = {"code": "unavailable", "detail": f"The server is not available (status {status})."}
        return _problem(status, content, _retry_after(response))


def _problem(status: int, content: Json, retry_after: int | None) -> ApiError:
    """The error that problem details stand for."""
    return BY_STATUS.get(status, ApiError)(
        content["code"],
        status,
        str(content.get("detail", "The server gives no reason.")),
        field=content.get("field"),
        request_id=content.get("request_id"),
        retry_after=retry_after,
        extras={name: value for name, value in content.items() if name not in _OF_EVERY_PROBLEM},
    )


def _split(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a stream; what stands after the last line end was broken off, and is a line of its own."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _object(line: bytes) -> Json | None:
    """The JSON object on a line, or None when there is none."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _pairs(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A query string's parts: none for None, several for a list."""
    pairs = []
    for name, value in query.items():
        values = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, _plain(one)) for one in values if one is not None]
    return pairs


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _content(response: httpx2.Response) -> Json | None:
    """The JSON object in an answer, or None when there is none."""
    try:
        content = response.json()
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _origin(location: str) -> str:
    """Where a redirect leads, without what else its address may hold."""
    try:
        parts = urlsplit(location)
        return normal_url(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return "elsewhere"


def _is_problem(response: httpx2.Response) -> bool:
    return "problem" in response.headers.get("content-type", "")


def _retry_after(response: httpx2.Response) -> int | None:
    given = response.headers.get("retry-after", "")
    return int(given) if re.fullmatch(r"[0-9]{1,6}", given) else None


def _reason(error: Exception) -> str:
    """Why a connection broke, in the operating system's words where there are some."""
    if isinstance(error, httpx2.RemoteProtocolError):
        return "the connection was closed before an answer came"
    text = re.sub(r"^\[Errno -?[0-9]+\] ", "", str(error)) or "the connection broke"
    return text[:1].lower() + text[1:].rstrip(".")
