"""Usage over GraphQL: what is left out or null is the usual, and counts are lists by code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from keywright.api.graphql.usage import key_question, key_usage, tenant_question, tenant_usage
from keywright.core.checks import scope
from keywright.core.usage import By, Exercised
from keywright.services.usage import (
    DEFAULT_TOP,
    Bucket,
    BusyKey,
    Counts,
    KeyUsage,
    KeyUsageQuestion,
    TenantUsage,
    TenantUsageQuestion,
)
from tests.support.facts import ACME, KEY, NOW

COUNTS = Counts(
    NOW, NOW, By.HOUR, {"EXPIRED": 1, "VALID": 2**40}, (Bucket(NOW, {"VALID": 2**40, "EXPIRED": 1}),)
)
SHOWN = {
    "since": NOW,
    "until": NOW,
    "by": By.HOUR,
    "total": 2**40 + 1,
    "totals": [{"code": "EXPIRED", "count": 1}, {"code": "VALID", "count": 2**40}],
    "buckets": [
        {
            "at": NOW,
            "total": 2**40 + 1,
            "counts": [{"code": "VALID", "count": 2**40}, {"code": "EXPIRED", "count": 1}],
        }
    ],
}


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"span": None, "top": None},
        {"span": {}},
        {"span": {"since": None, "until": None, "by": None}, "top": DEFAULT_TOP},
        {"span": {"by": By.DAY}},
    ],
)
def test_what_is_left_out_is_the_usual(args: dict[str, Any]) -> None:
    assert key_question({"id": "key_1", **args}) == KeyUsageQuestion(id="key_1")
    assert tenant_question(args) == TenantUsageQuestion()


def test_a_span_is_read() -> None:
    span = {"since": NOW, "until": NOW, "by": By.HOUR}
    assert key_question({"id": "key_1", "span": span}) == KeyUsageQuestion(
        id="key_1", since=NOW, until=NOW, by=By.HOUR
    )
    assert tenant_question({"span": span, "top": 0}) == TenantUsageQuestion(
        since=NOW, until=NOW, by=By.HOUR, top=0
    )


def test_the_usage_of_a_key_is_shown() -> None:
    key = replace(KEY, last_used_at=NOW, last_used_ip="192.0.2.7")
    found = KeyUsage(key, COUNTS, (Exercised("a", 3, NOW),), scope([(("b",), None)]))
    assert key_usage(found) == {
        "keyId": KEY.id,
        "name": KEY.name,
        "lastUsedAt": NOW,
        "lastUsedIp": "192.0.2.7",
        "counts": SHOWN,
        "exercised": [{"action": "a", "count": 3, "lastAt": NOW}],
        "unexercised": [{"actions": ["b"], "resources": None}],
    }
    assert key_usage(replace(found, unexercised=None))["unexercised"] is None


def test_the_usage_of_a_tenant_is_shown() -> None:
    found = TenantUsage(ACME, COUNTS, (BusyKey("key_1", None, 3, 2),))
    shown = tenant_usage(found)
    assert shown["tenant"]["slug"] == ACME.slug
    assert shown["counts"] == SHOWN
    assert shown["keys"] == [{"id": "key_1", "name": None, "count": 3, "valid": 2}]
    assert tenant_usage(replace(found, tenant=None))["tenant"] is None
