"""People come in by invitations, are changed, and leave, on every door."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.scenarios.door import Refused
from tests.doors.scenarios.rest_door import HTTP, RestDoor

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.doors.scenarios.conftest import Installation
    from tests.doors.scenarios.door import Door

    Kind = type[Door]

PASSWORD = "a long way to Tipperary"
OTHER = "correct horse battery staple"
READER = {"role": "read_only", "variables": {}}
MEMBER = {"role": "member", "variables": {}}


def refused(code: str, act: Callable[..., Any], *args: Any, **fields: Any) -> None:
    with pytest.raises(Refused) as caught:
        act(*args, **fields)
    assert caught.value.code == code


def a_login() -> str:
    return f"ada-{secrets.token_hex(6)}"


def log_in(installation: Installation, login: str, password: str = PASSWORD) -> str:
    """The token of a session."""
    body = {"login": login, "password": password}
    answer = HTTP.post(f"{installation.url}/v1/sessions", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


@pytest.fixture
def root(installation: Installation, kind: Kind) -> Door:
    """Whoever administers the installation."""
    return kind(installation.url, installation.root)


@pytest.fixture
def admin(installation: Installation, kind: Kind) -> Door:
    """The administrator of a new tenant."""
    slug, token = installation.new_tenant()
    return kind(installation.url, token, slug)


def come_in(door: Door, *roles: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Invite somebody, who accepts."""
    login = a_login()
    email = f"{login}@example.com"
    given = {"name": "Ada", "login": login, "email": email, "memberships": list(roles), **fields}
    token = door.do("users.invite", **given)["token"]
    accepted: dict[str, Any] = door.do("invitations.accept", token=token, password=PASSWORD)
    return accepted


def test_somebody_is_invited_and_comes_in(installation: Installation, admin: Door) -> None:
    login = a_login()
    email = f"{login}@example.com"
    invited = admin.do(
        "users.invite",
        name="Ada",
        login=login.upper(),
        email=email,
        memberships=[READER, MEMBER],
        expires_in_days=3,
    )
    assert invited["link"] == f"{installation.url}/invitations/accept#{invited['token']}"
    assert (invited["mailed"], invited["mail_problem"], invited["replayed"]) == (False, "not_set_up", False)
    made = invited["invitation"]
    assert (made["tenant"], made["state"], made["login"], made["email"]) == (
        admin.tenant,
        "open",
        login,
        email,
    )
    assert made["memberships"] == [READER, MEMBER]
    assert (made["identity_id"], made["ends_factors"], made["accepted_at"]) == (None, False, None)
    assert made["created_by"]["id"] == admin.whoami()["identity"]["id"]
    assert admin.do("invitations.list") == [made]

    accepted = admin.do("invitations.accept", token=invited["token"], password=PASSWORD, name="Ada L.")
    assert (accepted["login"], accepted["tenant"]) == (login, admin.tenant)
    assert accepted["identity"]["kind"] == "user"
    assert accepted["memberships"] == [READER, MEMBER]
    assert (accepted["already_held"], accepted["skipped"]) == ([], [])
    (now,) = admin.do("invitations.list")
    assert (now["state"], now["accepted_by"]) == ("accepted", accepted["identity"]["id"])
    refused("invitation_used", admin.do, "invitations.accept", token=invited["token"], password=PASSWORD)
    assert type(admin)(installation.url, log_in(installation, email)).whoami()["identity"]["name"] == "Ada L."

    user = admin.do("users.get", id=accepted["identity"]["id"])
    assert (user["login"], user["email"], user["active"], user["two_factor"]) == (login, email, True, False)
    assert user["password_change_due"] is False
    assert [one["role"] for one in user["memberships"]] == ["read_only", "member"]
    assert admin.do("users.list") == [user]


def test_who_is_logged_in_joins(installation: Installation, admin: Door) -> None:
    login = come_in(admin, READER)["login"]
    own = type(admin)(installation.url, log_in(installation, login))
    token = admin.do("users.invite", name="Ada", memberships=[READER, MEMBER])["token"]
    joined = own.do("invitations.accept", token=token, join=True)
    assert (joined["login"], joined["memberships"], joined["already_held"]) == (
        login,
        [MEMBER],
        ["read_only"],
    )


def test_what_is_no_acceptance(installation: Installation, admin: Door) -> None:
    def accept(code: str, token: str, password: str = PASSWORD, **fields: str) -> None:
        refused(code, admin.do, "invitations.accept", token=token, password=password, **fields)

    made = admin.do("users.invite", name="Ada", memberships=[READER])
    token = made["token"]
    accept("missing_field", token)
    accept("weak_password", token, "qwertyuiop", login=a_login())
    accept("invalid_value", token, login="a b")
    taken = come_in(admin, READER)["login"]
    accept("login_taken", token, login=taken)
    admin.do("invitations.revoke", id=made["invitation"]["id"])
    accept("invitation_expired", token, login=a_login())
    accept("not_found", token[:-1] + ("a" if token[-1] != "a" else "b"), login=a_login())


def test_what_cannot_be_promised(admin: Door) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("missing_field", {}),
        ("unknown_role", {"memberships": [{"role": "emperor"}]}),
        ("unknown_variable", {"memberships": [{"role": "member", "variables": {"language": ["cs"]}}]}),
        ("invalid_value", {"memberships": [READER], "expires_in_days": 31}),
        ("invalid_value", {"memberships": [READER], "email": "nobody"}),
    ]
    for code, fields in wrong:
        refused(code, admin.do, "users.invite", name="Ada", **fields)
    refused("not_found", admin.do, "invitations.revoke", id="inv_" + "0" * 32)


def test_an_invitation_is_made_once_under_its_key(admin: Door) -> None:
    new = {"name": "Ada", "memberships": [READER], "idempotency_key": "invite"}
    first = admin.do("users.invite", **new)
    again = admin.do("users.invite", **new)
    assert again == {**first, "token": None, "link": None, "mail_problem": None, "replayed": True}
    assert len(admin.do("invitations.list")) == 1


def test_many_are_listed_page_by_page(admin: Door) -> None:
    people = [come_in(admin, READER)["identity"]["id"] for _ in range(3)]
    assert [one["id"] for one in admin.do("users.list", page=2)] == people
    accepted_by = [one["accepted_by"] for one in admin.do("invitations.list", page=2)]
    assert accepted_by == people[::-1]


def test_one_is_found_by_login_name_or_address(admin: Door) -> None:
    ada, bea = come_in(admin, READER), come_in(admin, READER)
    for login in (ada["login"], ada["login"].upper(), f"{ada['login']}@example.com"):
        assert [one["id"] for one in admin.do("users.list", login=login)] == [ada["identity"]["id"]]
    assert [one["id"] for one in admin.do("users.list", login=bea["login"])] == [bea["identity"]["id"]]
    assert admin.do("users.list", login="nobody") == []


def test_people_are_searched_by_how_they_are_called(admin: Door) -> None:
    ada, bea = come_in(admin, READER), come_in(admin, READER)
    ada_id, bea_id = ada["identity"]["id"], bea["identity"]["id"]

    def found(text: str, **paging: int) -> list[str]:
        return [one["id"] for one in admin.do("users.list", search=text, **paging)]

    for text in (ada["login"], ada["login"].upper()[:-1], f" {ada['login']}@Example", ada_id):
        assert found(text) == [ada_id]
    assert found("aDa", page=1) == found("") == [ada_id, bea_id]
    for text in (ada["login"][1:], "example.com", "ada%", ada_id[:-1]):
        assert found(text) == []
    refused("invalid_value", found, "x" * 256)


def test_service_accounts_are_searched_by_how_they_are_called(admin: Door) -> None:
    names = ("Nightly export", "Exporter", "Backup")
    nightly, exporter, backup = [admin.do("service_accounts.create", name=name)["id"] for name in names]

    def found(text: str, **paging: int) -> list[str]:
        return [one["id"] for one in admin.do("service_accounts.list", search=text, **paging)]

    assert found("EXPORT", page=1) == [nightly, exporter]
    assert found("nightly e") == [nightly]
    assert found(backup) == [backup]
    assert found("port") == found(backup[:-1]) == []
    assert found(" ") == [nightly, exporter, backup]
    refused("invalid_value", found, "x" * 256)


def test_somebody_is_removed_from_a_tenant(installation: Installation, admin: Door) -> None:
    ada = come_in(admin, MEMBER)
    own = type(admin)(installation.url, log_in(installation, ada["login"]))
    key = own.create(name="Mine")
    admin.do("users.remove", id=ada["identity"]["id"])
    refused("not_found", admin.do, "users.get", id=ada["identity"]["id"])
    refused("not_found", admin.do, "users.remove", id=ada["identity"]["id"])
    refused("not_found", admin.get, key.key["id"])
    assert own.whoami()["roles"] == []


def test_the_last_administrator_is_not_removed(installation: Installation, kind: Kind) -> None:
    slug = f"t-{secrets.token_hex(6)}"
    RestDoor(installation.url, installation.root).create_tenant(slug, "A tenant")
    door = kind(installation.url, installation.root, slug)
    only = come_in(door, {"role": "admin", "variables": {}})["identity"]["id"]
    refused("last_administrator", door.do, "users.remove", id=only)


def test_a_person_is_made_changed_and_deleted(installation: Installation, root: Door) -> None:
    login = a_login()
    made = root.do("users.create", login=login, name="Ada", email=f"{login}@example.com", password=PASSWORD)
    assert (made["login"], made["memberships"], made["active"]) == (login, [], True)
    token = log_in(installation, login)
    changed = root.do("users.update", id=made["id"], name="Other", email=None, active=False)
    assert changed == {**made, "name": "Other", "email": None, "active": False}
    refused("unauthenticated", type(root)(installation.url, token).whoami)
    assert root.do("users.update", id=made["id"], active=True)["active"]
    everywhere = type(root)(installation.url, installation.root, "*")
    assert everywhere.do("users.get", id=made["id"])["name"] == "Other"
    assert made["id"] in [one["id"] for one in everywhere.do("users.list")]
    root.do("users.delete", id=made["id"])
    refused("not_found", everywhere.do, "users.get", id=made["id"])
    refused("not_found", root.do, "users.delete", id=made["id"])
    root.do("users.create", login=login, name="Ada")


def test_who_cannot_be_made(root: Door) -> None:
    login = a_login()
    first = root.do("users.create", login=login, name="Ada", idempotency_key=login)
    assert root.do("users.create", login=login, name="Ada", idempotency_key=login) == first
    refused("login_taken", root.do, "users.create", login=login, name="Ada")
    refused("weak_password", root.do, "users.create", login=a_login(), name="Ada", password="password")
    refused("invalid_value", root.do, "users.create", login="a@b", name="Ada")


def test_a_new_password_by_a_link(installation: Installation, root: Door) -> None:
    login = a_login()
    made = root.do("users.create", login=login, name="Ada", password=PASSWORD)
    session = log_in(installation, login)
    link = root.do("users.reset", id=made["id"], factors=True, expires_in_days=1)
    invitation = link["invitation"]
    assert (invitation["identity_id"], invitation["ends_factors"], invitation["tenant"]) == (
        made["id"],
        True,
        None,
    )
    assert link["mail_problem"] == "no_address"
    accepted = root.do("invitations.accept", token=link["token"], password=OTHER)
    assert (accepted["login"], accepted["identity"]["id"]) == (login, made["id"])
    refused("unauthenticated", type(root)(installation.url, session).whoami)
    log_in(installation, login, OTHER)


def test_somebody_is_logged_in_by_another(installation: Installation, root: Door, admin: Door) -> None:
    login = a_login()
    ada = root.do("users.create", login=login, name="Ada", password=PASSWORD)
    made = root.do("sessions.create_for", id=ada["id"], idle_seconds=1_800, longest_seconds=None)
    assert made["identity"] == {"id": ada["id"], "kind": "user", "name": "Ada"}
    assert made["expires_at"].startswith("9999-")
    door = type(root)(installation.url, made["token"])
    assert door.whoami()["identity"]["id"] == ada["id"]
    (listed,) = door.do("sessions.list")
    assert (listed["id"], listed["proofs"]) == (made["id"], ["delegated"])
    idle = datetime.fromisoformat(listed["idle_at"]) - datetime.fromisoformat(listed["created_at"])
    assert idle == timedelta(seconds=1_800)
    refused("fresh_login_required", door.do, "factors.totp.begin")
    assert door.do("sessions.confirm", password=PASSWORD)["proofs"] == ["password"]
    door.do("factors.totp.begin")

    usual = root.do("sessions.create_for", id=ada["id"])
    assert not usual["expires_at"].startswith("9999-")
    for field in ("idle_seconds", "longest_seconds"):
        refused("invalid_value", root.do, "sessions.create_for", id=ada["id"], **{field: 0})
    refused("permission_denied", admin.do, "sessions.create_for", id=ada["id"])
    refused("not_found", root.do, "sessions.create_for", id="idn_" + "0" * 32)
    root.do("users.update", id=ada["id"], active=False)
    refused("illegal_transition", root.do, "sessions.create_for", id=ada["id"])


def test_people_are_changed_by_who_holds_as_much(installation: Installation, root: Door, admin: Door) -> None:
    mighty = root.do("users.create", login=a_login(), name="Mighty")
    RestDoor(installation.url, installation.root, "*").call(
        "POST", "/v1/memberships", json={"identity_id": mighty["id"], "role": "super_admin"}
    )
    scope = [{"actions": ["identities:*"]}]
    made = RestDoor(installation.url, installation.root).create(name="Helper", tenant="*", scope=scope)
    assert made.token is not None
    helper = type(root)(installation.url, made.token)
    refused("beyond_own_rights", helper.do, "users.update", id=mighty["id"], email="mine@example.com")
    refused("beyond_own_rights", helper.do, "users.reset", id=mighty["id"])
    refused("beyond_own_rights", helper.do, "users.delete", id=mighty["id"])
    refused("permission_denied", admin.do, "users.reset", id=mighty["id"])
    root.do("users.delete", id=mighty["id"])
