"""People: found, invited, given roles, taken out of a tenant; and over the installation made, reset and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.console.blog import BLOG, CZECH, blog, buttons, codes, form_codes, key_of, logged_in
from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

HERE = f"/t/{BLOG}/people"
ALL = "/t/*/people"


@pytest.fixture(autouse=True)
def _a_blog(keywright: Keywright) -> None:
    blog(keywright)


def roles(keywright: Keywright, person: Any, tenant: str = BLOG) -> list[str]:
    found = keywright.rest("GET", f"/v1/memberships?identity_id={person['id']}", tenant=tenant)["items"]
    return [one["role"] for one in found]


def invitations(keywright: Keywright, tenant: str = BLOG) -> list[Any]:
    found: list[Any] = keywright.rest("GET", "/v1/invitations?limit=200", tenant=tenant)["items"]
    return found


def test_people_are_listed_and_found_by_name_login_and_address(admin: Reader, keywright: Keywright) -> None:
    keywright.person("hanka", BLOG, "member", name="Hana Žižková")
    keywright.person(
        "maximiliane", BLOG, "admin", name="Maximiliane von und zu Hohenstein-Oettingen-Spielberg"
    )
    admin.go(HERE)
    assert "Hana Žižková" in admin.text
    admin.look("people")
    other = admin.link("Maximiliane")
    search = admin.page.get_by_placeholder("Search name, login name, e-mail or id")
    for wanted in ("žižk", "hana ž", "HANKA", "hanka@exam"):
        search.fill(wanted)
        other.wait_for(state="detached")
        assert admin.page.locator("a.name").all_inner_texts() == ["Hana Žižková"]
        search.fill("")
        other.wait_for()
    search.fill("nobody at all")
    admin.page.get_by_text("Nobody is found").wait_for()
    admin.look("people-nobody")
    admin.go(f"{HERE}?q=hanka")
    assert admin.page.locator("a.name").all_inner_texts() == ["Hana Žižková"]


def test_somebody_is_invited_by_a_link_that_is_shown_once(
    admin: Reader, keywright: Keywright, browser: Browser
) -> None:
    admin.go(f"{HERE}/invite")
    admin.page.get_by_label("Name", exact=True).fill("Linus")
    admin.page.get_by_label("E-mail address").fill("linus@example.com")
    admin.page.get_by_label("Role 1").select_option("editor")
    admin.page.get_by_text("English", exact=True).click()
    admin.page.get_by_text("14 days").click()
    admin.look("invite")
    admin.button("Make the invitation").click()
    admin.page.get_by_role("heading", name="Linus is invited").wait_for()
    assert "No mail server is set up here" in admin.text
    admin.look("invited")
    link = admin.page.locator("[data-secret]").inner_text()
    token = link.partition("#")[2]
    assert token.startswith("kwi_")
    assert admin.page.content().count(token) == 1
    assert token not in admin.page.url
    # Neither the way back nor the page anew shows it again, and no second one is made.
    admin.page.reload()
    assert token not in admin.page.content()
    assert "This link was made before" in admin.text
    assert [one["name"] for one in invitations(keywright)].count("Linus") == 1
    admin.link("Done").click()
    assert token not in admin.page.content()
    row = admin.page.locator("tr", has_text="Linus")
    assert "editor English" in row.inner_text()
    assert "ends in 13 days" in row.inner_text()
    admin.look("invitations")
    wanted = {"token": token, "login": "linus", "password": PASSWORD}
    answer = keywright.http.post(f"{keywright.url}/v1/invitations/accept", json=wanted)
    assert answer.is_success, answer.text
    with logged_in(browser, keywright, "linus") as linus:
        linus.go(HERE)
        assert "nothing at this address" in linus.text
    admin.page.reload()
    assert "accepted" in admin.page.locator("tr", has_text="Linus").inner_text()


def test_an_invitation_is_taken_back(admin: Reader, keywright: Keywright) -> None:
    made = keywright.rest(
        "POST", "/v1/invitations", {"name": "Mistaken", "memberships": [CZECH]}, tenant=BLOG
    )
    admin.go(f"{HERE}/invitations")
    admin.link("Take back… the link for Mistaken").click()
    dialog = admin.page.get_by_role("dialog")
    assert "worth nothing from then on" in dialog.inner_text()
    admin.look("invitation-revoke")
    dialog.get_by_role("button", name="Take the link back").click()
    assert "The link for Mistaken is worth nothing from now on." in admin.notice
    answer = keywright.http.post(
        f"{keywright.url}/v1/invitations/accept",
        json={"token": made["token"], "login": "mistaken", "password": PASSWORD},
    )
    assert answer.json()["code"] == "invitation_expired"


def test_an_invitation_without_a_role_or_name_is_refused_beside_the_field(admin: Reader) -> None:
    admin.go(f"{HERE}/invite")
    admin.page.get_by_label("Name", exact=True).fill("Roleless")
    admin.page.get_by_label("Login name").fill("röle less")
    admin.button("Make the invitation").click()
    assert (
        "An invitation to a tenant gives at least one role there."
        in admin.page.locator("#given").inner_text()
    )
    assert admin.page.get_by_label("Name", exact=True).input_value() == "Roleless"
    admin.page.get_by_label("Role 1").select_option("member")
    admin.button("Make the invitation").click()
    assert admin.page.locator("#e-login").inner_text() != ""
    admin.look("invite-wrong")


def test_the_code_of_inviting_and_taking_back(admin: Reader, keywright: Keywright) -> None:
    for way in ("run_curl", "run_graphql", "run_cli"):
        admin.go(f"{HERE}/invite")
        admin.page.get_by_label("Name", exact=True).fill(f"--{way}")
        admin.page.get_by_label("Role 1").select_option("editor")
        admin.page.get_by_text("Czech", exact=True).click()
        getattr(form_codes(admin, keywright), way)()
        made = next(one for one in invitations(keywright) if one["name"] == f"--{way}")
        assert made["memberships"] == [CZECH]
        admin.go(f"{HERE}/invitations/{made['id']}/revoke")
        getattr(codes(admin, keywright, admin.page.locator("main")), way)()
        assert next(one for one in invitations(keywright) if one["id"] == made["id"])["state"] == "revoked"


def test_somebody_is_given_a_role_and_taken_out_of_the_tenant(admin: Reader, keywright: Keywright) -> None:
    bob = keywright.person("bob", BLOG, "member")
    key = key_of(keywright, bob, "Bob's laptop")
    assert keywright.verdict(key["token"]) == "VALID"
    admin.go(f"{HERE}/{bob['id']}")
    admin.link("Give a role").click()
    admin.page.wait_for_load_state()
    admin.page.get_by_label("Role", exact=True).select_option("editor")
    admin.page.get_by_text("Czech", exact=True).click()
    admin.button("Give the role").click()
    assert "Bob holds the role editor." in admin.notice
    assert roles(keywright, bob) == ["member", "editor"]
    admin.look("person")
    admin.link("Take out of my-blog…").click()
    dialog = admin.page.get_by_role("dialog")
    assert "They lose 2 roles here (member, editor)" in dialog.inner_text()
    assert "Bob's laptop" in dialog.inner_text()
    admin.look("person-remove")
    dialog.get_by_role("button", name="Take Bob out and delete 1 key").click()
    assert "Bob is out of my-blog, with all keys that they had here. Refused on 1 of 1 node" in admin.notice
    assert keywright.verdict(key["token"]) == "NOT_FOUND"
    admin.go(f"{HERE}/{bob['id']}")
    assert "nothing at this address" in admin.text


def test_who_loses_the_only_role_is_out_of_the_tenant(admin: Reader, keywright: Keywright) -> None:
    person = keywright.person("onerole", BLOG, "member")
    admin.go(f"{HERE}/{person['id']}")
    admin.link("Take away… member").click()
    assert "It is their only role here" in admin.page.get_by_role("dialog").inner_text()
    admin.button("Take member away").click()
    assert admin.page.url.endswith(HERE)
    assert "Onerole no longer holds the role member." in admin.notice


def test_the_last_administrator_of_a_tenant_stays(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("one-admin")
    for one in keywright.rest("GET", "/v1/memberships?role=admin", tenant="one-admin")["items"]:
        keywright.person("sole", "one-admin")
        keywright.rest("DELETE", f"/v1/memberships/{one['id']}", tenant="one-admin")
    sole = keywright.rest("GET", "/v1/users?login=sole", tenant="*")["items"]
    if not sole:
        sole = [keywright.person("sole", "one-admin")]
    path = f"/t/one-admin/people/{sole[0]['id']}"
    admin.go(path)
    admin.link("Take out of one-admin…").click()
    admin.button("Take Sole out").click()
    assert "Nobody would be left who can administer the tenant." in admin.text
    admin.look("person-last-administrator")
    admin.go(path)
    admin.link("Take away… admin").click()
    admin.button("Take admin away").click()
    assert "Nobody would be left who can administer the tenant." in admin.text


def test_a_person_is_made_changed_disabled_reset_and_deleted(admin: Reader, keywright: Keywright) -> None:
    admin.go(ALL)
    admin.look("people-everywhere")
    admin.link("Create a person").click()
    admin.page.get_by_label("Name", exact=True).fill("Grace Hopper")
    admin.page.get_by_label("Login name").fill("grace")
    admin.page.get_by_label("Password").fill("tooshort1")
    admin.button("Create the person").click()
    assert admin.page.locator("#e-password").inner_text() != ""
    assert "tooshort1" not in admin.page.content()
    admin.look("person-new")
    admin.button("Create the person").click()
    assert "Grace Hopper is here, and holds no role yet. Make a link" in admin.notice
    made = keywright.rest("GET", "/v1/users?login=grace", tenant="*")["items"][0]

    admin.link("Edit", exact=True).click()
    keywright.person("earlier")
    admin.page.get_by_label("E-mail address").fill("Earlier@example.com")
    admin.button("Save").click()
    assert "Another person has this e-mail address." in admin.page.locator("#e-email").inner_text()
    admin.page.get_by_label("E-mail address").fill("grace@example.com")
    admin.page.get_by_label("Name of limit 1").fill("daily")
    admin.page.get_by_label("Uses of limit 1").fill("1000")
    admin.page.get_by_label("Span of limit 1").select_option("day")
    admin.look("person-edit")
    admin.button("Save").click()
    assert "Saved. In effect on 1 of 1 node" in admin.notice
    assert "daily: 1,000 in 1 day" in admin.text

    admin.link("New password…").click()
    admin.look("person-reset")
    admin.button("Make the link").click()
    link = admin.page.locator("[data-secret]").inner_text()
    assert "all their sessions end" in admin.text
    admin.page.reload()
    assert link not in admin.page.content()
    answer = keywright.http.post(
        f"{keywright.url}/v1/invitations/accept",
        json={"token": link.partition("#")[2], "password": PASSWORD},
    )
    assert answer.is_success, answer.text
    session = keywright.session("grace")

    admin.go(f"{ALL}/{made['id']}")
    admin.link("Disable…").click()
    admin.look("person-disable")
    admin.button("Disable Grace Hopper").click()
    assert (
        "Grace Hopper is disabled, and their sessions have ended. Their keys are refused on 1" in admin.notice
    )
    headers = {"Authorization": f"Bearer {session}"}
    assert httpx2.get(f"{keywright.url}/v1/whoami", headers=headers).status_code == 401
    admin.link("Enable…").click()
    admin.button("Enable Grace Hopper").click()
    assert "can log in again" in admin.notice
    assert keywright.session("grace")

    admin.link("Delete…").click()
    assert "Gone for good and everywhere" in admin.page.get_by_role("dialog").inner_text()
    admin.look("person-delete")
    admin.button("Delete Grace Hopper").click()
    assert "Grace Hopper is deleted, with roles, keys and sessions everywhere. Refused" in admin.notice
    assert keywright.rest("GET", "/v1/users?login=grace", tenant="*")["items"] == []


def test_deleting_a_person_names_their_keys_in_every_tenant(admin: Reader, keywright: Keywright) -> None:
    person = keywright.person("twoplaces", BLOG, "admin")
    keywright.tenant("second-place")
    given = {"identity_id": person["id"], "role": "admin"}
    keywright.rest("POST", "/v1/memberships", given, tenant="second-place")
    key_of(keywright, person, "Key in the blog")
    key_of(keywright, person, "Key elsewhere", tenant="second-place")
    admin.go(f"{ALL}/{person['id']}")
    assert admin.page.locator("section", has_text="Roles in tenants").locator("tbody tr").count() == 2
    admin.look("person-everywhere")
    admin.link("Delete…").click()
    said = admin.page.get_by_role("dialog").inner_text()
    assert "2 keys are deleted" in said
    assert "Key in the blog" in said
    assert "Key elsewhere" in said
    assert "roles in my-blog and second-place" in said


def test_a_global_role_is_given_and_taken(admin: Reader, keywright: Keywright) -> None:
    person = keywright.person("watcher")
    admin.go(f"{ALL}/{person['id']}")
    admin.link("Give a role").click()
    admin.page.wait_for_load_state()
    admin.page.get_by_label("Role", exact=True).select_option("monitor")
    admin.page.get_by_text("May read everything and change nothing, everywhere.").wait_for()
    admin.button("Give the role").click()
    assert "Watcher holds the role monitor." in admin.notice
    assert roles(keywright, person, tenant="*") == ["monitor"]
    admin.link("Take away… monitor").click()
    admin.button("Take monitor away").click()
    assert roles(keywright, person, tenant="*") == []
    assert admin.page.url.endswith(person["id"])


def test_the_code_of_everything_over_the_installation(admin: Reader, keywright: Keywright) -> None:
    for number, way in enumerate(("run_curl", "run_graphql", "run_cli")):
        admin.go(f"{ALL}/new")
        admin.page.get_by_label("Name", exact=True).fill(f"Coded {number}")
        admin.page.get_by_label("Login name").fill(f"coded{number}")
        getattr(form_codes(admin, keywright), way)()
        made = keywright.rest("GET", f"/v1/users?login=coded{number}", tenant="*")["items"][0]
        path = f"{ALL}/{made['id']}"
        admin.go(f"{path}/edit")
        admin.page.get_by_label("E-mail address").fill(f"coded{number}@example.com")
        getattr(form_codes(admin, keywright), way)()
        seen = []
        for act in ("disable", "enable", "reset"):
            admin.go(f"{path}/{act}")
            getattr(codes(admin, keywright, admin.page.locator("main")), way)()
            seen.append(keywright.rest("GET", f"/v1/users/{made['id']}", tenant="*"))
        assert [one["active"] for one in seen] == [False, True, True]
        assert seen[0]["email"] == f"coded{number}@example.com"
        assert invitations(keywright, "*")[0]["identity_id"] == made["id"]
        given = {"identity_id": made["id"], "role": "member"}
        keywright.rest("POST", "/v1/memberships", given, tenant=BLOG)
        admin.go(f"{HERE}/{made['id']}/remove")
        getattr(codes(admin, keywright, admin.page.locator("main")), way)()
        assert roles(keywright, made) == []
        admin.go(f"{path}/delete")
        getattr(codes(admin, keywright, admin.page.locator("main")), way)()
        assert keywright.rest("GET", f"/v1/users?login=coded{number}", tenant="*")["items"] == []


def test_an_administrator_of_a_tenant_does_in_it_what_they_may_and_nothing_beyond(
    browser: Browser, keywright: Keywright
) -> None:
    keywright.person("ada", BLOG, "admin")
    bob = keywright.person("bobby", BLOG, "member")
    stranger = keywright.person("stranger")
    with logged_in(browser, keywright, "ada") as ada:
        ada.go(f"{HERE}/{bob['id']}")
        assert buttons(ada) == [
            "Take out of my-blog…",
            "Give a role",
            "Take away…\nmember",
            "Create a key for them",
        ]
        for path in (
            ALL,
            f"{ALL}/{bob['id']}",
            f"{HERE}/{stranger['id']}",
            f"{HERE}/new",
            f"{HERE}/{bob['id']}/edit",
        ):
            ada.go(path)
            assert "nothing at this address" in ada.text, path
        ada.go(f"/t/{BLOG}/memberships/new?identity={stranger['id']}")
        assert "nothing at this address" in ada.text
        ada.go(HERE)
        assert "Stranger" not in ada.page.content()


def test_who_takes_themselves_out_is_led_elsewhere(browser: Browser, keywright: Keywright) -> None:
    keywright.person("stays", BLOG, "admin")
    leaver = keywright.person("leaver", BLOG, "admin")
    with logged_in(browser, keywright, "leaver") as found:
        found.go(f"{HERE}/{leaver['id']}/remove")
        found.button("Take Leaver out").click()
        found.page.wait_for_url(lambda url: "/remove" not in url)
        assert "/people" not in found.page.url
        found.go(HERE)
        assert "nothing at this address" in found.text


def test_who_only_reads_sees_people_and_no_button(browser: Browser, keywright: Keywright) -> None:
    keywright.person("rita", BLOG, "read_only")
    seen = keywright.person("seen", BLOG, "member")
    keywright.rest("POST", "/v1/invitations", {"name": "Awaited", "memberships": [CZECH]}, tenant=BLOG)
    with logged_in(browser, keywright, "rita") as rita:
        for path, text in (
            (HERE, "Seen"),
            (f"{HERE}/{seen['id']}", "member"),
            (f"{HERE}/invitations", "Awaited"),
        ):
            rita.go(path)
            assert text in rita.text
            assert buttons(rita) == []
        for path in ("invite", f"{seen['id']}/remove"):
            rita.go(f"{HERE}/{path}")
            assert "nothing at this address" in rita.text


def test_a_monitor_sees_everybody_and_no_button(browser: Browser, keywright: Keywright) -> None:
    mona = keywright.person("mona")
    keywright.rest("POST", "/v1/memberships", {"identity_id": mona["id"], "role": "monitor"}, tenant="*")
    seen = keywright.person("seen-by-mona", BLOG, "member")
    with logged_in(browser, keywright, "mona") as found:
        for path in (ALL, f"{ALL}/{seen['id']}", f"{ALL}/invitations", HERE, f"{HERE}/{seen['id']}"):
            found.go(path)
            assert "nothing at this address" not in found.text, path
            assert buttons(found) == [], path


def test_who_makes_tenants_runs_their_own_and_sees_no_other(browser: Browser, keywright: Keywright) -> None:
    pia = keywright.person("pia")
    keywright.rest(
        "POST", "/v1/memberships", {"identity_id": pia["id"], "role": "project_creator"}, tenant="*"
    )
    keywright.rest("POST", "/v1/tenants", {"slug": "pias"}, token=keywright.session("pia"))
    with logged_in(browser, keywright, "pia") as found:
        for path in (HERE, ALL, f"/t/{BLOG}/roles", f"/t/{BLOG}/service-accounts"):
            found.go(path)
            assert "nothing at this address" in found.text, path
        found.go("/t/pias/people")
        assert "Invite somebody" in buttons(found)
        assert found.page.locator("a.name").all_inner_texts() == ["Pia"]
        found.go(f"/t/pias/people/{pia['id']}")
        assert "Do everything" in found.text


def test_who_holds_less_cannot_change_who_holds_more(browser: Browser, keywright: Keywright) -> None:
    paul = keywright.person("paul")
    keywright.rest(
        "POST", "/v1/memberships", {"identity_id": paul["id"], "role": "project_admin"}, tenant="*"
    )
    root = keywright.rest("GET", "/v1/users?login=admin", tenant="*")["items"][0]
    plain = keywright.person("plain")
    with logged_in(browser, keywright, "paul") as found:
        found.go(f"{ALL}/{root['id']}")
        assert "They hold something that you do not hold yourself" in found.text
        assert "Delete…" not in buttons(found)
        found.look("person-beyond")
        found.go(f"{ALL}/{plain['id']}")
        assert "Delete…" in buttons(found)


def test_without_script_somebody_is_invited_and_found(browser: Browser, keywright: Keywright) -> None:
    with logged_in(browser, keywright, "admin", java_script_enabled=False) as plain:
        plain.go(f"{HERE}/invite")
        plain.page.get_by_label("Name", exact=True).fill("Scriptless")
        plain.page.get_by_label("Role 1").select_option("member")
        plain.button("Make the invitation").click()
        assert "kwi_" in plain.page.locator("[data-secret]").inner_text()
        plain.go(HERE)
        plain.page.get_by_placeholder("Search name, login name, e-mail or id").fill("nobody of this name")
        plain.button("Search").click()
        assert "Nobody is found" in plain.text
