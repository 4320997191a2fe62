"""Reading a catalog from plain data: what it becomes, and every fault with its place."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

import pytest
from hypothesis import given

from keywright.core.catalog import MAX_FAULTS, Catalog, KeyTemplate, canonical, parse, parsing, to_plain
from keywright.core.errors import InvalidCatalog
from keywright.core.limits import Credits, Every, Limit, Refill
from keywright.core.permissions import MAX_PATTERNS, MAX_POLICIES, Policy
from keywright.core.roles import MAX_VARIABLES, PolicyTemplate, Role, Variable
from keywright.core.routes import MAX_ROUTES, Route
from keywright.core.tokens import mint
from tests.support.catalogs import BLOG, blog, documents

TOKEN = mint(random=Random(5).randrange).reveal()


def faults(plain: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidCatalog) as caught:
        parse(plain)
    found = caught.value.faults
    assert all(one.detail.endswith(".") for one in found)
    assert TOKEN not in repr(found)
    assert caught.value.field == (found[0].path or None)
    assert caught.value.extras["faults"] == [
        {"path": one.path, "code": one.code, "detail": one.detail} for one in found
    ]
    return [(one.path, one.code) for one in found]


def test_a_catalog_says_what_stands_in_it() -> None:
    catalog = parse(BLOG)
    assert (catalog.tenant, catalog.strict) == ("acme", True)
    assert [(one.name, one.group, one.description) for one in catalog.actions] == [
        ("article:publish", "Articles", ""),
        ("article:read", "Articles", "Read articles"),
        ("comment:delete", "", ""),
    ]
    assert [(one.name, one.segments) for one in catalog.resource_types] == [
        ("article", ("language", "number")),
        ("comment", ()),
    ]
    assert [(kind.name, [(one.id, one.label) for one in kind.entities]) for kind in catalog.entities] == [
        ("language", [("cs", "Czech"), ("en", "English"), ("no", "")]),
        ("site", [("north", "")]),
    ]
    assert catalog.roles == (
        Role(
            "editor",
            "Writes in given languages",
            (Variable("language", "language"), Variable("part", None, "Any text")),
            (
                PolicyTemplate.of(["article:*"], ["article:${language}:**"]),
                PolicyTemplate.of(["comment:delete"], ["comment:${part}-*"]),
            ),
        ),
        Role("moderator", "", (), (PolicyTemplate.of(["comment:*"]),)),
    )
    bare, nightly = catalog.key_templates
    assert bare == KeyTemplate("bare")
    assert (nightly.name, nightly.description, nightly.prefix) == ("nightly", "Exports", "acme")
    assert nightly.scope == (Policy.parse(["article:read"], ["article:cs:**"]),)
    assert (nightly.expires_in, nightly.metadata) == (90 * 86_400, '{"team":"search"}')
    assert [str(one) for one in nightly.allowed_cidrs or ()] == ["10.0.0.0/8"]
    assert catalog.routes == (
        Route("GET|HEAD /articles/{language}/{number}", "article:read", "article:{language}:{number}"),
        Route("* /comments/**", "comment:delete"),
    )


@pytest.mark.parametrize(
    "plain", [{}, None, {"actions": None, "roles": None, "strict": None, "tenant": None}]
)
def test_what_is_left_out_or_null_is_empty(plain: object) -> None:
    assert parse(plain) == Catalog()
    assert to_plain(Catalog()) == {}
    assert canonical(Catalog()) == "{}"


def test_null_stands_for_an_empty_thing() -> None:
    catalog = parse({"entities": {"site": None}, "roles": {"viewer": None}, "key_templates": {"bare": None}})
    assert [kind.name for kind in catalog.entities] == ["site"]
    assert catalog.roles == (Role("viewer"),)
    assert catalog.key_templates == (KeyTemplate("bare"),)
    assert parse({"roles": {"a": {"variables": {"x": None}}}}).roles[0].variables == (Variable("x"),)


def test_order_means_nothing_where_things_have_names() -> None:
    turned = copy.deepcopy(BLOG)
    for section in ("actions", "resource_types"):
        turned[section].reverse()
    for section in ("entities", "roles", "key_templates"):
        turned[section] = dict(reversed(turned[section].items()))
    turned["entities"]["language"].reverse()
    assert parse(turned) == parse(BLOG)
    assert canonical(parse(turned)) == canonical(parse(BLOG))


def test_the_order_of_segments_policies_and_patterns_is_kept() -> None:
    plain = {
        "resource_types": [{"name": "z", "segments": ["b", "a"]}],
        "roles": {"r": {"policies": [{"actions": ["b", "a"], "resources": ["d", "c"]}, {"actions": ["a"]}]}},
    }
    assert to_plain(parse(plain)) == plain


@given(documents())
def test_what_is_written_reads_as_it_was(plain: dict[str, Any]) -> None:
    catalog = parse(plain)
    again = parse(to_plain(catalog))
    assert again == catalog
    assert canonical(again) == canonical(catalog)
    assert parse(json.loads(canonical(catalog))) == catalog


@pytest.mark.parametrize(
    ("given_span", "seconds", "written"),
    [
        (1, 1, 1),
        (61, 61, 61),
        ("7s", 7, 7),
        ("5m", 300, "5m"),
        (7_200, 7_200, "2h"),
        ("12h", 43_200, "12h"),
        ("2w", 1_209_600, "14d"),
        (86_400, 86_400, "1d"),
        (parsing.MAX_SPAN, parsing.MAX_SPAN, "36600d"),
    ],
)
def test_a_span_is_seconds_or_a_number_with_a_unit(given_span: object, seconds: int, written: object) -> None:
    catalog = parse({"key_templates": {"t": {"expires_in": given_span}}})
    assert catalog.key_templates[0].expires_in == seconds
    assert to_plain(catalog) == {"key_templates": {"t": {"expires_in": written}}}


@pytest.mark.parametrize(
    "span", [0, -1, True, 1.5, "", "90", "1y", "-1d", "1 d", "0s", parsing.MAX_SPAN + 1, "٣d", []]
)
def test_what_is_no_span_is_a_fault(span: object) -> None:
    assert faults({"key_templates": {"t": {"expires_in": span}}}) == [
        ("key_templates.t.expires_in", "invalid_value")
    ]


def test_an_empty_scope_and_empty_metadata_are_not_left_out() -> None:
    plain: dict[str, object] = {"key_templates": {"t": {"scope": [], "metadata": {}}}}
    template = parse(plain).key_templates[0]
    assert (template.scope, template.metadata) == ((), "{}")
    assert to_plain(parse(plain)) == plain


def one_action(**fields: object) -> dict[str, object]:
    return {"actions": [{"name": "a"} | fields]}


def a_role(**fields: object) -> dict[str, object]:
    return {"roles": {"r": fields}}


def test_a_template_says_how_often_its_keys_may_be_used() -> None:
    limit = {"name": "burst", "limit": 100, "window_seconds": 1}
    refill = {"amount": 10, "every": "day"}
    plain = {
        "key_templates": {
            "bare": {"limits": [], "credits": {"remaining": 0}},
            "full": {"limits": [limit], "credits": {"remaining": 5, "refill": refill}},
        }
    }
    bare, full = parse(plain).key_templates
    assert (bare.limits, bare.credits) == ((), Credits(0))
    assert (full.limits, full.credits) == ((Limit("burst", 100, 1),), Credits(5, Refill(10, Every.DAY)))
    assert to_plain(parse(plain)) == plain


def a_template(**fields: object) -> dict[str, object]:
    return {"key_templates": {"t": fields}}


WRONG: dict[str, tuple[object, list[tuple[str, str]]]] = {
    "list": ([], [("", "invalid_type")]),
    "text": ("a", [("", "invalid_type")]),
    "unknown section": ({"rules": {}}, [("#0", "unknown_field")]),
    "number as section": ({1: {}}, [("#0", "unknown_field")]),
    "tenant no slug": ({"tenant": "My blog"}, [("tenant", "invalid_value")]),
    "tenant a number": ({"tenant": 7}, [("tenant", "invalid_type")]),
    "strict a text": ({"strict": "yes"}, [("strict", "invalid_type")]),
    "strict a number": ({"strict": 1}, [("strict", "invalid_type")]),
    "actions an object": ({"actions": {}}, [("actions", "invalid_type")]),
    "action a text": ({"actions": ["a:b"]}, [("actions.0", "invalid_type"), ("actions.0", "missing_field")]),
    "action null": ({"actions": [None]}, [("actions.0", "missing_field")]),
    "action no name": ({"actions": [{"group": "A"}]}, [("actions.0", "missing_field")]),
    "action name null": ({"actions": [{"name": None}]}, [("actions.0", "missing_field")]),
    "action name a number": (one_action(name=7), [("actions.0.name", "invalid_type")]),
    "action name a pattern": (one_action(name="a:*"), [("actions.0.name", "invalid_value")]),
    "action name a secret": (one_action(name=TOKEN), [("actions.0.name", "secret_in_text")]),
    "action group": (one_action(group="a\nb"), [("actions.0.group", "invalid_value")]),
    "action group a list": (one_action(group=[]), [("actions.0.group", "invalid_type")]),
    "action description": (one_action(description=TOKEN), [("actions.0.description", "secret_in_text")]),
    "action field": (one_action(grup="A"), [("actions.0.#1", "unknown_field")]),
    "action twice": ({"actions": [{"name": "a"}, {"name": "a"}]}, [("actions.1.name", "duplicate_name")]),
    "type twice": (
        {"resource_types": [{"name": "a"}, {"name": "b"}, {"name": "a"}]},
        [("resource_types.2.name", "duplicate_name")],
    ),
    "type no name": ({"resource_types": [{}]}, [("resource_types.0", "missing_field")]),
    "type name of two": ({"resource_types": [{"name": "a:b"}]}, [("resource_types.0.name", "invalid_value")]),
    "type segments": (
        {"resource_types": [{"name": "a", "segments": ["b", 7, "*", TOKEN]}]},
        [
            ("resource_types.0.segments.1", "invalid_type"),
            ("resource_types.0.segments.2", "invalid_value"),
            ("resource_types.0.segments.3", "secret_in_text"),
        ],
    ),
    "type too many segments": (
        {"resource_types": [{"name": "a", "segments": ["b"] * 32}]},
        [("resource_types.0.segments", "invalid_value")],
    ),
    "entities a list": ({"entities": []}, [("entities", "invalid_type")]),
    "entity type name": (
        {"entities": {"a b": [], TOKEN: [], 7: []}},
        [
            ("entities.#0", "invalid_value"),
            ("entities.#1", "secret_in_text"),
            ("entities.#2", "invalid_value"),
        ],
    ),
    "entity no id": ({"entities": {"a": [{"label": "A"}]}}, [("entities.a.0", "missing_field")]),
    "entity id a number": ({"entities": {"a": [{"id": 42}]}}, [("entities.a.0.id", "invalid_type")]),
    "entity twice": (
        {"entities": {"a": [{"id": "x"}, {"id": "x"}], "b": [{"id": "x"}]}},
        [("entities.a.1.id", "duplicate_name")],
    ),
    "entity label": (
        {"entities": {"a": [{"id": "x", "label": TOKEN}]}},
        [("entities.a.0.label", "secret_in_text")],
    ),
    "role name": (
        {"roles": {"Editor": {}, "-a": {}}},
        [("roles.#0", "invalid_value"), ("roles.#1", "invalid_value")],
    ),
    "role built in": (
        {"roles": {"admin": {}, "monitor": {}}},
        [("roles.admin", "role_taken"), ("roles.monitor", "role_taken")],
    ),
    "role a list": ({"roles": {"r": []}}, [("roles.r", "invalid_type")]),
    "role field": (a_role(polices=[]), [("roles.r.#0", "unknown_field")]),
    "role description": (a_role(description="x" * 2_001), [("roles.r.description", "invalid_value")]),
    "variable name": (a_role(variables={"Lang": {}}), [("roles.r.variables.#0", "invalid_value")]),
    "variable type": (
        a_role(variables={"lang": {"entity": "language"}}),
        [("roles.r.variables.lang.entity", "unknown_entity")],
    ),
    "variable type a number": (
        a_role(variables={"lang": {"entity": 7}}),
        [("roles.r.variables.lang.entity", "invalid_type")],
    ),
    "variable undeclared": (
        a_role(variables={"x": {}}, policies=[{"actions": ["a:${x}", "a:${y}"], "resources": ["${z}"]}]),
        [
            ("roles.r.policies.0.actions.1", "unknown_variable"),
            ("roles.r.policies.0.resources.0", "unknown_variable"),
        ],
    ),
    "policy no actions": (a_role(policies=[{}]), [("roles.r.policies.0", "missing_field")]),
    "policy empty": (
        a_role(policies=[{"actions": [], "resources": []}]),
        [
            ("roles.r.policies.0.actions", "invalid_policy"),
            ("roles.r.policies.0.resources", "invalid_policy"),
        ],
    ),
    "policy a text": (
        a_role(policies=[{"actions": "a"}, {"actions": ["b"]}]),
        [("roles.r.policies.0.actions", "invalid_type")],
    ),
    "policy patterns": (
        a_role(policies=[{"actions": ["a b", "a", 7, "a:${X}", TOKEN]}]),
        [
            ("roles.r.policies.0.actions.0", "invalid_policy"),
            ("roles.r.policies.0.actions.2", "invalid_type"),
            ("roles.r.policies.0.actions.3", "invalid_policy"),
            ("roles.r.policies.0.actions.4", "secret_in_text"),
        ],
    ),
    "too many policies": (
        a_role(policies=[{"actions": ["a"]}] * (MAX_POLICIES + 1)),
        [("roles.r.policies", "invalid_value")],
    ),
    "too many patterns": (
        a_role(policies=[{"actions": ["a"] * (MAX_PATTERNS + 1)}]),
        [("roles.r.policies.0.actions", "invalid_value")],
    ),
    "too many variables": (
        a_role(variables={f"v{number}": {} for number in range(MAX_VARIABLES + 1)}),
        [("roles.r.variables", "invalid_value")],
    ),
    "template name": ({"key_templates": {"A": {}}}, [("key_templates.#0", "invalid_value")]),
    "template scope": (
        a_template(scope=[{"actions": ["a:${x}", "b"], "resources": ["a", TOKEN]}]),
        [
            ("key_templates.t.scope.0.actions.0", "invalid_policy"),
            ("key_templates.t.scope.0.resources.1", "secret_in_text"),
        ],
    ),
    "template addresses": (
        a_template(allowed_cidrs=["10.0.0.0/8", "10.0.0.1/8"]),
        [("key_templates.t.allowed_cidrs.1", "invalid_cidr")],
    ),
    "template no addresses": (
        a_template(allowed_cidrs=[]),
        [("key_templates.t.allowed_cidrs", "invalid_cidr")],
    ),
    "template address a number": (
        a_template(allowed_cidrs=[10]),
        [("key_templates.t.allowed_cidrs.0", "invalid_type")],
    ),
    "template metadata": (a_template(metadata=[]), [("key_templates.t.metadata", "invalid_type")]),
    "template metadata secret": (
        a_template(metadata={"a": TOKEN}),
        [("key_templates.t.metadata", "secret_in_text")],
    ),
    "template limits": (
        a_template(limits=[{"name": "a b", "limit": 1, "window_seconds": 1}]),
        [("key_templates.t.limits.0.name", "invalid_value")],
    ),
    "template limits that are none": (a_template(limits={}), [("key_templates.t.limits", "invalid_type")]),
    "template limits of wrong types": (
        a_template(limits=[{"name": 1, "limit": "1", "window_seconds": True}]),
        [
            ("key_templates.t.limits.0.name", "invalid_type"),
            ("key_templates.t.limits.0.limit", "invalid_type"),
            ("key_templates.t.limits.0.window_seconds", "invalid_type"),
        ],
    ),
    "template limits without parts": (
        a_template(limits=[{}]),
        [("key_templates.t.limits.0", "missing_field")] * 3,
    ),
    "template credits": (
        a_template(credits={"remaining": -1}),
        [("key_templates.t.credits.remaining", "invalid_value")],
    ),
    "template credits without parts": (
        a_template(credits={"refill": {}}),
        [
            ("key_templates.t.credits", "missing_field"),
            ("key_templates.t.credits.refill", "missing_field"),
            ("key_templates.t.credits.refill", "missing_field"),
        ],
    ),
    "template refill": (
        a_template(credits={"remaining": 1, "refill": {"amount": 1, "every": "year"}}),
        [("key_templates.t.credits.refill.every", "invalid_value")],
    ),
    "template refill of wrong types": (
        a_template(credits={"remaining": 1, "refill": {"amount": "1", "every": 1}}),
        [
            ("key_templates.t.credits.refill.amount", "invalid_type"),
            ("key_templates.t.credits.refill.every", "invalid_type"),
        ],
    ),
    "template prefix": (a_template(prefix="kws"), [("key_templates.t.prefix", "invalid_value")]),
}


@pytest.mark.parametrize(("plain", "expected"), WRONG.values(), ids=WRONG)
def test_each_fault_is_told_with_its_place_and_code(plain: object, expected: list[tuple[str, str]]) -> None:
    assert faults(plain) == expected


@pytest.mark.parametrize(
    ("section", "limit", "fill"),
    [
        ("actions", parsing.MAX_ACTIONS, lambda count: [{"name": f"a{n}"} for n in range(count)]),
        (
            "resource_types",
            parsing.MAX_RESOURCE_TYPES,
            lambda count: [{"name": f"a{n}"} for n in range(count)],
        ),
        ("entities", parsing.MAX_ENTITY_TYPES, lambda count: {f"a{n}": [] for n in range(count)}),
        (
            "entities",
            parsing.MAX_ENTITIES,
            lambda count: {"a": [{"id": "x"}], "b": [{"id": f"e{n}"} for n in range(count - 1)]},
        ),
        ("roles", parsing.MAX_ROLES, lambda count: {f"a{n}": {} for n in range(count)}),
        ("key_templates", parsing.MAX_KEY_TEMPLATES, lambda count: {f"a{n}": {} for n in range(count)}),
    ],
    ids=["actions", "resource types", "entity types", "entities", "roles", "key templates"],
)
def test_each_section_has_a_limit(section: str, limit: int, fill: Any) -> None:
    parse({section: fill(limit)})
    assert faults({section: fill(limit + 1)}) == [(section, "invalid_value")]


def test_all_faults_are_told_in_the_order_of_the_document() -> None:
    plain = {
        "roles": {
            "b": {"policies": [{"actions": ["a b"]}], "description": 7},
            "a": {"variables": {"x": {"entity": "y"}}},
        },
        "nonsense": 1,
        "actions": [{"name": "a b"}, {"nome": "a"}],
        "strict": "perhaps",
    }
    assert faults(plain) == [
        ("roles.b.policies.0.actions.0", "invalid_policy"),
        ("roles.b.description", "invalid_type"),
        ("roles.a.variables.x.entity", "unknown_entity"),
        ("#1", "unknown_field"),
        ("actions.0.name", "invalid_value"),
        ("actions.1", "missing_field"),
        ("actions.1.#0", "unknown_field"),
        ("strict", "invalid_type"),
    ]


def test_faults_are_told_up_to_a_limit() -> None:
    assert len(faults({"actions": [{}] * (MAX_FAULTS + 1)})) == MAX_FAULTS
    unknown = [{"actions": [f"x{n}" for n in range(MAX_PATTERNS)]}] * 2
    assert len(faults({"strict": True} | a_role(policies=unknown))) == MAX_FAULTS


def test_an_unknown_field_comes_with_the_nearest_known_one() -> None:
    with pytest.raises(InvalidCatalog, match="The nearest that is known is policies"):
        parse(a_role(polices=[]))
    with pytest.raises(InvalidCatalog, match=r"known here\.$"):
        parse(a_role(zzz=[]))
    with pytest.raises(InvalidCatalog, match=r"known here\.$"):
        parse(a_role(**{"policies" * 20: []}))


# Strict catalogs keep to what they know themselves


@pytest.mark.parametrize(
    ("policy", "place", "code", "nearest"),
    [
        ({"actions": ["article:read", "article:raed"]}, "actions.1", "unknown_action", "article:read"),
        ({"actions": ["book:*"]}, "actions.0", "unknown_action", None),
        ({"actions": ["book:${part}"]}, "actions.0", "unknown_action", None),
        ({"actions": ["**"], "resources": ["artikle:cs"]}, "resources.0", "unknown_entity", "article"),
        (
            {"actions": ["**"], "resources": ["article:${part}", "article:cz:1"]},
            "resources.1",
            "unknown_entity",
            "cs",
        ),
    ],
)
def test_roles_of_a_strict_catalog_name_what_it_knows(
    policy: dict[str, Any], place: str, code: str, nearest: str | None
) -> None:
    roles = {"writer": {"variables": {"part": {}}, "policies": [{"actions": ["article:read"]}, policy]}}
    plain = blog(roles=roles)
    with pytest.raises(InvalidCatalog) as caught:
        parse(plain)
    (fault,) = caught.value.faults
    assert (fault.path, fault.code) == (f"roles.writer.policies.1.{place}", code)
    assert fault.detail.endswith(f"The nearest that it knows is {nearest}.") is (nearest is not None)
    parse(plain | {"strict": False})


def test_key_templates_of_a_strict_catalog_name_what_it_knows() -> None:
    plain = blog(key_templates={"t": {"scope": [{"actions": ["article:list"]}]}})
    assert faults(plain) == [("key_templates.t.scope.0.actions.0", "unknown_action")]
    parse(plain | {"strict": False})


def test_a_strict_catalog_with_other_faults_is_not_judged_by_what_it_knows() -> None:
    plain = blog(actions=[{"name": "article :read"}])
    assert faults(plain) == [("actions.0.name", "invalid_value")]


def test_the_order_of_routes_is_kept() -> None:
    plain = {
        "routes": [
            {"match": "GET /b", "action": "x"},
            {"match": "GET /{a}", "action": "y", "resource": "z:{a}"},
        ]
    }
    assert to_plain(parse(plain)) == plain
    turned = {"routes": list(reversed(BLOG["routes"]))}
    assert parse(turned) != parse({"routes": BLOG["routes"]})


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ({}, [("routes.0", "missing_field"), ("routes.0", "missing_field")]),
        ({"match": "GET /a"}, [("routes.0", "missing_field")]),
        ({"match": 1, "action": "a"}, [("routes.0.match", "invalid_type")]),
        ({"match": "GET a", "action": "a"}, [("routes.0.match", "invalid_route")]),
        ({"match": "GET /a", "action": "a:*"}, [("routes.0.action", "invalid_route")]),
        ({"match": "GET /a", "action": "a", "resource": "b:{c}"}, [("routes.0.resource", "invalid_route")]),
        ({"match": "GET /a", "action": "a", "resource": 7}, [("routes.0.resource", "invalid_type")]),
        ({"match": f"GET /{TOKEN}", "action": "a"}, [("routes.0.match", "secret_in_text")]),
        ({"match": "GET /a", "action": "a", "cost": 2}, [("routes.0.#2", "unknown_field")]),
    ],
)
def test_what_is_no_route_is_a_fault(route: object, expected: list[tuple[str, str]]) -> None:
    assert faults({"routes": [route]}) == expected


def test_a_route_that_can_never_decide_is_a_fault() -> None:
    routes = [{"match": "* /{a}", "action": "a"}, {"match": "GET /b", "action": "a"}]
    assert faults({"routes": routes}) == [("routes.1", "unreached_route")]
    assert faults({"routes": [routes[1], routes[1]]}) == [("routes.1", "unreached_route")]
    assert len(parse({"routes": list(reversed(routes))}).routes) == 2


def test_the_faults_of_routes_stand_at_their_places_beside_broken_ones() -> None:
    routes = [
        {"match": "GET", "action": "a"},
        {"match": "GET /{a}", "action": "a"},
        {"match": "GET /b", "action": "b"},
    ]
    assert faults({"routes": routes}) == [
        ("routes.0.match", "invalid_route"),
        ("routes.2", "unreached_route"),
    ]


def test_there_are_only_so_many_routes() -> None:
    many = [{"match": f"GET /{index}", "action": "a"} for index in range(MAX_ROUTES)]
    assert len(parse({"routes": many}).routes) == MAX_ROUTES
    assert faults({"routes": [*many, {"match": "GET /x", "action": "a"}]}) == [("routes", "invalid_value")]


def test_the_routes_of_a_strict_catalog_keep_to_what_it_knows() -> None:
    routes = [
        *BLOG["routes"],
        {"match": "GET /keys", "action": "keys:read"},
        {"match": "GET /a", "action": "article:write"},
        {"match": "GET /b/{x}", "action": "article:read", "resource": "artikel:{x}"},
        {"match": "GET /c/{x...}", "action": "article:read", "resource": "article:de:{x...}"},
    ]
    assert faults(blog(routes=routes)) == [
        ("routes.3.action", "unknown_action"),
        ("routes.4.resource", "unknown_entity"),
        ("routes.5.resource", "unknown_entity"),
    ]
    assert len(parse(blog(strict=False, routes=routes)).routes) == 6
