"""The way to the server for all calls but the quick ones, in two kinds: one that waits, and one to be awaited.

Redirects are not followed, because a token must not be sent where nobody meant to send it. For the same reason a
server on this machine is reached without a proxy, whatever the environment says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx2

from keywright.client.errors import ConnectionFailed, UnexpectedAnswer
from keywright.client.http1 import Reply
from keywright.client.wire import CONNECT_SECONDS, Failure, Lines, Wire, encoded, pairs, parsed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from keywright.client.calls import Call, Stream
    from keywright.client.values import Json

_BROKEN: Final = (httpx2.NetworkError, httpx2.RemoteProtocolError)


class Transport:
    """Sends requests and waits for their answers."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        path = wire.socket_path
        transport = None if path is None else httpx2.HTTPTransport(uds=path)
        self._http = httpx2.Client(**_options(wire), transport=transport)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def once(self, call: Call[Any]) -> Reply | Failure:
        """Send a request once, and give what comes of it."""
        try:
            return _reply(self._http.send(_request(self._http, self._wire, call)))
        except httpx2.RequestError as error:
            return _failure(self._wire, error)

    def open(self, stream: Stream) -> httpx2.Response | Failure:
        """Ask for a stream once; the answer is not read yet."""
        try:
            return self._http.send(_stream_request(self._http, self._wire, stream), stream=True)
        except httpx2.RequestError as error:
            return _failure(self._wire, error)

    def read(self, response: httpx2.Response) -> Iterator[Json]:
        """The JSON objects of a stream; raises when it breaks off, or ends with the problem that ended it."""
        lines = Lines()
        try:
            if not response.is_success:
                response.read()
                raise self._wire.refusal(_reply(response), parsed(response.content))
            for part in response.iter_bytes():
                yield from map(self._wire.line, lines.feed(part))
            yield from map(self._wire.line, lines.end())
        except httpx2.RequestError as error:
            raise _broken_off(self._wire, error) from None
        finally:
            response.close()


class AsyncTransport:
    """The same, to be awaited."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        path = wire.socket_path
        transport = None if path is None else httpx2.AsyncHTTPTransport(uds=path)
        self._http = httpx2.AsyncClient(**_options(wire), transport=transport)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def once(self, call: Call[Any]) -> Reply | Failure:
        """Send a request once, and give what comes of it."""
        try:
            return _reply(await self._http.send(_request(self._http, self._wire, call)))
        except httpx2.RequestError as error:
            return _failure(self._wire, error)

    async def open(self, stream: Stream) -> httpx2.Response | Failure:
        """Ask for a stream once; the answer is not read yet."""
        try:
            return await self._http.send(_stream_request(self._http, self._wire, stream), stream=True)
        except httpx2.RequestError as error:
            return _failure(self._wire, error)

    async def read(self, response: httpx2.Response) -> AsyncIterator[Json]:
        """The JSON objects of a stream; raises when it breaks off, or ends with the problem that ended it."""
        lines = Lines()
        try:
            if not response.is_success:
                await response.aread()
                raise self._wire.refusal(_reply(response), parsed(response.content))
            async for part in response.aiter_bytes():
                for line in lines.feed(part):
                    yield self._wire.line(line)
            for line in lines.end():
                yield self._wire.line(line)
        except httpx2.RequestError as error:
            raise _broken_off(self._wire, error) from None
        finally:
            await response.aclose()


def _options(wire: Wire) -> dict[str, Any]:
    return {
        "base_url": wire.http_url,
        "headers": {"User-Agent": wire.user_agent, "Accept": "application/json"},
        "timeout": httpx2.Timeout(wire.timeout, connect=min(wire.timeout, CONNECT_SECONDS)),
        "follow_redirects": False,
        # Certificates take long to load, and a plain address never meets one.
        "verify": wire.url.startswith("https:"),
        "trust_env": not wire.is_local,
    }


def _request(http: httpx2.Client | httpx2.AsyncClient, wire: Wire, call: Call[Any]) -> httpx2.Request:
    return http.build_request(
        call.method,
        call.path,
        params=None if call.query is None else pairs(call.query),
        content=encoded(call.body),
        headers=wire.headers(call),
    )


def _stream_request(http: httpx2.Client | httpx2.AsyncClient, wire: Wire, stream: Stream) -> httpx2.Request:
    return http.build_request(
        "GET", stream.path, params=pairs(stream.query), headers=wire.stream_headers(stream)
    )


def _reply(response: httpx2.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, response.content)


def _failure(wire: Wire, error: httpx2.RequestError) -> Failure:
    """What a request that got no answer comes to."""
    if isinstance(error, httpx2.TimeoutException):
        return wire.late()
    if isinstance(error, httpx2.RemoteProtocolError):
        return wire.closed()
    if isinstance(error, _BROKEN):
        return wire.broken(error)
    return Failure(UnexpectedAnswer(wire.url, type(error).__name__), again=False)


def _broken_off(wire: Wire, error: httpx2.RequestError) -> Exception:
    """What a stream that broke off comes to."""
    if isinstance(error, httpx2.TimeoutException):
        return ConnectionFailed(wire.url, f"no more came within {wire.timeout:g} seconds")
    return _failure(wire, error).error
