"""Bad input of every part of a request: an error of Cycloid's form that repeats nothing of it, and nothing is made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.dialects.cycloid.client import READ_RULE, Cycloid
from tests.dialects.cycloid.models import refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.keywright import Keywright

MARK = "zq8markzq"
"""Stands in every bad value that can hold it, and in no answer."""
WRONG: tuple[Any, ...] = (True, 7, 1.5, [], {}, [MARK], {"a": MARK}, 10**400)
GOOD: dict[str, Any] = {"name": "Good", "rules": [READ_RULE]}


@pytest.fixture(scope="module")
def admin(keywright: Keywright) -> Cycloid:
    keywright.tenant("wayne")
    found = Cycloid(keywright, "wayne", keywright.key("wayne", "admin")["token"])
    found.make("Stays", READ_RULE, canonical="stays", description="As it is")
    return found


def texts() -> Iterator[str | bytes]:
    """Bodies that are no object in JSON."""
    yield from ("", " ", "null", "true", "7", f'"{MARK}"', f'["{MARK}"]', MARK, f"{{'name': '{MARK}'}}")
    yield from (
        f'{{"name": "{MARK}"',
        f'{{"name": "{MARK}",}}',
        '{"name": NaN}',
        '{"name": 1e999}',
        "[" * 50_000,
    )
    yield from ('{"a":' * 50_000, b'{"name": "\xff\xfe"}', '{"name": "\\ud800"}', '{"name": "a\nb"}', "\x00")


def fields() -> Iterator[tuple[str, Any]]:
    """Fields of a new key with what they cannot be, and where that is said to be."""
    yield from (
        ("name", one) for one in (None, "", "ab", "  ab  "[:2], "x" * 256, "two\nlines", f"{MARK}\0", *WRONG)
    )
    yield from (("canonical", one) for one in ("ab", "A-Z", "-ab", "ab-", "a b", "a" * 101, "ä-ö-ü", *WRONG))
    yield from (("description", one) for one in ("x" * 2_001, f"{MARK}\x00", *WRONG))
    yield from (("owner", one) for one in (MARK, "\x00", "a" * 5_000, *WRONG))
    yield from (
        ("rules", one) for one in (None, MARK, 7, {}, [None], [MARK], [7], [[]], [{}], [READ_RULE] * 101)
    )
    yield from (("rules", [one | {"effect": "allow"}]) for one in rules())
    yield from (("rules", [READ_RULE | {"effect": one}]) for one in (None, "", "deny", "Allow", MARK, *WRONG))


def rules() -> Iterator[dict[str, Any]]:
    """Rules whose action or resources are none."""
    yield from (
        {"action": one} for one in (None, "", " ", "a b", "a::b", "a:**b", "${x}:read", "a" * 513, *WRONG)
    )
    good = {"action": "a:read"}
    yield from (
        good | {"resources": one} for one in (MARK, 7, {}, [None], [7], [""], ["a b"], ["x" * 513], [[MARK]])
    )
    yield good | {"resources": [f"a:{number}" for number in range(101)]}


TEXTS, FIELDS = list(texts()), list(fields())


def send(admin: Cycloid, method: str, path: str, content: str | bytes) -> Any:
    headers = {"Authorization": f"Bearer {admin.token}", "Content-Type": "application/json"}
    url = f"{admin.keywright.at('cycloid')}{path}"
    return admin.keywright.http.request(method, url, content=content, headers=headers)


def wrong(answer: Any, *statuses: int) -> list[str]:
    assert answer.status_code in statuses, answer.text
    assert MARK not in answer.text
    code = {422: "Invalid", 401: "Unauthenticated", 404: "NotFoundEntity"}[answer.status_code]
    return refused(answer, answer.status_code, code)


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_bodies_that_are_no_object(admin: Cycloid, number: int) -> None:
    keys = "/organizations/wayne/api_keys"
    for method, path in (
        ("POST", keys),
        ("PUT", f"{keys}/stays"),
        ("POST", "/organizations/wayne/can_do"),
        ("POST", "/user/login"),
    ):
        (detail,) = wrong(send(admin, method, path, TEXTS[number]), 422)
        assert detail.startswith(("body in body", "name in body", "action in body", "email in body"))


@pytest.mark.parametrize("number", range(len(FIELDS)))
def test_fields_that_cannot_be(admin: Cycloid, number: int) -> None:
    name, value = FIELDS[number]
    before = admin.ask("GET", "./api_keys").json()["pagination"]["total"]
    content = json.dumps(GOOD | {name: value})
    assert wrong(send(admin, "POST", "/organizations/wayne/api_keys", content), 422)[0].startswith(name)
    assert admin.ask("GET", "./api_keys").json()["pagination"]["total"] == before
    if name != "rules":
        change = json.dumps({"name": "Changed", "rules": None} | {name: value})
        assert wrong(send(admin, "PUT", "/organizations/wayne/api_keys/stays", change), 422)
        kept = admin.get("stays")
        assert (kept["name"], kept["description"]) == ("Stays", "As it is")


def test_every_fault_is_told_at_once(admin: Cycloid) -> None:
    body = {"name": "x", "canonical": "A", "description": 7, "owner": 7, "rules": [{"effect": "deny"}, 7]}
    details = wrong(admin.ask("POST", "./api_keys", body), 422)
    assert details == [
        "name in body should be at least 3 chars long",
        "canonical in body should be at least 3 chars long",
        "description in body must be of type string",
        "owner in body must be of type string",
        "rules.0.effect in body should be one of [allow]",
        "rules.0.action in body is required",
        "rules.1 in body must be of type object",
    ]
    assert len(wrong(admin.ask("POST", "./api_keys", {"rules": [{}] * 1_000}), 422)) == 20
    assert wrong(admin.ask("POST", "./api_keys", {"name": "Many", "rules": [{}] * 1_001}), 422) == [
        "rules in body should have at most 1000 items"
    ]


@pytest.mark.parametrize("field", ["name", "description", "canonical"])
def test_a_token_is_not_taken_for_a_text(admin: Cycloid, field: str) -> None:
    body = GOOD | {field: f"see {admin.token}" if field != "canonical" else admin.token}
    answer = admin.ask("POST", "./api_keys", body)
    assert str(admin.token) not in str(wrong(answer, 422))


@pytest.mark.parametrize("name", ["action", "entity_canonicals"])
@pytest.mark.parametrize("number", range(len(WRONG)))
def test_questions_that_cannot_be(admin: Cycloid, name: str, number: int) -> None:
    value = WRONG[number]
    if name == "entity_canonicals" and value in ([], [MARK]):
        return
    body = {"action": "a:read", "entity_canonicals": []} | {name: value}
    assert wrong(send(admin, "POST", "/organizations/wayne/can_do", json.dumps(body)), 422)[0].startswith(
        name
    )


@pytest.mark.parametrize("name", ["email", "password", "organization_canonical", "mfa_token"])
@pytest.mark.parametrize("number", range(len(WRONG)))
def test_logins_that_cannot_be(admin: Cycloid, name: str, number: int) -> None:
    body = {"email": f"{MARK}@example.com", "password": f"{MARK}-long-enough"} | {name: WRONG[number]}
    assert wrong(send(admin, "POST", "/user/login", json.dumps(body)), 422)[0].startswith(name)


@pytest.mark.parametrize(
    "more",
    [
        {"password": "short"},
        {"password": ""},
        {"email": ""},
        {"email": None},
        {"email": "\x00"},
        {"email": "x" * 5_000},
        {"password": "\x00" * 9},
        {"password": "x" * 5_000},
        {"mfa_token": "\x00"},
        {"organization_canonical": "\x00"},
    ],
    ids=range(10),
)
def test_logins_with_values_that_nobody_has(admin: Cycloid, more: dict[str, Any]) -> None:
    body = {"email": f"{MARK}@example.com", "password": f"{MARK}-long-enough"} | more
    wrong(send(admin, "POST", "/user/login", json.dumps(body)), 422, 401)


@pytest.mark.parametrize(
    "segment",
    ["%00", "%FF", "..", "%2e%2e", "A", "*", "%20", "x" * 4_000, "key_", "key_" + "0" * 32, MARK, "a%0Ab"],
)
def test_paths_that_name_nothing(admin: Cycloid, segment: str) -> None:
    session = admin.other(admin.keywright.session())
    for method, path in (
        ("GET", f"./api_keys/{segment}"),
        ("PUT", f"./api_keys/{segment}"),
        ("DELETE", f"./api_keys/{segment}"),
        ("GET", f"/organizations/{segment}/api_keys"),
        ("GET", f"/organizations/{segment}/roles"),
        ("GET", f"/organizations/{segment}/policies"),
    ):
        for caller in (admin, session):
            if segment in {"..", "%2e%2e"} and method != "GET":
                continue  # clients take these for the folder above
            answer = caller.ask(method, path, {"name": "Changed"} if method == "PUT" else None)
            assert answer.status_code in {404, 405, 422} or segment in {"..", "%2e%2e"}, (path, answer.text)
            assert MARK not in answer.text
            assert answer.status_code < 500


def test_fields_that_are_not_known_are_passed_over(admin: Cycloid) -> None:
    made = admin.make("With more", READ_RULE | {"id": 3, "x": None}, expires_at=1, id=7, token="x")
    assert made["rules"][0]["id"] == 0
    assert made["token"] != "x"
