"""Words both ways, errors, and what is wrong with memberships, without a server."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from keywright.core import checks, errors
from keywright.core.codes import Code
from keywright.core.errors import concrete_errors
from keywright.core.ids import new_id
from keywright.core.roles import GLOBAL_ROLES, Role, Variable, built_in
from keywright.core.sessions import LONGEST_LIFE, NEVER
from keywright.core.tokens import mint
from keywright.dialects.contember import DIALECT, mapping
from keywright.dialects.contember import errors as door_errors
from keywright.dialects.contember.findings import finding_of, findings, invalid
from keywright.dialects.contember.mapping import Wanted
from keywright.dialects.contember.schema import build_schema
from keywright.web.setups import SetUp
from keywright.web.visit import Visit

if TYPE_CHECKING:
    from keywright.core.errors import KeywrightError

NOW = datetime(2026, 11, 21, 22, 31, 8, 576_999, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)


# Ids and moments


@given(st.uuids())
def test_an_id_holds_its_uuid(one: uuid.UUID) -> None:
    ours = f"key_{one.hex}"
    text = mapping.uuid_of(ours)
    assert uuid.UUID(text) == one
    assert text == str(one)
    assert mapping.id_of("key", text) == mapping.id_of("key", text.upper()) == ours


def test_every_id_of_ours_has_a_uuid() -> None:
    for kind in ("key", "idn", "ten", "ses"):
        ours = new_id(kind)
        assert mapping.id_of(kind, mapping.uuid_of(ours)) == ours


@given(st.text())
def test_whatever_is_no_uuid_names_nothing(text: str) -> None:
    found = mapping.id_of("key", text)
    assert found is None or mapping.uuid_of(found) == text.lower()


def test_a_moment_has_milliseconds() -> None:
    assert mapping.date_time(NOW) == "2026-11-21T22:31:08.576Z"
    assert mapping.date_time(NOW.replace(microsecond=0)) == "2026-11-21T22:31:08.000Z"
    assert mapping.date_time(None) is None
    assert mapping.date_time(NEVER) is None


# Descriptions


@given(
    TEXT
    | st.sampled_from(["", " ", "\n", "a\nb", " a", "a ", "\u2028", "x" * 255, "x" * 256, mapping.NAMELESS])
)
def test_a_description_comes_back_as_it_was(text: str) -> None:
    name, description = mapping.key_texts(text)
    assert checks.name(name) == name
    assert len(name) <= checks.MAX_TEXT
    expected = None if text in ("", mapping.NAMELESS) else text
    assert mapping.description_of(name, description) == expected


def test_what_is_said_again_holds_no_token() -> None:
    token = mint().reveal()
    for text in (token, f"Role {token} x", "a" * 40, "x" * 64):
        assert token not in mapping.said(text)
        assert len(mapping.said(text)) < 40
    assert mapping.said("11111111-2222-4333-8444-555555555555") == "11111111-2222-4333-8444-555555555555"


# Roles


def test_global_roles_both_ways() -> None:
    for ours in GLOBAL_ROLES:
        (word,) = mapping.role_words([ours])
        assert mapping.global_role(word) == ours
        assert mapping.is_global_role(word)
    assert mapping.role_words(["deployer", "login", "login"], person=True) == [
        "entrypoint_deployer",
        "login",
        "person",
    ]
    for word in ("person", "self", "project_member"):
        assert mapping.is_global_role(word)
        assert mapping.global_role(word) is None
    for word in ("deployer", "banana", "", "admin"):
        assert not mapping.is_global_role(word)
        assert mapping.global_role(word) is None


def test_free_values_are_those_of_an_entity_of_the_same_name() -> None:
    role = Role("editor", variables=(Variable("site"), Variable("language", entity="lang")))
    assert mapping.role_definition(role)["variables"] == [
        {"name": "site", "entityName": "site"},
        {"name": "language", "entityName": "lang"},
    ]
    admin, member = built_in("admin", "ten_1"), built_in("member", "ten_1")
    assert admin is not None
    assert member is not None
    assert mapping.is_offered(admin, built_in=True)
    assert not mapping.is_offered(member, built_in=True)
    assert mapping.is_offered(role, built_in=False)


def test_how_long_a_session_lives() -> None:
    for minutes, expected in ((None, 30), (0, 30), (5, 5)):
        assert mapping.lifetime(minutes).idle == timedelta(minutes=expected)
        assert mapping.lifetime(minutes).longest is None
    idle = mapping.lifetime(2**31 - 1).idle
    assert idle is not None
    assert idle > LONGEST_LIFE


@given(
    st.text(min_size=1, max_size=50).filter(lambda text: not any("\ud800" <= one <= "\udfff" for one in text))
)
def test_a_label_stands_in_place_of_the_login_name(label: str) -> None:
    uri = "otpauth://totp/Keywright:ada?secret=AB&issuer=Keywright"
    assert mapping.labelled(uri, None) == mapping.labelled(uri, "") == uri
    found = mapping.labelled(uri, label)
    assert found.startswith("otpauth://totp/Keywright:")
    assert found.endswith("?secret=AB&issuer=Keywright")
    assert found.count("?") == 1


# Memberships

EDITOR = Role("editor", variables=(Variable("language"), Variable("site")))
ROLES = {"editor": EDITOR, "viewer": Role("viewer")}


def wanted(role: str, **variables: tuple[str, ...]) -> Wanted:
    return Wanted(role, variables)


def found(*given_: Wanted) -> list[tuple[str, str, str | None, int]]:
    return [(one.code, one.role, one.variable, one.at) for one in findings(given_, ROLES)]


def test_findings_come_in_their_order() -> None:
    assert found(
        wanted("viewer"),
        wanted("editor", zone=("x",), language=("a b",), area=("y",)),
        wanted("nobody", x=("y",)),
        wanted("editor", language=(), site=("ok",)),
    ) == [
        ("VARIABLE_NOT_FOUND", "editor", "zone", 1),
        ("VARIABLE_NOT_FOUND", "editor", "area", 1),
        ("VARIABLE_EMPTY", "editor", "site", 1),
        ("VARIABLE_INVALID", "editor", "language", 1),
        ("ROLE_NOT_FOUND", "nobody", None, 2),
    ]


def test_the_last_of_a_role_and_of_a_variable_counts() -> None:
    sent = [
        {"role": "editor", "variables": [{"name": "a", "values": ["1"]}, {"name": "a", "values": ["2"]}]},
        {"role": "viewer", "variables": []},
        {"role": "editor", "variables": [{"name": "b", "values": ["3"]}]},
        {"role": "hollow", "variables": [{"name": "b", "values": []}]},
    ]
    given_ = mapping.wanted_memberships(sent)
    assert given_[0] == wanted("editor", a=("2",))
    assert mapping.merged(given_) == (wanted("editor", b=("3",)), wanted("viewer"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.UnknownRole("x", field="memberships.1.role"), ("ROLE_NOT_FOUND", "editor", None)),
        (
            errors.UnknownVariable("x", field="memberships.1.variables"),
            ("VARIABLE_NOT_FOUND", "editor", "zone"),
        ),
        (
            errors.MissingVariable("x", field="memberships.1.variables.site"),
            ("VARIABLE_EMPTY", "editor", "site"),
        ),
        (
            errors.InvalidValue("x", field="memberships.1.variables.zone.0"),
            ("VARIABLE_INVALID", "editor", "zone"),
        ),
        (
            errors.UnknownEntity("x", field="memberships.1.variables.zone.0"),
            ("VARIABLE_INVALID", "editor", "zone"),
        ),
        (errors.InvalidValue("x", field="memberships.0.variables"), ("VARIABLE_INVALID", "viewer", "")),
        (errors.InvalidValue("x", field="memberships"), None),
        (errors.InvalidValue("x", field="name"), None),
        (errors.InvalidValue("x"), None),
        (errors.BeyondOwnRights("x", field="memberships.1.role"), None),
        (errors.SecretInText("x", field="memberships.1.variables.zone.0"), None),
    ],
    ids=range(11),
)
def test_what_a_use_case_has_against_a_membership(error: KeywrightError, expected: Any) -> None:
    one = finding_of(error, (wanted("viewer"), wanted("editor", zone=("x",))))
    assert (None if one is None else (one.code, one.role, one.variable)) == expected


def test_an_invalid_value_has_no_older_form() -> None:
    answer = invalid(findings([wanted("editor", language=("*",), site=("x",))], ROLES))
    assert [one["code"] for one in answer["errors"]] == ["INVALID_MEMBERSHIP"]


# Errors


def a_visit(**headers: str) -> Visit:
    return Visit("0" * 32, None, [(name.encode(), value.encode()) for name, value in headers.items()])


def an_error(kind: type[KeywrightError]) -> KeywrightError:
    match kind.__name__:
        case "TooManyAttempts":
            return errors.TooManyAttempts("A sentence.", retry_after=7)
        case "SecondFactorRequired":
            return errors.SecondFactorRequired("A sentence.", factors=["totp"])
        case "InvalidCatalog":
            return errors.InvalidCatalog([errors.Fault("a", "b", "A sentence.")])
        case _:
            return kind("A sentence.")


def test_every_error_has_its_kind() -> None:
    assert door_errors.KINDS.keys() == concrete_errors()
    assert set(door_errors.KINDS.values()) == {"ForbiddenError", "UserInputError", "Internal server error"}


@pytest.mark.parametrize("kind", sorted(concrete_errors(), key=lambda one: one.__name__))
def test_every_error_has_its_form_in_a_field_and_before_one(kind: type[KeywrightError]) -> None:
    error = an_error(kind)
    shown = door_errors.shown(GraphQLError("x", path=["a"], original_error=error))
    if door_errors.KINDS[kind] == door_errors.INTERNAL:
        assert shown == {"message": "Internal server error"}
    else:
        assert list(shown) == ["message", "path", "extensions"]
        assert shown["extensions"] == {"code": door_errors.KINDS[kind]}
    answer = DIALECT.refuse(error, a_visit())
    assert answer.status in {400, 403, 413, 503}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    if answer.media_type == "application/json":
        (problem,) = json.loads(answer.body)["errors"]
        assert list(problem) == ["code", "message"]


def test_denied_and_missing_say_the_same() -> None:
    said = {
        str(door_errors.shown(GraphQLError("x", path=["a"], original_error=one("A sentence of its own."))))
        for one in door_errors.MASKED
    }
    assert len(said) == 1


def test_a_defect_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    secret = "a secret of the inside"
    for cause in (ValueError(secret), GraphQLError(secret, original_error=KeyError(secret))):
        assert door_errors.shown(GraphQLError(secret, path=["a"], original_error=cause)) == {
            "message": "Internal server error"
        }
    answer = DIALECT.refuse(None, a_visit())
    assert (answer.status, json.loads(answer.body)) == (
        500,
        {"errors": [{"code": 500, "message": "Internal server error"}]},
    )


@pytest.mark.parametrize("reason", [*Code, None])
@pytest.mark.parametrize("ended", [None, NOW])
def test_every_reason_has_its_words(reason: Code | None, ended: datetime | None) -> None:
    answer = door_errors.unauthenticated(reason, ended, a_visit())
    message = json.loads(answer.body)["errors"][0]["message"]
    assert answer.status == 401
    assert message.startswith("Authorization failure: ")
    at = " at 2026-11-21T22:31:08.576Z"
    expected = {
        (Code.DISABLED, NOW): f"API key was disabled{at}",
        (Code.DISABLED, None): "API key was disabled",
        (Code.EXPIRED, NOW): f"API key expired{at}",
        (Code.EXPIRED, None): "API key was not found",
        (Code.NOT_FOUND, None): "API key was not found",
        (None, None): "API key was not found",
    }
    if (reason, ended) in expected:
        assert message == f"Authorization failure: {expected[reason, ended]}"


# The schema and the setup


def test_every_root_field_has_its_resolver_and_every_mutation_may_be_null() -> None:
    schema = build_schema()
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    for root in (schema.query_type, schema.mutation_type):
        assert all(field.resolve for field in root.fields.values())
    for field in schema.mutation_type.fields.values():
        assert not str(field.type).endswith("!")


def test_the_setup_shows_its_token_in_its_lines_alone() -> None:
    made = SetUp(
        url="http://127.0.0.1:8300/dialects/contember",
        tenant="blog",
        tenant_id="ten_1",
        key_id="key_1",
        identity_id="idn_1",
        token="kw_secret",
    )
    assert "kw_secret" in DIALECT.setup.lines(made)
    assert made.url in DIALECT.setup.lines(made)
    assert "kw_secret" not in repr(made)
