"""Whatever stands in an argument, the answer is Contember's, and no token comes back or is logged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull, get_named_type

from keywright.dialects.contember.schema import build_schema
from tests.dialects.contember.asking import BLOG, CREATE, CREATE_GLOBAL, CS, DISABLE, Tenant, as_uuid
from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLField

    from tests.support.keywright import Keywright

SCHEMA = build_schema()
UNKNOWN = "11111111-2222-4333-8444-555555555555"
TEXTS = [
    "",
    " ",
    "\0",
    "\ud800",
    "a\nb",
    "%00",
    "*",
    "**",
    "'; drop table api_key; --",
    "x" * 5_000,
    "é" * 300,
    "{}",
    UNKNOWN,
    f"key_{UNKNOWN.replace('-', '')}",
    "my-blog",
]
NUMBERS = [0, -1, 1, 2**31 - 1, -(2**31), 2**31, 1.5]
OTHERS: list[Any] = [None, True, [], {}, [[]], [None], {"x": 1}]
BY_TYPE: dict[str, list[Any]] = {
    "String": [*TEXTS, *OTHERS, 1],
    "Int": [*NUMBERS, *OTHERS, "1"],
    "Boolean": [*OTHERS, False, 1, "true"],
    "Json": [*TEXTS[:6], *NUMBERS, *OTHERS, [[[[{"a": "b"}]]]]],
}
VALID: dict[str, Any] = {
    "projectSlug": "bad-input",
    "slug": "bad-input",
    "memberships": [{"role": "viewer", "variables": []}],
    "description": "x",
    "roles": ["login"],
    "identityId": UNKNOWN,
    "id": UNKNOWN,
    "personId": UNKNOWN,
    "sessionId": UNKNOWN,
    "email": "nobody@example.com",
    "password": "x",
    "currentPassword": "x",
    "newPassword": "a long enough password",
    "otpToken": "000000",
}


def roots() -> Iterator[tuple[str, str, GraphQLField]]:
    for kind, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type)):
        assert root is not None
        for name, field in root.fields.items():
            yield kind, name, field


def document(kind: str, name: str, field: GraphQLField) -> str:
    """A query of the field with a variable for each of its arguments."""
    declared = ", ".join(f"${one}: {argument.type}" for one, argument in field.args.items())
    passed = ", ".join(f"{one}: ${one}" for one in field.args)
    inner = " { __typename }"
    return (
        f"{kind} {f'({declared})' if declared else ''} {{ {name}{f'({passed})' if passed else ''}{inner} }}"
    )


def values(kind: Any) -> Iterator[Any]:
    """Values for an input type, bad ones and good ones."""
    if isinstance(kind, GraphQLNonNull):
        yield from values(kind.of_type)
    elif isinstance(kind, GraphQLList):
        yield from OTHERS
        for one in values(kind.of_type):
            yield [one]
        yield ["x"] * 200
    elif isinstance(kind, GraphQLInputObjectType):
        yield from OTHERS
        base = {one: sample(field.type) for one, field in kind.fields.items()}
        for one, field in kind.fields.items():
            for value in values(field.type):
                yield {**base, one: value}
    elif isinstance(kind, GraphQLEnumType):
        yield from ["x", "", 1, *OTHERS]
    else:
        yield from BY_TYPE[get_named_type(kind).name]


def sample(kind: Any) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return sample(kind.of_type)
    if isinstance(kind, GraphQLList):
        return []
    return {"String": "x", "Int": 1, "Boolean": True}.get(get_named_type(kind).name)


ARGUMENTS = [
    (kind, name, argument) for kind, name, field in roots() for argument in field.args if name != "signIn"
]
FIELDS = {name: field for _, name, field in roots()}


@pytest.fixture(scope="module")
def place(keywright: Keywright) -> str:
    keywright.tenant("bad-input", BLOG)
    return "bad-input"


@pytest.fixture(scope="module")
def people(keywright: Keywright, root: Tenant) -> list[Tenant]:
    """Whom bad input comes from: who may everything, and a person."""
    keywright.person("uma", "default", "member")
    return [root, Tenant(keywright, keywright.session("uma"))]


def checked(answer: Any) -> None:
    """The answer is one of Contember's, and no defect."""
    assert answer.status_code in {200, 400}, answer.text[:500]
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) <= {"data", "errors"}
    assert "Internal server error" not in answer.text
    for error in body.get("errors", ()):
        assert set(error) <= {"message", "locations", "path", "extensions"}
        assert error.get("extensions", {"code": "UserInputError"})["code"] in {
            "UserInputError",
            "ForbiddenError",
        }


@pytest.mark.parametrize(("kind", "name", "argument"), ARGUMENTS)
def test_any_value_of_any_argument_has_an_answer(
    people: list[Tenant], place: str, kind: str, name: str, argument: str
) -> None:
    field = FIELDS[name]
    query = document(kind, name, field)
    base = {one: VALID[one] for one in field.args if one in VALID}
    for number, value in enumerate(values(field.args[argument].type)):
        caller = people[0 if name == "signOut" else number % 2]
        # As `json` writes it, since the text may be no valid Unicode.
        body = json.dumps({"query": query, "variables": {**base, argument: value}})
        headers = {"Authorization": f"Bearer {caller.token}", "Content-Type": "application/json"}
        answer = caller.keywright.http.post(caller.url, content=body, headers=headers)
        if answer.text == "Bad Request":  # a lone surrogate is no JSON
            assert "\\ud800" in body
            continue
        checked(answer)


SIGN_IN_VALUES = [
    (argument, value)
    for argument in FIELDS["signIn"].args
    for value in ("", "\0", "x" * 5_000, None, 1, -1, [], {}, {"x": 1})
]


def test_any_value_of_a_login_has_an_answer(keywright: Keywright, root: Tenant) -> None:
    """Apart, since wrong passwords take long; the right one makes sessions that nobody uses."""
    keywright.person("vera")
    query = document("mutation", "signIn", FIELDS["signIn"])
    for argument, value in SIGN_IN_VALUES:
        checked(root.send(query, {"email": "vera@example.com", "password": PASSWORD, argument: value}))


@pytest.mark.parametrize(
    "query",
    [
        "{" * 2_000,
        "{ me { projects { project { members { identity { projects { project { members { identity { projects "
        "{ project { members { identity { id } } } } } } } } } } } } } }",
        "{ " + " ".join(f"a{number}: me {{ id }}" for number in range(60)) + " }",
        "x" * 40_000,
        "{ me { id } } # " + "\u2028" * 10,
        "subscription { me { id } }",
        "{ me { ...a } } fragment a on Identity { ...a }",
        'mutation { createApiKey(projectSlug: 1, memberships: {}, description: "") { ok } }',
        "query ($a: Nothing) { me { id } }",
        "{ me(id: 1) { id } }",
        "{ me }",
    ],
    ids=range(11),
)
def test_any_query_has_an_answer(root: Tenant, query: str) -> None:
    checked(root.send(query))


def test_a_query_that_asks_for_too_much_is_refused(root: Tenant, place: str) -> None:
    """Lists in lists end at a bound, and not in the database."""
    for number in range(12):
        root.keywright.tenant(f"wide-{number}")
    names = " ".join(
        f"a{number}: project {{ members {{ memberships {{ role }} }} apiKeys {{ id }} }}"
        for number in range(48)
    )
    answer = root.send(f"{{ me {{ projects {{ {names} }} }} }}")
    checked(answer)
    assert answer.status_code == 400
    assert "asks for too much" in answer.text


# Tokens


def test_a_token_is_shown_once_and_logged_never(keywright: Keywright, root: Tenant, place: str) -> None:
    token_hash = "d" * 64
    made = root.ask(
        CREATE, projectSlug=place, memberships=[{"role": "editor", "variables": CS}], description="x"
    )
    token = made["result"]["apiKey"]["token"]
    everywhere = root.ask(CREATE_GLOBAL, description="x", roles=["login"])["result"]["apiKey"]
    root.ask(CREATE, projectSlug=place, memberships=[], description="x", tokenHash=token_hash)
    keywright.person("wanda", "default", "read_only")
    query = 'mutation ($p: String!) { signIn(email: "wanda@example.com", password: $p) { result { token } } }'
    session = root.ask(query, p=PASSWORD)["result"]["token"]
    begun = Tenant(keywright, session).ask("mutation { prepareOtp { result { otpSecret } } }")["result"]
    secrets = [token, everywhere["token"], session, begun["otpSecret"], token_hash, PASSWORD]
    texts = [
        root.send(
            "{ globalApiKeys { id description identity { id description } } projects { apiKeys { id description } "
            "members { identity { description } } } persons { name email } }"
        ).text,
        Tenant(keywright, session).send("{ me { id sessions { id } person { email } } }").text,
        # Where it does not belong, it is not said again.
        root.send(DISABLE, {"id": token}).text,
        root.send(CREATE, {"projectSlug": token, "memberships": [], "description": token}).text,
        root.send(CREATE, {"projectSlug": place, "memberships": [], "description": token}).text,
        root.send(CREATE_GLOBAL, {"description": "", "roles": [token]}).text,
        root.send(f"{{ {token} }}").text,
        root.send(f'{{ projectBySlug(slug: "{token}", {token}: 1) {{ {token} }} }}').text,
        root.send("query ($a: Int) { persons(limit: $a) { id } }", {"a": token}).text,
        root.send(f"query ${token} {{ me {{ id }} }}").text,
        root.send(
            "mutation ($i: String!, $r: [String!]!) { addGlobalIdentityRoles(identityId: $i, roles: $r) "
            "{ error { developerMessage } } }",
            {"i": as_uuid(f"idn_{'0' * 32}"), "r": [token]},
        ).text,
        keywright.http.get(f"{root.url}/{token}").text,
    ]
    root.ask(DISABLE, id=made["result"]["apiKey"]["id"])
    texts.append(Tenant(keywright, token).send("{ me { id } }").text)
    texts += [keywright.process.errors(), keywright.process.output()]
    for number, text in enumerate(texts):
        for secret in secrets:
            assert secret not in text, number
