"""Answers of HTTP/1.1, read from whatever pieces they come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.client.http1 import MAX_BODY, MAX_HEAD, Malformed, Reading, Reply

BODY = b'{"valid":true}'
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n" + BODY
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'5;x=1\r\n{"val\r\n09\r\nid":true}\r\n0\r\nTrailer: x\r\n\r\n'
)
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
UNENDED = b"HTTP/1.0 200\r\n\r\n" + BODY
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
ALL = [PLAIN, CHUNKED, EARLY + PLAIN, UNENDED, EMPTY]


def read(raw: bytes, cuts: list[int]) -> Reply:
    """Read an answer that comes in pieces."""
    reading, begun = Reading(), 0
    for cut in [*sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]:
        reply = reading.feed(raw[begun:cut])
        begun = cut
        if reply is not None:
            assert begun == len(raw)
            return reply
    return reading.end()


@given(st.sampled_from(ALL), st.lists(st.integers(0, 400), max_size=6))
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(raw: bytes, cuts: list[int]) -> None:
    reply = read(raw, cuts)
    assert (reply.status, reply.body) == ((204, b"") if raw is EMPTY else (200, BODY))
    assert reply.reusable is (raw is not UNENDED)


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(raw: bytes) -> None:
    try:
        read(raw, [])
    except Malformed:
        return
    assert raw.startswith(b"HTTP/1.")


@given(st.sampled_from([PLAIN, CHUNKED]), st.data())
def test_an_answer_that_breaks_off_is_none(raw: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(raw) - 1))
    reading = Reading()
    assert reading.feed(raw[:cut]) is None
    with pytest.raises(Malformed):
        reading.end()


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2000\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        HEAD + b"No colon\r\n\r\n",
        HEAD + b"Name : x\r\n\r\n",
        HEAD + b"A: b\r\n folded\r\n\r\n",
        HEAD + b"A: b\nc: d\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 1, 1\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1),
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * (MAX_HEAD + 1),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"a" * (MAX_HEAD + 1),
        HEAD + b"A: " + b"b" * MAX_HEAD,
    ],
    ids=range(20),
)
def test_what_is_no_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        Reading().feed(raw)


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: Upgrade, Close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
    ids=["close", "old", "old-kept"],
)
def test_a_connection_is_kept_when_the_server_keeps_it(head: bytes, reusable: bool) -> None:
    reply = Reading().feed(head + b"Content-Length: 1\r\n\r\nx")
    assert reply is not None
    assert reply.reusable is reusable


def test_a_connection_with_more_than_an_answer_is_not_kept() -> None:
    for raw in (PLAIN, CHUNKED, EMPTY, CHUNKED.replace(b"Trailer: x\r\n", b"")):
        reply = Reading().feed(raw + b"HTTP/1.1 200 OK\r\n")
        assert reply is not None
        assert not reply.reusable


def test_a_header_that_stands_twice_is_one_list() -> None:
    reply = Reading().feed(b"HTTP/1.1 204 \r\nA: 1\r\na: 2\r\nB:\t x \r\n\r\n")
    assert reply is not None
    assert reply.headers == {"a": "1, 2", "b": "x"}


def test_an_answer_shows_no_body() -> None:
    assert "valid" not in repr(read(PLAIN, []))
