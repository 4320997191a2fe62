"""As much of HTTP/1.1 (RFC 9112) as one short question and its answer need, without any input or output.

Bytes go in as they come from a connection, and the answer comes out once it is whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_HEAD = 65_536
MAX_BODY = 64 << 20
_status_line = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?").fullmatch
_field_line = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*").fullmatch
_length = re.compile(r"[0-9]{1,15}").fullmatch
_chunk_size = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?").fullmatch


class Malformed(Exception):
    """What came is no answer of HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. The names of headers are in lower case; `reusable` says whether the connection is good for another."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)
    reusable: bool = False


class Reading:
    """One answer on its way. Every `feed` gives the answer when it is whole, else None. Raises `Malformed`."""

    def __init__(self) -> None:
        self._came = b""
        self._body: list[bytes] = []
        self._size = 0
        self._head: tuple[int, dict[str, str], bool] | None = None
        self._left: int | None = None
        self._chunked = False

    def feed(self, data: bytes) -> Reply | None:
        """Take what came."""
        self._came += data
        if self._head is None and not self._read_head():
            return None
        return self._read_chunks() if self._chunked else self._read_plain()

    def end(self) -> Reply:
        """The answer of a connection that was closed; raises `Malformed` when there is more of it to come."""
        if self._head is None or self._chunked or self._left is not None:
            raise Malformed
        return self._reply(keep=False)

    def _read_head(self) -> bool:
        while True:
            head, ended, rest = self._came.partition(b"\r\n\r\n")
            if len(head) > MAX_HEAD:
                raise Malformed
            if not ended:
                return False
            self._came = rest
            status, headers, keep = _parsed(head)
            if status == 101:
                raise Malformed
            if status >= 200:
                break
        self._head = (status, headers, keep)
        codings = headers.get("transfer-encoding")
        length = headers.get("content-length")
        if codings is not None:
            # RFC 9112, section 6.3: who sends both may be up to smuggling.
            if codings.lower() != "chunked" or length is not None:
                raise Malformed
            self._chunked = True
        elif status in (204, 304):
            self._left = 0
        elif length is not None:
            if not _length(length) or int(length) > MAX_BODY:
                raise Malformed
            self._left = int(length)
        return True

    def _read_plain(self) -> Reply | None:
        if self._left is None:
            self._take(len(self._came))
            return None
        taken = min(self._left, len(self._came))
        self._left -= taken
        self._take(taken)
        return self._reply(keep=not self._came) if self._left == 0 else None

    def _read_chunks(self) -> Reply | None:
        """Chunks, each behind a line with its size; the last one is empty, and lines of trailers come behind it."""
        while True:
            line, ended, rest = self._came.partition(b"\r\n")
            if not ended:
                if len(line) > MAX_HEAD:
                    raise Malformed
                return None
            size = _chunk_size(line)
            if size is None:
                raise Malformed
            count = int(size[1], 16)
            if count == 0:
                return self._read_trailers(rest)
            if len(rest) < count + 2:
                if count > MAX_BODY:
                    raise Malformed
                return None
            if rest[count : count + 2] != b"\r\n":
                raise Malformed
            self._came = rest
            self._take(count)
            self._came = self._came[2:]

    def _read_trailers(self, rest: bytes) -> Reply | None:
        if rest.startswith(b"\r\n"):
            self._came = rest[2:]
            return self._reply(keep=not self._came)
        trailers, ended, behind = rest.partition(b"\r\n\r\n")
        if len(trailers) > MAX_HEAD:
            raise Malformed
        if not ended:
            return None
        self._came = behind
        return self._reply(keep=not behind)

    def _take(self, count: int) -> None:
        self._size += count
        if self._size > MAX_BODY:
            raise Malformed
        self._body.append(self._came[:count])
        self._came = self._came[count:]

    def _reply(self, *, keep: bool) -> Reply:
        assert self._head is not None  # noqa: S101 - a body comes behind a head
        status, headers, alive = self._head
        return Reply(status, headers, b"".join(self._body), keep and alive)


def _parsed(head: bytes) -> tuple[int, dict[str, str], bool]:
    """Status, headers, and whether the connection stays open; a header that stands there twice is one list."""
    first, *lines = head.split(b"\r\n")
    status = _status_line(first)
    if status is None:
        raise Malformed
    headers: dict[str, str] = {}
    for line in lines:
        found = _field_line(line)
        if found is None or b"\n" in line or b"\0" in line:
            raise Malformed
        name, value = found[1].decode().lower(), found[2].decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    options = {one.strip().lower() for one in headers.get("connection", "").split(",")}
    alive = "close" not in options if status[1] == b"1" else "keep-alive" in options
    return int(status[2]), headers, alive
