"""What the tests of the form of a new key have in common: a tenant with a catalog, and how one fills the form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.console.reader import Reader

TOKEN = re.compile(r"[a-z][a-z0-9_]*_[0-9A-Za-z]{37}")

BLOG: dict[str, Any] = {
    "actions": [
        {"name": "article:read", "group": "Articles", "description": "Read articles"},
        {"name": "article:publish", "group": "Articles", "description": "Publish articles"},
        {"name": "article:delete", "group": "Articles", "description": "Delete articles"},
        {"name": "deploy:run", "group": "Deployments", "description": "Deploy"},
        {"name": "deploy:read", "group": "Deployments", "description": "Look at deployments"},
    ],
    "resource_types": [
        {"name": "article", "segments": ["language", "id"]},
        {"name": "deploy", "segments": ["site"]},
    ],
    "entities": {
        "language": [
            {"id": "cs", "label": "Czech"},
            {"id": "en", "label": "English"},
            {"id": "de", "label": "German"},
        ],
        "site": [{"id": f"site-{number:03}", "label": f"Site {number}"} for number in range(1, 301)],
    },
    "roles": {
        "editor": {
            "description": "Writes in given languages",
            "variables": {"language": {"entity": "language", "description": "The languages"}},
            "policies": [{"actions": ["article:*"], "resources": ["article:${language}:**"]}],
        },
        "blind": {"description": "Makes keys", "policies": [{"actions": ["keys:create"]}]},
        "keymaker": {
            "description": "Makes keys for what it may do itself",
            "policies": [
                {"actions": ["article:read"]},
                {
                    "actions": [
                        *("keys:create", "keys:read", "identities:read", "roles:read"),
                        *("catalog:read", "tenants:read"),
                    ]
                },
            ],
        },
    },
    "key_templates": {
        "nightly": {
            "description": "Exports at night",
            "scope": [{"actions": ["article:read"], "resources": ["article:cs:**"]}],
            "expires_in": "30d",
            "limits": [{"name": "burst", "limit": 100, "window_seconds": 1}],
            "metadata": {"team": "search"},
        }
    },
}


def row(reader: Reader, action: str) -> Locator:
    """The row of an action in the picker."""
    return reader.page.locator(".perm-row", has=reader.page.locator(f"input[name=do][value='{action}']"))


def pick(reader: Reader, action: str, *places: str) -> None:
    """Pick an action, in places that are shown as chips, or everywhere."""
    found = row(reader, action)
    group = reader.page.locator("details[data-pick-group]", has=found)
    if group.get_attribute("open") is None:
        group.locator("summary").click()
    found.locator("input[name=do]").check()
    if places:
        found.get_by_role("combobox").first.select_option("some")
        for place in places:
            found.locator("label.chip", has_text=place).click()


def summary(reader: Reader, *texts: str) -> str:
    """What stands in the summary, as soon as it says each of some texts."""
    told = reader.page.locator("#live")
    for text in texts:
        told.filter(has_text=text).wait_for()
    return " ".join(told.inner_text().split())


def created(reader: Reader) -> str:
    """Make the key, and give the token that is shown."""
    reader.button("Create key").click()
    secret = reader.page.locator("[data-secret]")
    secret.wait_for()
    return secret.inner_text().strip()


def leave(reader: Reader) -> str:
    """Copy the key, close what shows it, and give the key's id from the address of its page."""
    reader.page.locator("[data-copy-key]").click()
    reader.page.locator("[data-copied]").wait_for()
    reader.page.locator("[data-stored]").click()
    reader.page.wait_for_url(re.compile(r"/keys/key_[0-9a-f]+$"))
    return reader.page.url.rpartition("/")[2]
