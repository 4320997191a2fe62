"""An application on plain WSGI whose articles are read with API keys."""

import json
import os
import re
import signal
import sys
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from keywright import Verifier
from keywright.client import Client
from keywright.client.wsgi import KeyRequired, Protection


def verifier() -> Verifier | Client:
    """Decides in this process, or asks a server over HTTP."""
    if "KEYWRIGHT_URL" in os.environ:
        return Client(os.environ["KEYWRIGHT_URL"], os.environ["KEYWRIGHT_API_KEY"], timeout=2, tries=1)
    return Verifier(os.environ["KEYWRIGHT_DATABASE_URL"], tenant="default")


def answer(start_response: StartResponse, status: str, body: object) -> list[bytes]:
    """A JSON response."""
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


def read(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """For keys that may read this article."""
    caller, params = environ["keywright"], environ["wsgiorg.routing_args"][1]
    told = {"article": params["article_id"], "for": caller.identity.name, "tenant": caller.tenant}
    return answer(start_response, "200 OK", told)


keys = Protection(verifier)
guarded = KeyRequired(read, keys, action="article:read", resource="article:{article_id}")


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The whole application, with its two paths."""
    path = environ["PATH_INFO"]
    if path == "/health":
        return answer(start_response, "200 OK", {"status": "ok"})
    article = re.fullmatch(r"/articles/(?P<article_id>[^/]+)", path)
    if article is None:
        return answer(start_response, "404 Not Found", {"status": "not found"})
    environ["wsgiorg.routing_args"] = ((), article.groupdict())
    return guarded(environ, start_response)


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each request."""

    daemon_threads = True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    make_server("127.0.0.1", int(sys.argv[1]), app, Server).serve_forever()
