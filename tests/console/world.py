"""Two tenants with one of everything in each, and what stands for the variables of every page's path in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final

from keywright.console.door import PAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.console.routing import Page
    from tests.support.keywright import Keywright

_VARIABLE: Final = re.compile(r"\{(\w+)(?::\w+)?\}")

QUERIES: Final[Mapping[str, str]] = {"/t/{tenant}/memberships/new": "identity={people}"}
"""What has to stand behind the question mark of a page's address, where it needs something there."""

OWN: Final = ("/account/passkeys/{passkey}/", "/account/sessions/{session}/")
"""Where the pages begin that are about one thing of the reader's own; there is none of that id here."""
UNSET: Final = ("/login/sign-on", "/sign-on/callback")
"""Pages that are there only where an identity provider is set up, which is not so here."""
BY_SCRIPT: Final = frozenset({"/invitations/accept"})
"""Forms that a script sends to the REST door, and that stand there closed without one."""


def is_elsewhere(page: Page) -> bool:
    """Whether there is nothing at a page's address here, for anybody."""
    return page.path.startswith((*OWN, *UNSET))


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant, with the ids of what is in it by the word before them in an address."""

    slug: str
    things: Mapping[str, str]

    def at(self, page: Page, *, tenant: str | None = None) -> str:
        """The address of a page with what is in this tenant; `tenant` stands in its place in the address.

        A page whose path has a variable that is not known here fails: say in `made` what stands for it.
        """

        def value(found: re.Match[str]) -> str:
            if found[1] == "tenant":
                return self.slug if tenant is None else tenant
            before = page.path[: found.start()].rstrip("/").rpartition("/")[2]
            if before not in self.things:
                raise AssertionError(
                    f"Say in tests/console/world.py what stands for {found[0]} in {page.path}."
                )
            return self.things[before]

        query = QUERIES.get(page.path, "").format_map(self.things)
        return _VARIABLE.sub(value, page.path) + (f"?{query}" if query else "")


def made(keywright: Keywright, slug: str) -> Tenant:
    """Make a tenant with one of everything."""
    catalog = {"actions": [{"name": "article:read"}, {"name": "article:write"}]}
    keywright.tenant(slug, catalog)

    def post(path: str, body: Any) -> Any:
        return keywright.rest("POST", path, body, tenant=slug)

    role = post("/v1/roles", {"name": f"editor-{slug}", "policies": [{"actions": ["article:*"]}]})
    held = [{"role": role["name"]}]
    account = post("/v1/service-accounts", {"name": "importer", "memberships": held})
    key = post("/v1/keys", {"name": "Nightly export", "identity_id": account["id"]})["key"]
    person = keywright.person(f"person-{slug}", slug, "member")
    memberships = keywright.rest("GET", f"/v1/memberships?identity_id={person['id']}", tenant=slug)
    invitation = post("/v1/invitations", {"name": "Ada", "email": f"{slug}@example.com", "memberships": held})
    return Tenant(
        slug,
        {
            "tenants": slug,
            "keys": key["id"],
            "service-accounts": account["id"],
            "people": person["id"],
            "roles": role["name"],
            "edit": "about",
            "memberships": memberships["items"][0]["id"],
            "invitations": invitation["invitation"]["id"],
            "passkeys": f"pky_{'0' * 32}",
            "sessions": f"ses_{'0' * 32}",
        },
    )


def pages(method: str) -> list[Page]:
    """Every page that takes a method, in the order of the console."""
    return [one for one in PAGES if method in one.methods]


def name_of(page: Page) -> str:
    """A page as tests are named by it."""
    return page.path


def page_at(path: str, method: str) -> Page | None:
    """The page that a path leads to, None where there is none."""
    bare = path.partition("?")[0].partition("#")[0]
    for one in pages(method):
        pattern = "".join(
            "[^/]+" if part.startswith("{") else re.escape(part)
            for part in re.split(r"(\{[^}]*\})", one.path)
        )
        if re.fullmatch(pattern, bare):
            return one
    return None


class Offered(HTMLParser):
    """What a page offers: the targets of its forms, its links, and buttons that belong to no form."""

    def __init__(self, html: str, here: str) -> None:
        super().__init__()
        self.posts: set[str] = set()
        self.links: set[str] = set()
        self.stray: list[str] = []
        self.proof = ""
        self._here = here.partition("?")[0]
        self._forms: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            method = found.get("method", "get").lower()
            action = found.get("action") or self._here
            self._forms.append((method, action))
            (self.posts if method == "post" else self.links).update({action} if method != "dialog" else ())
        if tag in ("button", "input") and "formaction" in found:
            self.posts.add(found["formaction"])
        if tag == "button" and not self._forms and "form" not in found and found.get("type") != "button":
            self.stray.append(str(found))
        if tag == "input" and found.get("name") == "csrf":
            self.proof = found["value"]
        if "hx-post" in found:
            self.posts.add(found["hx-post"])
        self.links.update(found[name] for name in ("hx-get",) if name in found)
        if tag == "a" and found.get("href", "").startswith("/"):
            self.links.add(found["href"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._forms.pop()
