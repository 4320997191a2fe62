"""Fetch the third-party browser files that Keywright serves, and write their manifest.

Run as `python tools/vendor.py`; it needs npm and the registry, which neither users nor tests do. To move to
another version, change the entry below (`npm view NAME@VERSION dist.integrity` prints the new integrity) and
the paths that name the version: in `web/pages.py` and `web/assets/*.css`, in `console/rendering.py`, and in the tests
of the console.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FONT_FACE = re.compile(rb"@font-face\s*\{[^{}]*\}")


@dataclasses.dataclass(frozen=True, slots=True)
class Package:
    """One npm package at one version, and the files of it that are served or that its licence asks for.

    `integrity` is that of the whole archive, as npm writes it; `licence` is an SPDX expression over
    the `files`. Those of them that are `fontless` are kept without the fonts that they embed.
    """

    name: str
    version: str
    integrity: str
    licence: str
    files: tuple[str, ...]
    fontless: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folder below `vendor`: its name has the version, so browsers may keep its files for good."""
        return f"{self.name.rpartition('/')[2]}-{self.version}"


EXPLORERS = (
    Package(
        name="swagger-ui-dist",
        version="5.35.0",
        integrity="sha512-U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==",
        licence="Apache-2.0",
        files=(
            "swagger-ui-bundle.js",
            "swagger-ui-bundle.js.LICENSE.txt",
            "swagger-ui.css",
            "LICENSE",
            "NOTICE",
        ),
    ),
    # The last series with a build that runs from plain script files: later ones are modules with web workers.
    Package(
        name="graphiql",
        version="3.9.0",
        integrity="sha512-rJYFlHdBbug9+YbFSwRVvgfPjCayC7wHecZkx/qB4XLuQPFQZw/yB9pmHFtOJV6RiNBBHro3u1GdocKa3YcGRA==",
        licence="MIT",
        files=("graphiql.min.js", "graphiql.min.css", "LICENSE"),
        # Browsers load fonts in data: addresses even when no text uses them, which our policy forbids.
        fontless=("graphiql.min.css",),
    ),
    # The last major version of React with such a build, and the last that GraphiQL 3 accepts.
    Package(
        name="react",
        version="18.3.1",
        integrity="sha512-wS+hAgJShR0KhEvPJArfuPVN1+Hz1t0Y6n5jLrGQbkb4urgPE/0Rve+1kMB1v/oWgHgm4WIcV+i7F2pTVj+2iQ==",
        licence="MIT",
        files=("umd/react.production.min.js", "LICENSE"),
    ),
    Package(
        name="react-dom",
        version="18.3.1",
        integrity="sha512-5m4nQKp+rZRb09LNH59GM4BxTh9251/ylbKIbpe7TpGxfJ+9kv6BLkLBXIjjspbgbnIBNqlI23tRnTWT0snUIw==",
        licence="MIT",
        files=("umd/react-dom.production.min.js", "LICENSE"),
    ),
)


CONSOLE = (
    Package(
        name="htmx.org",
        version="4.0.1",
        integrity="sha512-oF7JgXhDW9UXCy/k1ZYFUQgzu/rm19ORWPSPNL91vPluB2PB9+MV55tyQdH/w7o2EAbTYUG5SDW1R60mdkdqGg==",
        licence="0BSD",
        files=("dist/htmx.min.js", "LICENSE"),
    ),
    Package(
        name="open-props",
        version="1.7.23",
        integrity="sha512-+xyrJmxV9QUBFbSwPROYhOg/FLXry+uuPr4R+B5EaE4556Oc18/8ZC/fL5A+/lbRSwNvA0Alh+C0KpyFWLmLZg==",
        licence="MIT",
        files=("sizes.min.css", "borders.min.css", "shadows.min.css", "easings.min.css", "LICENSE"),
    ),
    Package(
        name="uplot",
        version="1.6.32",
        integrity="sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==",
        licence="MIT",
        files=("dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE"),
    ),
)

TESTS = (
    Package(
        name="axe-core",
        version="4.14.1",
        integrity="sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        licence="MPL-2.0",
        files=("axe.min.js", "LICENSE"),
    ),
)

PLACES = {
    ROOT / "src" / "keywright" / "web" / "assets" / "vendor": EXPLORERS,
    ROOT / "src" / "keywright" / "console" / "assets" / "vendor": CONSOLE,
    ROOT / "tests" / "console" / "vendor": TESTS,
}
"""The folders of vendored files, and what is in each."""


def integrity_of(data: bytes) -> str:
    """Return the SHA-512 of `data` in the form in which npm and browsers write it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode("ascii")


def download(package: Package, folder: Path) -> Path:
    """Let npm put the package's archive into `folder`; end the program if it is not the pinned one."""
    wanted = f"{package.name}@{package.version}"
    command = ["npm", "pack", "--ignore-scripts", "--json", wanted]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE)
    archive = Path(folder, json.loads(done.stdout)[0]["filename"])
    found = integrity_of(archive.read_bytes())
    if found != package.integrity:
        sys.exit(f"{wanted}: the archive's integrity is {found}, expected {package.integrity}")
    return archive


def unpack(package: Package, archive: Path, target: Path) -> list[dict[str, str | int]]:
    """Copy the package's files below `target` and return their entries in the manifest."""
    entries: list[dict[str, str | int]] = []
    with tarfile.open(archive) as tar:
        for name in package.files:
            member = tar.extractfile(f"package/{name}")
            if member is None:
                sys.exit(f"{package.name}@{package.version}: {name} is not a file")
            data = member.read()
            change = {}
            if name in package.fontless:
                data = FONT_FACE.sub(b"", data)
                change = {"change": "@font-face rules removed"}
            file = Path(package.folder, Path(name).name)
            (target / file).parent.mkdir(exist_ok=True)
            (target / file).write_bytes(data)
            entries.append(
                {
                    "package": package.name,
                    "version": package.version,
                    "licence": package.licence,
                    "file": file.as_posix(),
                    "sha512": integrity_of(data),
                    "bytes": len(data),
                    "source": "npm",
                    **change,
                }
            )
    return entries


def fill(vendor: Path, packages: tuple[Package, ...]) -> str:
    """Put the files of packages into a folder, in place of what is there; return how many and how large they are."""
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary, "vendor")
        fresh.mkdir()
        entries = []
        for package in packages:
            entries += unpack(package, download(package, Path(temporary)), fresh)
        (fresh / "manifest.json").write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
        # The old files go only when every new one is there and right.
        shutil.rmtree(vendor, ignore_errors=True)
        shutil.copytree(fresh, vendor)
    return f"{len(entries)} files, {sum(int(entry['bytes']) for entry in entries):,} bytes"


def main() -> None:
    for vendor, packages in PLACES.items():
        print(f"{vendor.relative_to(ROOT)}: {fill(vendor, packages)}")


if __name__ == "__main__":
    main()
