"""Below `/assets/`, the vendored files are those of the manifest, and nothing names another host."""

import base64
import hashlib
import importlib.util
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from keywright.web.pages import ASSETS, routes

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ASSETS / "vendor"
CONSOLE = ROOT / "src/keywright/console/assets"
PLACES = [VENDOR, CONSOLE / "vendor", ROOT / "tests/console/vendor"]
TOOL = ROOT / "tools" / "vendor.py"
OWN = sorted(file for file in ASSETS.iterdir() if file.is_file())
ALL_OWN = [*OWN, *sorted(file for file in CONSOLE.iterdir() if file.is_file())]
CONTENTS = {file: file.read_bytes() for file in [*OWN, VENDOR / "manifest.json"]}
SWAGGER_UI = "/assets/vendor/swagger-ui-dist-5.35.0/swagger-ui.css"

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=Starlette(routes=routes()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://keywright.test") as found:
        yield found


def manifest_of(place: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((place / "manifest.json").read_text("utf-8"))
    return entries


@pytest.fixture(scope="module")
def manifest() -> list[dict[str, Any]]:
    return manifest_of(VENDOR)


@pytest.fixture(scope="module")
def vendor() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vendor", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its own module up while it is made.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
    return module


def of_place(place: Path) -> str:
    return place.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("place", PLACES, ids=of_place)
def test_every_vendored_file_is_the_one_in_the_manifest(place: Path) -> None:
    for entry in manifest_of(place):
        data = (place / entry["file"]).read_bytes()
        digest = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode("ascii")
        assert (len(data), digest) == (entry["bytes"], entry["sha512"]), entry["file"]


@pytest.mark.parametrize("place", PLACES, ids=of_place)
def test_no_vendored_file_is_outside_the_manifest(place: Path) -> None:
    found = {file.relative_to(place).as_posix() for file in place.rglob("*") if file.is_file()}
    assert found == {entry["file"] for entry in manifest_of(place)} | {"manifest.json"}


@pytest.mark.parametrize("place", PLACES, ids=of_place)
def test_every_package_has_its_licence_text(place: Path) -> None:
    texts = {
        "MIT": "Permission is hereby granted, free of charge",
        "Apache-2.0": "Apache License",
        "0BSD": "Permission to use, copy, modify, and/or distribute this software",
        "MPL-2.0": "Mozilla Public License, version 2.0",
    }
    for entry in manifest_of(place):
        folder = entry["file"].partition("/")[0]
        assert texts[entry["licence"]] in (place / folder / "LICENSE").read_text("utf-8"), entry["package"]


@pytest.mark.parametrize("place", PLACES, ids=of_place)
def test_the_manifest_says_what_the_tool_fetches(place: Path, vendor: ModuleType) -> None:
    pinned = {
        (package.name, package.version, package.licence, f"{package.folder}/{Path(file).name}")
        for package in vendor.PLACES[place]
        for file in package.files
    }
    manifest = manifest_of(place)
    listed = {(entry["package"], entry["version"], entry["licence"], entry["file"]) for entry in manifest}
    assert listed == pinned
    assert {entry["source"] for entry in manifest} == {"npm"}


@pytest.mark.parametrize("place", PLACES, ids=of_place)
def test_a_file_is_marked_as_changed_when_the_tool_changes_it(place: Path, vendor: ModuleType) -> None:
    changed = {
        f"{package.folder}/{Path(file).name}" for package in vendor.PLACES[place] for file in package.fontless
    }
    assert {entry["file"] for entry in manifest_of(place) if "change" in entry} == changed
    for file in changed:
        assert "@font-face" not in (place / file).read_text("utf-8")


def test_there_is_no_other_place(vendor: ModuleType) -> None:
    assert set(vendor.PLACES) == set(PLACES)


def test_the_vendored_files_stay_under_4_mb() -> None:
    assert sum(file.stat().st_size for file in VENDOR.rglob("*") if file.is_file()) < 4_000_000


@pytest.mark.parametrize("file", ALL_OWN, ids=lambda file: str(file.name))
def test_our_own_files_name_no_other_host(file: Path) -> None:
    text = file.read_text("utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert re.search(r"(https?:|wss?:)?//[\w.]", re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)) is None


def test_vendored_styles_load_nothing_from_an_address() -> None:
    for file in (file for place in PLACES for file in place.rglob("*.css")):
        addresses = re.findall(r"(?:url\(\s*|@import\s*)[\"']?([^\"')]{1,8})", file.read_text("utf-8"))
        assert {address[:5] for address in addresses} <= {"data:"}, file.name


@pytest.mark.parametrize("file", CONTENTS, ids=lambda file: str(file.name))
async def test_files_without_a_version_in_their_path_are_asked_for_anew(
    client: httpx2.AsyncClient, file: Path
) -> None:
    path = f"/assets/{file.relative_to(ASSETS).as_posix()}"
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.content == CONTENTS[file]
    assert answer.headers["cache-control"] == "no-cache"

    known = {"if-none-match": f'"other", W/{answer.headers["etag"]}'}
    again = await client.get(path, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    assert again.headers["cache-control"] == "no-cache"


async def test_files_with_a_version_in_their_path_may_be_kept_for_good(
    client: httpx2.AsyncClient, manifest: list[dict[str, Any]]
) -> None:
    for entry in manifest:
        answer = await client.get(f"/assets/vendor/{entry['file']}")
        assert answer.status_code == 200, entry["file"]
        assert len(answer.content) == entry["bytes"]
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/assets/docs.js", "text/javascript; charset=utf-8"),
        ("/assets/pages.css", "text/css; charset=utf-8"),
        ("/assets/key.svg", "image/svg+xml"),
        ("/assets/vendor/manifest.json", "application/json"),
        ("/assets/vendor/react-18.3.1/LICENSE", "text/plain; charset=utf-8"),
    ],
)
async def test_files_say_what_they_are(client: httpx2.AsyncClient, path: str, kind: str) -> None:
    answer = await client.head(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_the_entity_tag_follows_the_contents(client: httpx2.AsyncClient) -> None:
    tags = {(await client.head(f"/assets/{file.name}")).headers["etag"] for file in OWN}
    assert len(tags) == len(OWN)


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/vendor",
        "/assets/none.js",
        "/assets/../pages.py",
        "/assets/%2e%2e/pages.py",
        "/assets/..%2fpages.py",
        "/assets//etc/passwd",
        "/assets/vendor/../docs.js%00",
    ],
)
async def test_nothing_else_is_served(client: httpx2.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_files_are_only_read(client: httpx2.AsyncClient, method: str) -> None:
    assert (await client.request(method, SWAGGER_UI)).status_code == 405
