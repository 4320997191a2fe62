"""Somebody at a browser: logs in, goes through pages, and looks at each as closely as its users will."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.keywright import ADMIN, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Locator, Page

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / ".screens"
"""Where the pictures of pages are put, by name, anew in each run."""
AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 360, "height": 740}
# What a browser writes when an answer is an error, which is what some tests are about.
_EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


@dataclass
class Reader:
    """One browser context with one page in it; `complaints` gathers what goes wrong in its scripts or its policy."""

    url: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page by its path."""
        self.page.goto(f"{self.url}{path}")

    def arrive(self, path: str) -> None:
        """Wait until the page at a path is there."""
        self.page.wait_for_url(f"{self.url}{path}")

    def log_in(self, login: str = ADMIN, password: str = PASSWORD) -> None:
        """Log in by the form."""
        self.go("/login")
        self.page.get_by_label("Login name").fill(login)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Log in", exact=True).click()
        self.page.wait_for_url(lambda url: "/login" not in url)

    def link(self, name: str, **options: Any) -> Locator:
        """A link by its words."""
        return self.page.get_by_role("link", name=name, **options)

    def button(self, name: str, **options: Any) -> Locator:
        """A button by its words."""
        return self.page.get_by_role("button", name=name, **options)

    def send(self, name: str, **options: Any) -> None:
        """Send a form by a button, and wait for the page that follows."""
        with self.page.expect_navigation():
            self.button(name, **options).click()

    def follow(self, name: str, **options: Any) -> None:
        """Follow a link by its words, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.link(name, **options).first.click()

    @property
    def text(self) -> str:
        """What stands in the page's main part."""
        return self.page.locator("main").inner_text()

    @property
    def notice(self) -> str:
        """What the page says was done, or went wrong."""
        return self.page.locator("#notices").inner_text()

    def look(self, name: str, *, narrow: bool = True) -> None:
        """Take pictures of the page, light, dark and narrow; nothing in it may keep anybody from using it.

        axe-core finds nothing serious in either colour, and at 360 pixels nothing sticks out at the side.
        """
        SCREENS.mkdir(exist_ok=True)
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            self.page.screenshot(path=SCREENS / f"{name}-{scheme}.png", full_page=True, caret="initial")
            found = self.barriers()
            assert found == [], f"{name}, {scheme}: {found}"
        self.page.emulate_media(color_scheme="light")
        if narrow:
            self.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
            self.page.screenshot(path=SCREENS / f"{name}-narrow.png", full_page=True, caret="initial")
            width = self.page.evaluate("document.documentElement.scrollWidth")
            self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]
            assert width <= NARROW["width"], f"{name} is {width} pixels wide at {NARROW['width']}"

    def barriers(self) -> list[str]:
        """What axe-core calls serious or critical on this page."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {json.dumps([node['html'][:200] for node in one['nodes']][:3])}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]


@contextmanager
def reading(browser: Browser, url: str, **options: Any) -> Iterator[Reader]:
    """A new reader, who knows nothing and is logged in nowhere. Complaints of the browser fail the test."""
    wanted = {"viewport": WIDE, "locale": "en-GB", "timezone_id": "Europe/Prague", "reduced_motion": "reduce"}
    wanted |= options
    context = browser.new_context(**wanted)
    context.set_default_timeout(10_000)
    page = context.new_page()
    reader = Reader(url, context, page)

    def heard(message: Any) -> None:
        if message.type in ("error", "warning") and not _EXPECTED.search(message.text):
            reader.complaints.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: reader.complaints.append(str(error)))
    try:
        yield reader
        assert reader.complaints == [], reader.complaints
    finally:
        context.close()
