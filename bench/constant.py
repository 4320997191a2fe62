"""The ceiling: the same server software answering a constant of about the size of a verdict, and doing nothing else."""

from __future__ import annotations

from typing import Any

BODY = b'{"valid":true,"code":"VALID","key_id":"' + b"k" * 36 + b'","rest":"' + b"x" * 300 + b'"}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]


async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
    """Answer every request alike."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
