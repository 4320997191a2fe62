"""Roles: read in plain language, made with the picker, changed and deleted; the catalog's are left to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.console.people.wording import rights_in, sentence
from keywright.console.picker import Lexicon
from keywright.core.catalog import parse
from keywright.core.roles import GLOBAL_ROLES, TENANT_ROLES, PolicyTemplate, Role
from tests.console.blog import BLOG, CATALOG, CZECH, account, blog, buttons, codes, form_codes, logged_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

HERE = f"/t/{BLOG}/roles"
LEXICON = Lexicon.of(parse(CATALOG))


@pytest.fixture(autouse=True)
def _a_blog(request: pytest.FixtureRequest) -> None:
    if "keywright" in request.fixturenames:
        blog(request.getfixturevalue("keywright"))


def role_of(*policies: tuple[list[str], list[str] | None]) -> Role:
    return Role("tested", policies=tuple(PolicyTemplate.of(*one) for one in policies))


def made(keywright: Keywright, name: str, *policies: Any, **fields: Any) -> Any:
    wanted = {"name": name, "policies": list(policies), **fields}
    return keywright.rest("POST", "/v1/roles", wanted, tenant=BLOG)


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        ([], "Nothing by itself"),
        ([(["**"], None)], "Do everything, also what is added later"),
        ([(["**:read"], None)], "Read everything, and change nothing"),
        ([(["article:read"], None)], "Read articles"),
        ([(["article:read", "image:read"], None)], "Read articles and read images"),
        (
            [(["article:read"], ["article:cs:**"]), (["image:read"], None)],
            "Read articles in Czech; read images",
        ),
        (
            [(["article:*"], ["article:${language}:**"])],
            "Do everything in Articles (5 actions) in each language it is given for",
        ),
        ([(["unheard:of"], None)], "unheard:of"),
        ([(["unheard:*"], None)], "unheard:*"),
    ],
)
def test_a_role_in_one_line(policies: list[tuple[list[str], list[str] | None]], said: str) -> None:
    assert sentence(role_of(*policies), LEXICON) == said


@pytest.mark.parametrize("name", sorted(TENANT_ROLES | GLOBAL_ROLES))
def test_every_built_in_role_has_a_reading(name: str) -> None:
    role = (TENANT_ROLES | GLOBAL_ROLES)[name]
    found = rights_in(role, LEXICON)
    assert sentence(role, LEXICON) != ""
    assert bool(found) is bool(role.policies)
    # Nothing of Keywright's own goes by its name alone.
    assert "Others" not in found


@pytest.mark.parametrize(
    ("action", "group", "text"),
    [
        ("article:*", "Articles", "Everything in Articles, also what is added later"),
        ("article:read", "Articles", "Read articles"),
        ("*:publish", "Others", "Whatever fits *:publish"),
        (
            "keys:own:*",
            "Keys",
            "Look at its owner's keys, make keys for its owner, change, disable and enable",
        ),
        ("nothing:known", "Others", "nothing:known"),
    ],
)
def test_a_right_in_words(action: str, group: str, text: str) -> None:
    found = rights_in(role_of(([action], None)), LEXICON)
    assert list(found) == [group]
    assert found[group][0].text.startswith(text)


def test_roles_are_listed_filtered_and_found(admin: Reader, keywright: Keywright) -> None:
    made(keywright, "newsletter-sender", {"actions": ["newsletter:publish"]}, description="Sends newsletters")
    admin.go(HERE)
    assert admin.page.locator("a.name").all_inner_texts()[:1] == ["newsletter-sender"]
    assert "Do everything in Articles (5 actions) in each language it is given for" in admin.text
    admin.look("roles")
    admin.link("From the catalog").click()
    assert admin.page.locator("a.name").all_inner_texts() == ["bookkeeper", "editor"]
    admin.page.get_by_placeholder("Search name or description").fill("invoice")
    admin.page.get_by_text("Writes articles").wait_for(state="detached")
    assert admin.page.locator("a.name").all_inner_texts() == ["bookkeeper"]
    assert admin.page.url.endswith("/roles?q=invoice&kind=catalog")
    admin.page.get_by_placeholder("Search name or description").fill("nothing like it")
    admin.page.get_by_text("No role is like this").wait_for()


def test_a_role_is_made_with_the_picker_and_a_variable(admin: Reader, keywright: Keywright) -> None:
    admin.go(HERE)
    admin.page.keyboard.press("c")
    admin.page.wait_for_url("**/roles/-/new")
    admin.page.wait_for_load_state()
    assert "Nothing yet. Pick what it allows." in admin.page.locator("#summary").inner_text()
    admin.page.get_by_label("Name", exact=True).fill("reviewer")
    admin.page.get_by_placeholder("Filter").fill("read comments")
    admin.page.get_by_label("Read comments").first.check()
    admin.page.locator("#summary").get_by_text("read comments").wait_for()
    admin.button("Add a variable").click()
    admin.page.get_by_label("Name of variable 1").fill("language")
    admin.page.get_by_label("Values of variable 1").select_option("language")
    admin.page.get_by_text("Written by hand").click()
    admin.page.locator("[name='hand.actions']").fill("article:*")
    admin.page.locator("[name='hand.resources']").fill("article:${language}:**")
    admin.page.locator("#summary").get_by_text("is given values for language").wait_for()
    admin.look("role-new")
    admin.button("Create role").click()
    assert "The role reviewer is made. Nobody holds it yet." in admin.notice
    found = keywright.rest("GET", "/v1/roles/reviewer", tenant=BLOG)
    assert found["variables"]["language"]["entity"] == "language"
    assert {"actions": ["article:*"], "resources": ["article:${language}:**"]} in found["policies"]
    assert any(one["actions"] == ["comment:read"] for one in found["policies"])
    admin.look("role-own")


def test_what_is_wrong_with_a_role_stands_beside_it(admin: Reader) -> None:
    admin.go(f"{HERE}/-/new")
    admin.page.get_by_label("Name", exact=True).fill("Not A Name")
    admin.button("Create role").click()
    assert "lower-case letters" in admin.page.locator("#e-name").inner_text()
    admin.page.get_by_label("Name", exact=True).fill("admin")
    admin.button("Create role").click()
    assert "A built-in role has this name." in admin.page.locator("#e-name").inner_text()
    admin.page.get_by_label("Name", exact=True).fill("sound-name")
    admin.page.get_by_text("Written by hand").click()
    admin.page.locator("[name='hand.actions']").fill("article:${language}")
    admin.button("Create role").click()
    assert "is not one of the role's variables" in admin.page.locator("#picker").inner_text()
    assert "language is no variable of this role yet" in admin.page.locator("#summary").inner_text()
    assert admin.page.locator("[name='hand.actions']").first.input_value() == "article:${language}"
    admin.look("role-wrong")


def test_a_role_is_changed_for_all_who_hold_it(admin: Reader, keywright: Keywright) -> None:
    made(keywright, "publisher", {"actions": ["article:publish", "article:read"]})
    held = account(keywright, "publishes-daily", {"role": "publisher"})
    key = keywright.rest("POST", "/v1/keys", {"name": "Publishes", "identity_id": held["id"]}, tenant=BLOG)
    admin.go(f"{HERE}/publisher")
    admin.look("role-held")
    admin.link("Edit", exact=True).click()
    admin.page.wait_for_load_state()
    assert "A change counts at once for 1 holder: publishes-daily" in admin.text
    admin.page.get_by_label("Publish articles").first.uncheck()
    admin.page.get_by_text("1 of 5").wait_for()
    assert "publish articles" in admin.page.locator("#summary > p").first.inner_text()
    admin.look("role-edit")
    admin.button("Save").click()
    assert "Saved. In effect on 1 of 1 node after" in admin.notice
    assert keywright.verdict(key["token"], action="article:publish") == "INSUFFICIENT_PERMISSIONS"
    assert keywright.verdict(key["token"], action="article:read") == "VALID"


def test_a_role_that_is_held_says_who_would_lose_it_and_is_deleted_when_nobody_does(
    admin: Reader, keywright: Keywright
) -> None:
    made(keywright, "temporary", {"actions": ["image:read"]})
    held = account(keywright, "holds-it-still", {"role": "temporary"})
    admin.go(f"{HERE}/temporary")
    admin.link("Delete…").click()
    dialog = admin.page.get_by_role("dialog")
    assert "1 holder would lose what it allows" in dialog.inner_text()
    assert "holds-it-still" in dialog.inner_text()
    assert "Read images" in dialog.inner_text()
    admin.look("role-delete-held")
    dialog.get_by_role("link", name="Take away… from holds-it-still").click()
    admin.button("Take temporary away").click()
    assert admin.page.url.endswith(f"/service-accounts/{held['id']}")
    admin.go(f"{HERE}/temporary")
    admin.link("Delete…").click()
    assert "Nobody holds it" in admin.page.get_by_role("dialog").inner_text()
    admin.look("role-delete")
    admin.button("Delete temporary").click()
    assert "The role temporary is deleted." in admin.notice
    admin.go(f"{HERE}/temporary")
    assert "nothing at this address" in admin.text


def test_a_role_that_is_given_in_between_is_not_deleted(admin: Reader, keywright: Keywright) -> None:
    made(keywright, "raced", {"actions": ["image:read"]})
    admin.go(f"{HERE}/raced/delete")
    account(keywright, "quicker", {"role": "raced"})
    admin.button("Delete raced").click()
    assert "Somebody holds this role." in admin.text
    assert "quicker" in admin.text


@pytest.mark.parametrize("way", ["run_curl", "run_graphql", "run_cli"])
def test_the_code_of_making_changing_and_deleting(admin: Reader, keywright: Keywright, way: str) -> None:
    name = f"coded-by-{way.replace('_', '-')}"
    admin.go(f"{HERE}/-/new")
    admin.page.get_by_label("Name", exact=True).fill(name)
    admin.page.get_by_label("What it is for").fill("It's for “code”")
    admin.button("Add a variable").click()
    admin.page.get_by_label("Name of variable 1").fill("language")
    admin.page.get_by_label("What variable 1 is for").fill("in which")
    admin.page.get_by_text("Written by hand").click()
    admin.page.locator("[name='hand.actions']").fill("article:read, article:publish")
    admin.page.locator("[name='hand.resources']").fill("article:${language}:**")
    getattr(form_codes(admin, keywright), way)()
    found = keywright.rest("GET", f"/v1/roles/{name}", tenant=BLOG)
    assert found["description"] == "It's for “code”"
    assert found["variables"] == {"language": {"entity": None, "description": "in which"}}
    assert found["policies"] == [
        {"actions": ["article:read", "article:publish"], "resources": ["article:${language}:**"]}
    ]
    admin.go(f"{HERE}/{name}/edit")
    admin.page.get_by_label("What it is for").fill("")
    for label in ("Read articles", "Publish articles"):
        admin.page.get_by_label(label).first.uncheck()
    admin.button("Remove variable 1").click()
    admin.page.get_by_label("Name of variable 1").wait_for(state="detached")
    getattr(form_codes(admin, keywright), way)()
    found = keywright.rest("GET", f"/v1/roles/{name}", tenant=BLOG)
    assert (found["description"], found["variables"], found["policies"]) == ("", {}, [])
    admin.go(f"{HERE}/{name}/delete")
    getattr(codes(admin, keywright, admin.page.locator("main")), way)()
    admin.go(f"{HERE}/{name}")
    assert "nothing at this address" in admin.text


def test_the_catalogs_and_built_in_roles_are_read_only(admin: Reader) -> None:
    admin.go(f"{HERE}/editor")
    assert "The catalog defines this role." in admin.text
    assert admin.link("Open the catalog").get_attribute("href") == f"/t/{BLOG}/catalog"
    assert buttons(admin) == []
    admin.look("role-catalog")
    admin.go(f"{HERE}/member")
    assert buttons(admin) == []
    for name in ("editor", "member"):
        for act in ("edit", "delete"):
            admin.go(f"{HERE}/{name}/{act}")
            assert "nothing at this address" in admin.text


def test_the_installation_has_the_built_in_ones_alone(admin: Reader) -> None:
    admin.go("/t/*/roles")
    assert "super_admin" in admin.text
    assert buttons(admin) == []
    admin.link("monitor", exact=True).click()
    assert "Read everything, also what is added later" in admin.text
    admin.look("role-everywhere")
    admin.go("/t/*/roles/-/new")
    assert "nothing at this address" in admin.text


def test_hundreds_of_rights_are_folded_by_group(admin: Reader, keywright: Keywright) -> None:
    actions = [one["name"] for one in CATALOG["actions"]]
    made(
        keywright,
        "much",
        {"actions": actions},
        {"actions": [f"import:part-{number}" for number in range(60)]},
    )
    admin.go(f"{HERE}/much")
    groups = admin.page.locator("details.group")
    assert groups.count() == 8
    assert not admin.page.get_by_text("import:part-7", exact=True).is_visible()
    groups.last.locator("summary").click()
    assert admin.page.get_by_text("import:part-7", exact=True).first.is_visible()
    admin.look("role-much")


def test_nobody_makes_a_role_beyond_their_own(browser: Browser, keywright: Keywright) -> None:
    made(keywright, "role-maker", {"actions": ["roles:**", "catalog:read", "article:read"]})
    keywright.person("maker", BLOG, "role-maker")
    with logged_in(browser, keywright, "maker") as found:
        found.go(f"{HERE}/-/new")
        found.page.get_by_label("Name", exact=True).fill("beyond")
        found.page.get_by_text("Written by hand").click()
        found.page.locator("[name='hand.actions']").fill("article:publish")
        found.button("Create role").click()
        assert "You do not hold this yourself, so you cannot hand it out: publish articles." in found.text


def test_who_only_reads_sees_roles_and_no_button(browser: Browser, keywright: Keywright) -> None:
    made(keywright, "own-and-seen", {"actions": ["image:read"]})
    account(keywright, "holder-of-it", {"role": "own-and-seen"}, CZECH)
    keywright.person("rita", BLOG, "read_only")
    with logged_in(browser, keywright, "rita") as rita:
        for path, text in ((HERE, "own-and-seen"), (f"{HERE}/own-and-seen", "holder-of-it")):
            rita.go(path)
            assert text in rita.text
            assert buttons(rita) == []
        for path in ("-/new", "own-and-seen/edit", "own-and-seen/delete"):
            rita.go(f"{HERE}/{path}")
            assert "nothing at this address" in rita.text


def test_another_tenants_roles_are_not_there(admin: Reader, keywright: Keywright) -> None:
    made(keywright, "of-the-blog", {"actions": ["image:read"]})
    keywright.tenant("elsewhere")
    admin.go("/t/elsewhere/roles")
    assert "of-the-blog" not in admin.page.content()
    admin.go("/t/elsewhere/roles/of-the-blog")
    assert "nothing at this address" in admin.text


def test_without_script_a_role_is_made_and_changed(browser: Browser, keywright: Keywright) -> None:
    with logged_in(browser, keywright, "admin", java_script_enabled=False) as plain:
        plain.go(f"{HERE}/-/new")
        plain.page.get_by_label("Name", exact=True).fill("scriptless")
        plain.button("Add a variable").click()
        assert plain.page.get_by_label("Name", exact=True).input_value() == "scriptless"
        plain.page.get_by_label("Name of variable 1").fill("language")
        plain.page.get_by_text("Written by hand").click()
        plain.page.locator("[name='hand.actions']").first.fill("article:read")
        plain.page.locator("[name='hand.resources']").first.fill("article:${language}:**")
        plain.button("Show what it allows").click()
        assert "read articles" in plain.page.locator("#summary").inner_text()
        plain.button("Create role").click()
        assert "The role scriptless is made." in plain.notice
