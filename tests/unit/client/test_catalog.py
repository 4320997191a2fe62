"""The catalog, as the client sends and reads it."""

from __future__ import annotations

import pytest

from keywright.client import BadInput, Conflict, Unavailable, UnexpectedAnswer
from tests.unit.client.scripted import Answer, problem, scripted

VIEW = {"document": {}, "api_roles": [], "revision": 3, "applied_at": None, "applied_by": None}
DIFF = {"revision": 3, "changes": [], "narrowed": [], "narrowed_total": 0}
DOCUMENT = {"actions": [{"name": "article:read"}]}


def test_the_catalog_is_read_compared_and_applied() -> None:
    answers = Answer(body=VIEW), Answer(body=DIFF), Answer(body={**DIFF, "catalog": VIEW})
    with scripted(*answers) as server, server.client(tenant="blog") as client:
        assert client.catalog.get() == VIEW
        assert client.catalog.diff(DOCUMENT) == DIFF
        assert client.catalog.apply(DOCUMENT) == {**DIFF, "catalog": VIEW}
        client.catalog.apply(DOCUMENT, expected_revision=3)
    assert [(one.method, one.path) for one in server.requests] == [
        ("GET", "/v1/catalog"),
        ("POST", "/v1/catalog/diff"),
        ("PUT", "/v1/catalog"),
        ("PUT", "/v1/catalog"),
    ]
    assert [one.body for one in server.requests[1:]] == [
        {"document": DOCUMENT},
        {"document": DOCUMENT, "expected_revision": None},
        {"document": DOCUMENT, "expected_revision": 3},
    ]
    assert {one.headers["keywright-tenant"] for one in server.requests} == {"blog"}


def test_only_what_changes_nothing_is_sent_again() -> None:
    away = problem(503, "unavailable")
    with scripted(away, Answer(body=DIFF)) as server, server.client() as client:
        client.catalog.diff(DOCUMENT)
    assert len(server.requests) == 2
    with scripted(away) as server, server.client() as client, pytest.raises(Unavailable):
        client.catalog.apply(DOCUMENT)
    assert len(server.requests) == 1


def test_faults_are_kept() -> None:
    faults = [{"path": "actions.0", "code": "missing_field", "detail": "The field name is required here."}]
    wrong = problem(422, "invalid_catalog", field="actions.0", faults=faults)
    with scripted(wrong) as server, server.client() as client, pytest.raises(BadInput) as caught:
        client.catalog.diff(DOCUMENT)
    assert (caught.value.field, caught.value.extras) == ("actions.0", {"faults": faults})
    with (
        scripted(problem(409, "catalog_changed")) as server,
        server.client() as client,
        pytest.raises(Conflict),
    ):
        client.catalog.apply(DOCUMENT, expected_revision=1)


def test_answers_of_something_else_are_noticed() -> None:
    with scripted(Answer(body={})) as server, server.client() as client:
        for ask in (client.catalog.get, lambda: client.catalog.diff({}), lambda: client.catalog.apply({})):
            with pytest.raises(UnexpectedAnswer):
                ask()
