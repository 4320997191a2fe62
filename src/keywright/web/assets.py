"""Files that are shipped with Keywright and served as they are, below `/assets/`."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

GUARDS: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
"""Headers that every page and every file carries."""

_MEDIA_TYPES: Final = {
    "": "text/plain",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
# Only a folder whose name holds the version: the manifest beside it changes in place.
_VERSIONED: Final = re.compile(r"vendor/[^/]+-\d[^/]*/")
_LETTERS: Final = 16
_FOR_GOOD: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Asset:
    data: bytes
    packed: bytes
    media_type: str
    version: str
    kept: str


class Assets:
    """All files below a folder, read once; `prefix` is the path at which they are served, with a slash at its end."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self._prefix = prefix
        self._found = {
            file.relative_to(folder).as_posix(): _read(file, file.relative_to(folder).as_posix())
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }

    def address(self, path: str) -> str:
        """The address of a file, which holds its version, so that browsers may keep it for good. Raises `KeyError`."""
        return f"{self._prefix}{path}?v={self._found[path].version[:_LETTERS]}"

    def packed_size(self, path: str) -> int:
        """The bytes that a file takes on its way to a browser. Raises `KeyError`."""
        return len(self._found[path].packed)

    def route(self) -> Route:
        """The route at which they are served."""

        async def serve(request: Request) -> Response:
            asset = self._found.get(request.path_params["path"])
            if asset is None:
                raise HTTPException(404)
            return _answer(asset, request)

        return Route(f"{self._prefix}{{path:path}}", serve)


def _read(file: Path, path: str) -> _Asset:
    data = file.read_bytes()
    return _Asset(
        data=data,
        packed=gzip.compress(data, 9, mtime=0),
        media_type=_MEDIA_TYPES[file.suffix],
        version=hashlib.sha256(data).hexdigest(),
        kept=_FOR_GOOD if _VERSIONED.match(path) else "no-cache",
    )


def _answer(asset: _Asset, request: Request) -> Response:
    kept = _FOR_GOOD if request.query_params.get("v") == asset.version[:_LETTERS] else asset.kept
    tag = f'"{asset.version}"'
    headers = {"Cache-Control": kept, "ETag": tag, "Vary": "Accept-Encoding", **GUARDS}
    known = request.headers.get("if-none-match", "")
    if tag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Response(status_code=304, headers=headers)
    data = asset.data
    if len(asset.packed) < len(data) and _takes_gzip(request.headers.get("accept-encoding", "")):
        data = asset.packed
        headers["Content-Encoding"] = "gzip"
    return Response(data, headers=headers, media_type=asset.media_type)


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip and does not rule it out: RFC 9110, section 12.5.3."""
    for one in accepted.split(","):
        coding, _, weight = one.partition(";")
        if coding.strip().lower() == "gzip":
            return not re.fullmatch(r"\s*q=0(\.0*)?\s*", weight)
    return False
