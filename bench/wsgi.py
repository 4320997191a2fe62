"""`python -m bench.wsgi FRAMEWORK TOKEN LOOPS`: processor time of a hello, open to all and for keys, without a server.

Prints two numbers: microseconds of the whole process a request, so that the loop where the verifier lives counts too.
"""

from __future__ import annotations

import io
import sys
import time
from statistics import median
from typing import Any

from bench import hello

_PATHS = ("/open/42", "/keyed/42")
_WARM, _TURNS = 50, 10


def main() -> None:
    framework, token, loops = sys.argv[1], sys.argv[2], int(sys.argv[3])
    app = getattr(hello, framework)()
    for path in _PATHS:
        measured(app, path, token, _WARM)
    # In turns, since a process gets quicker as it runs.
    found = [[measured(app, path, token, loops // _TURNS) for path in _PATHS] for _ in range(_TURNS)]
    print(*(median(times) for times in zip(*found, strict=True)))


def measured(app: Any, path: str, token: str, loops: int) -> float:  # noqa: ANN401 - WSGI is untyped
    """Microseconds of processor time a request."""
    began = time.process_time()
    for _ in range(loops):
        ask(app, path, token)
    return (time.process_time() - began) / loops * 1e6


def ask(app: Any, path: str, token: str) -> None:  # noqa: ANN401 - as above
    """One request; stops at an answer other than 200."""
    told: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    answer = app(environ, lambda status, _headers, _error=None: told.append(status))
    b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    if told != ["200 OK"]:
        sys.exit(f"{path} answers {told}.")


if __name__ == "__main__":
    main()
