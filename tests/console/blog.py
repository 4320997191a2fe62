"""A tenant as somebody has it who runs a blog: a catalog, roles with variables, service accounts and people."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.console.codes import codes_in
from tests.console.reader import reading
from tests.support.keywright import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator

    from tests.console.codes import Codes
    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

BLOG = "my-blog"
_VERBS = {
    "read": "Read",
    "create": "Write",
    "update": "Change",
    "publish": "Publish",
    "delete": "Delete",
}
_NOUNS = ("article", "comment", "deployment", "image", "invoice", "newsletter", "webhook")
CATALOG: dict[str, Any] = {
    "actions": [
        {"name": f"{noun}:{verb}", "group": f"{noun.capitalize()}s", "description": f"{text} {noun}s"}
        for noun in _NOUNS
        for verb, text in _VERBS.items()
    ],
    "resource_types": [
        {"name": "article", "segments": ["language", "article"]},
        {"name": "invoice", "segments": ["customer"]},
    ],
    "entities": {
        "language": [{"id": "cs", "label": "Czech"}, {"id": "en", "label": "English"}],
        "customer": [{"id": f"c{number:03}", "label": f"Customer {number:03}"} for number in range(60)],
    },
    "roles": {
        "editor": {
            "description": "Writes articles in given languages",
            "variables": {"language": {"entity": "language"}},
            "policies": [{"actions": ["article:*"], "resources": ["article:${language}:**"]}],
        },
        "bookkeeper": {
            "description": "Reads the invoices of given customers",
            "variables": {"customer": {"entity": "customer"}},
            "policies": [{"actions": ["invoice:read"], "resources": ["invoice:${customer}"]}],
        },
    },
}
CZECH = {"role": "editor", "variables": {"language": ["cs"]}}


def blog(keywright: Keywright, slug: str = BLOG) -> None:
    """Make the tenant with its catalog, unless it is there."""
    answer = keywright.http.get(
        f"{keywright.url}/v1/tenants/{slug}", headers={"Authorization": f"Bearer {ROOT}"}
    )
    if answer.status_code == 404:
        keywright.tenant(slug, CATALOG)


def account(keywright: Keywright, name: str, *memberships: Any, tenant: str = BLOG, **fields: Any) -> Any:
    """Make a service account."""
    wanted = {"name": name, "memberships": list(memberships), **fields}
    return keywright.rest("POST", "/v1/service-accounts", wanted, tenant=tenant)


def key_of(keywright: Keywright, identity: Any, name: str, tenant: str = BLOG) -> Any:
    """Make a key that speaks for somebody."""
    wanted = {"name": name, "identity_id": identity["id"]}
    return keywright.rest("POST", "/v1/keys", wanted, tenant=tenant)


def codes(reader: Reader, keywright: Keywright, box: Locator) -> Codes:
    """What is shown as code in an element, to be run with all rights."""
    return codes_in(box, reader.url, ROOT)


def form_codes(reader: Reader, keywright: Keywright) -> Codes:
    """What a form shows as code."""
    reader.button("Show as code").click()
    reader.page.locator("#code .code-body").wait_for()
    return codes(reader, keywright, reader.page.locator("#code"))


@contextmanager
def logged_in(browser: Browser, keywright: Keywright, login: str, **options: Any) -> Iterator[Reader]:
    """Somebody else at a browser of their own."""
    with reading(browser, keywright.url, **options) as found:
        found.log_in(login)
        yield found


def buttons(reader: Reader) -> list[str]:
    """Everything in the page's main part that offers to change something."""
    wanted = "main .btn:not(.copy), main form[method=post] button" + "".join(
        f", main a[href$='/{act}'], main a[href*='/{act}?']"
        for act in ("new", "edit", "delete", "remove", "invite", "revoke", "disable", "enable", "reset")
    )
    found = reader.page.locator(wanted).all_inner_texts()
    return [text for text in found if text.strip() and text.strip() != "Open the catalog"]
