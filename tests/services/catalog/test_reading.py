"""Catalog files: what they say, where everything stands, and what is refused."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from keywright.core.catalog import parse, to_plain
from keywright.core.errors import InvalidCatalog
from keywright.core.tokens import mint
from keywright.services.catalog import reading
from keywright.services.catalog.reading import Place, UnreadableFile, read
from keywright.services.catalog.writing import as_json, as_yaml
from tests.support.catalogs import BLOG, documents

TOKEN = mint(random=Random(6).randrange).reveal()

SAMPLE = """\
tenant: my-blog  # whose it is
strict: true
actions:
  - {name: "article:read", group: Articles}
  - name: article:publish
    group: Články
entities:
  language: [{id: cs}, {id: no, label: Yes}]
roles:
  editor:
    policies:
      - actions: ["article:*"]
        resources:
          - article:${language}:**
"""


def refused(content: bytes | str) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(content if isinstance(content, bytes) else content.encode())
    assert caught.value.detail.endswith(".")
    return caught.value


def test_a_file_says_what_stands_in_it() -> None:
    assert read(SAMPLE.encode()).plain == {
        "tenant": "my-blog",
        "strict": True,
        "actions": [
            {"name": "article:read", "group": "Articles"},
            {"name": "article:publish", "group": "Články"},
        ],
        "entities": {"language": [{"id": "cs"}, {"id": "no", "label": "Yes"}]},
        "roles": {
            "editor": {"policies": [{"actions": ["article:*"], "resources": ["article:${language}:**"]}]}
        },
    }


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ("", 1, 1),
        ("tenant", 1, 9),
        ("strict", 2, 9),
        ("#1", 2, 1),
        ("actions", 3, 1),
        ("actions.0", 4, 5),
        ("actions.0.name", 4, 12),
        ("actions.1", 5, 5),
        ("actions.1.group", 6, 12),
        ("actions.1.#1", 6, 5),
        ("entities.language", 8, 3),
        ("entities.language.1.id", 8, 29),
        ("roles.editor", 10, 3),
        ("roles.editor.policies.0.actions.0", 12, 19),
        ("roles.editor.policies.0.resources", 13, 9),
        ("roles.editor.policies.0.resources.0", 14, 13),
        ("roles.editor.policies.7.resources.0", 11, 5),
        ("roles.nobody.policies", 9, 1),
        ("nowhere", 1, 1),
    ],
)
def test_everything_has_a_place_and_what_is_not_there_that_of_what_is_around_it(
    path: str, line: int, column: int
) -> None:
    assert read(SAMPLE.encode()).place(path) == Place(line, column)


def test_faults_of_a_catalog_are_found_in_its_file() -> None:
    text = "actions:\n- name: a b\nroles:\n  editor:\n    polices: []\n  No Name:\n    x: 1\n"
    document = read(text.encode())
    with pytest.raises(InvalidCatalog) as caught:
        parse(document.plain)
    assert [(document.place(one.path), one.code) for one in caught.value.faults] == [
        (Place(2, 9), "invalid_value"),
        (Place(5, 5), "unknown_field"),
        (Place(6, 3), "invalid_value"),
    ]


def test_a_name_that_holds_a_secret_is_in_no_path() -> None:
    document = read(f"roles:\n  {TOKEN}: {{x: [1]}}\n".encode())
    assert TOKEN not in repr(document.places)
    assert document.place("roles.#0.#0") == Place(2, len(TOKEN) + 6)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("No", "No"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("0", 0),
        ("-0", 0),
        ("42", 42),
        ("-42", -42),
        ("999999999999999999", 10**18 - 1),
        ("+1", "+1"),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("1.5", 1.5),
        ("-1e3", -1000.0),
        ("1.", "1."),
        (".5", ".5"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("=", "="),
        ("<<", "<<"),
        ("'42'", "42"),
        ('"true"', "true"),
        ("!!str 42", "42"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_only_what_json_has_is_more_than_text(text: str, value: object) -> None:
    found = read(f"a: {text}".encode()).plain
    assert isinstance(found, dict)
    assert found["a"] == value
    assert type(found["a"]) is type(value)


def test_names_may_look_like_yaml_s_old_words() -> None:
    assert read(b"no: 1\non: 2\noff: 3\ny: 4\n2026-01-01: 5\n<<: 6").plain == {
        "no": 1,
        "on": 2,
        "off": 3,
        "y": 4,
        "2026-01-01": 5,
        "<<": 6,
    }


def test_an_alias_stands_for_its_anchor_with_places_of_its_own() -> None:
    document = read(b"a: &x [{b: 1}]\nc: *x\nd: [*x]\n")
    assert document.plain == {"a": [{"b": 1}], "c": [{"b": 1}], "d": [[{"b": 1}]]}
    assert document.place("c.0.b") == Place(2, 1)
    assert document.place("d.0.0") == Place(3, 5)


def test_an_anchor_may_be_given_again() -> None:
    assert read(b"[&x 1, *x, &x 2, *x]").plain == [1, 1, 2, 2]


REFUSED: dict[str, tuple[bytes | str, int, int, str]] = {
    "empty": ("", 1, 1, "empty"),
    "comment": ("# nothing\n", 1, 1, "empty"),
    "two documents": ("a: 1\n---\nb: 2\n", 2, 1, "more than one document"),
    "not utf-8": (b"a: 1\nb: \xc4\x8d\xff\n", 2, 5, "UTF-8"),
    "utf-16": ("a: 1".encode("utf-16"), 1, 1, "UTF-8"),
    "control character": ("a: 1\nb: \x07\n", 2, 4, "control characters"),
    "indentation": ("a:\n  b: 1\n c: 2\n", 3, 2, "block end"),
    "tab": ("a:\n\tb: 1\n", 2, 1, "cannot start any token"),
    "open bracket": ("a: [1, 2\n", 2, 1, "expected"),
    "tag handle": (f"a: !{TOKEN[:5]}!x 1\n", 1, 4, "no well-formed YAML."),
    "name twice": ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, 3, "twice"),
    "name is a number": ("1: a\n", 1, 1, "put quotes"),
    "name is true": ("a: {true: 1}\n", 1, 5, "put quotes"),
    "no name": ("? \n: a\n", 1, 2, "put quotes"),
    "name is a list": ("? [a]\n: b\n", 1, 3, "put quotes"),
    "name is an alias": ("a: &x b\n*x : 1\n", 2, 1, "put quotes"),
    "tag": ("a: !!python/object:os.system {}\n", 1, 4, "no tags"),
    "own tag": ("a: !secret x\n", 1, 4, "no tags"),
    "binary": ("a: !!binary aGk=\n", 1, 4, "no tags"),
    "cycle": ("a: &x [1, *x]\n", 1, 11, "no end"),
    "cycle of objects": ("a: &x\n  b:\n    c: *x\n", 3, 8, "no end"),
    "alias without anchor": ("a: *x\n", 1, 4, "No anchor"),
    "large number": ("a: 1234567890123456789\n", 1, 4, "digits"),
    "endless number": ("a: 1e999\n", 1, 4, "digits"),
    "half a character": ('a: "\\ud800"\n', 1, 4, "half a character"),
    "half a character alone": ('{"a": "\\udc00x"}', 1, 7, "half a character"),
}


@pytest.mark.parametrize(("content", "line", "column", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_at_its_place(
    content: bytes | str, line: int, column: int, words: str
) -> None:
    error = refused(content)
    assert words in error.detail
    assert (error.place, error.code) == (
        Place(line, column),
        "duplicate_name" if words == "twice" else "malformed_file",
    )


def test_a_file_has_a_largest_size() -> None:
    room = reading.MAX_BYTES - len("a: 1\n#")
    assert read(b"a: 1\n#" + b"x" * room).plain == {"a": 1}
    assert "bytes" in refused(b"a: 1\n#" + b"x" * (room + 1)).detail


def test_a_file_is_so_deep_at_most() -> None:
    deepest = "[" * reading.MAX_DEPTH
    read((deepest + "1" + "]" * reading.MAX_DEPTH).encode())
    assert refused(deepest + "[]" + "]" * reading.MAX_DEPTH).place == Place(1, reading.MAX_DEPTH + 1)


def test_aliases_cannot_make_a_file_explode() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    error = refused("\n".join(lines))
    assert "at most 100000 values" in error.detail
    assert error.place.line == 5


def test_as_many_values_as_are_allowed_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_NODES", 5)
    assert read(b"{a: [1, 2]}").plain == {"a": [1, 2]}
    assert refused("{a: [1, 2, 3]}").place == Place(1, 12)


# JSON

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(
    value=st.dictionaries(st.text("ab", max_size=2), json_values, max_size=4),
    indent=st.sampled_from([None, 1, "\t"]),
)
def test_json_reads_as_json(value: dict[str, Any], indent: int | str | None) -> None:
    assert read(json.dumps(value, indent=indent).encode()).plain == value


def test_json_as_other_tools_write_it() -> None:
    text = '\ufeff{"a":1,"b":[true,null],\t"c"\t:\t"\\u00e9\\/\\ud83d\\ude00\\n","d":{"e":1E2}}'
    document = read(text.encode())
    assert document.plain == {"a": 1, "b": [True, None], "c": "é/😀\n", "d": {"e": 100.0}}
    assert document.place("b.1") == Place(1, 18)
    assert refused('{"a": 1, "a": 2}').place == Place(1, 10)


# Writing


@settings(max_examples=200)
@given(documents())
def test_what_is_written_as_yaml_or_json_reads_as_it_was(plain: dict[str, Any]) -> None:
    written = to_plain(parse(plain))
    assert read(as_yaml(written).encode()).plain == written
    assert read(as_json(written).encode()).plain == written


def test_yaml_is_written_for_people() -> None:
    text = as_yaml(to_plain(parse(BLOG)))
    assert text.startswith(
        "tenant: acme\nstrict: true\nactions:\n- name: article:publish\n  group: Articles\n"
    )
    assert "- id: 'no'\n" in text
    assert as_yaml({"a": "1e3", "b": "9" * 30, "c": "x\ny\n", "d": "č 🗝"}) == (
        f"a: \"1e3\"\nb: '{'9' * 30}'\nc: |\n  x\n  y\nd: č 🗝\n".replace(f"'{'9' * 30}'", f'"{"9" * 30}"')
    )
    shared = ["x"]
    assert yaml.safe_load(as_yaml({"a": shared, "b": shared})) == {"a": ["x"], "b": ["x"]}
    assert "&" not in as_yaml({"a": shared, "b": shared})
