"""Metrics: what each method counts, under which names, and that the reference says the same."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from keywright.ops.metrics import METRICS, SHORT_SECONDS, Metrics, reference_table
from tests.support.house import ManualClock
from tests.support.nodes import a_node

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"


def rendered(metrics: Metrics) -> str:
    return metrics.render()[0].decode()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """One sample as a reader of the text finds it, None where there is none."""
    for family in text_string_to_metric_families(rendered(metrics)):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return None


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def used(metrics: Metrics) -> Metrics:
    """Metrics in which each method was called."""
    metrics.decision("VALID", "verify")
    metrics.request("GET", "/v1/keys", 200, 0.02)
    metrics.use_case("create_key", "ok")
    metrics.usage_flush(ok=True, keys=3)
    metrics.usage_dropped(2)
    metrics.sweep(4)
    metrics.login("ok")
    metrics.database(up=True)
    metrics.build_info("1.2.3")
    metrics.node(a_node(ManualClock()))
    metrics.receipt(0.01, ["acknowledged"])
    return metrics


def test_decisions(metrics: Metrics) -> None:
    for code, door in (("VALID", "verify"), ("VALID", "verify"), ("NOT_FOUND", "verify"), ("VALID", "batch")):
        metrics.decision(code, door)
    name = "keywright_decisions_total"
    assert value(metrics, name, code="VALID", door="verify") == 2
    assert value(metrics, name, code="NOT_FOUND", door="verify") == 1
    assert value(metrics, name, code="VALID", door="batch") == 1
    assert value(metrics, name, code="NOT_FOUND", door="batch") is None


def test_requests(metrics: Metrics) -> None:
    metrics.request("GET", "/v1/keys", 200, 0.02)
    metrics.request("GET", "/v1/keys", 200, 3)
    metrics.request("GET", "/v1/keys", 500, 0.0001)
    assert value(metrics, "keywright_http_requests_total", method="GET", route="/v1/keys", status="200") == 2
    assert value(metrics, "keywright_http_requests_total", method="GET", route="/v1/keys", status="500") == 1
    name, labels = "keywright_http_request_duration_seconds", {"method": "GET", "route": "/v1/keys"}
    assert value(metrics, name + "_count", **labels) == 3
    assert value(metrics, name + "_sum", **labels) == pytest.approx(3.0201)
    assert value(metrics, name + "_bucket", le="0.0005", **labels) == 1
    assert value(metrics, name + "_bucket", le="0.025", **labels) == 2
    assert value(metrics, name + "_bucket", le="+Inf", **labels) == 3


def test_methods_that_clients_make_up_make_no_series(metrics: Metrics) -> None:
    for number in range(50):
        metrics.request(f"M{number}", "/v1/keys", 405, 0.001)
    name = "keywright_http_requests_total"
    assert value(metrics, name, method="other", route="/v1/keys", status="405") == 50
    assert "M4" not in rendered(metrics)
    assert len(metrics._requests._counts) == 1


def test_use_cases(metrics: Metrics) -> None:
    metrics.use_case("create_key", "ok")
    metrics.use_case("create_key", "DENIED")
    metrics.use_case("create_key", "DENIED")
    assert value(metrics, "keywright_use_cases_total", use_case="create_key", outcome="ok") == 1
    assert value(metrics, "keywright_use_cases_total", use_case="create_key", outcome="DENIED") == 2


def test_usage(metrics: Metrics) -> None:
    assert value(metrics, "keywright_usage_flushes_total", outcome="failed") == 0
    metrics.usage_flush(ok=True, keys=3)
    metrics.usage_flush(ok=True, keys=4)
    metrics.usage_flush(ok=False, keys=5)
    metrics.usage_dropped(6)
    assert value(metrics, "keywright_usage_flushes_total", outcome="ok") == 2
    assert value(metrics, "keywright_usage_flushes_total", outcome="failed") == 1
    assert value(metrics, "keywright_usage_flushed_keys_total") == 7
    assert value(metrics, "keywright_usage_dropped_total") == 6


def test_sweeps_and_logins(metrics: Metrics) -> None:
    metrics.sweep(0)
    metrics.sweep(5)
    metrics.login("ok")
    metrics.login("wrong_password")
    assert value(metrics, "keywright_sweeps_total") == 2
    assert value(metrics, "keywright_swept_keys_total") == 5
    assert value(metrics, "keywright_logins_total", outcome="ok") == 1
    assert value(metrics, "keywright_logins_total", outcome="wrong_password") == 1


def test_database_and_build(metrics: Metrics) -> None:
    assert value(metrics, "keywright_database_up") == 0
    metrics.database(up=True)
    assert value(metrics, "keywright_database_up") == 1
    metrics.database(up=False)
    assert value(metrics, "keywright_database_up") == 0
    metrics.build_info("1.2.3")
    assert value(metrics, "keywright_build_info", version="1.2.3") == 1


def test_render_says_what_it_is(used: Metrics) -> None:
    body, content_type = used.render()
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert body.endswith(b"\n")
    assert not re.search(r"^[a-z_]+_created[ {]", body.decode(), re.MULTILINE)


def test_two_applications_count_apart(used: Metrics) -> None:
    other = Metrics()
    other.decision("VALID", "verify")
    other.decision("VALID", "verify")
    assert value(used, "keywright_decisions_total", code="VALID", door="verify") == 1
    assert value(other, "keywright_decisions_total", code="VALID", door="verify") == 2
    assert not [family.name for family in REGISTRY.collect() if family.name.startswith("keywright")]


def test_the_list_is_what_the_registry_holds(used: Metrics) -> None:
    documented = {doc.name: doc for doc in METRICS}
    assert len(documented) == len(METRICS)
    found = {}
    for family in text_string_to_metric_families(rendered(used)):
        if not family.name.startswith("keywright_"):
            continue
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[name] = (family.type, labels, family.documentation)
    assert found == {doc.name: (doc.kind, set(doc.labels), doc.help) for doc in METRICS}


def test_the_reference_is_the_list() -> None:
    table = [line for line in DOCS.read_text().splitlines(keepends=True) if line.startswith("|")]
    assert "".join(table) == reference_table()
    assert len(table) == len(METRICS) + 2


@pytest.mark.skipif(sys.platform != "linux", reason="the process tells about itself on Linux only")
def test_the_reference_names_what_the_process_tells(used: Metrics) -> None:
    families = text_string_to_metric_families(rendered(used))
    others = {
        sample.name for family in families for sample in family.samples if "keywright" not in sample.name
    }
    assert others == set(re.findall(r"`((?:process|python)_\w+)`", DOCS.read_text()))


def test_the_alarms_in_the_reference_use_metrics_that_exist() -> None:
    used = set(re.findall(r"keywright_\w+", DOCS.read_text()))
    assert used == {doc.name for doc in METRICS}


def test_no_label_can_hold_what_must_not_be_counted() -> None:
    assert {label for doc in METRICS for label in doc.labels} == {
        "code", "door", "method", "outcome", "route", "status", "use_case", "version"
    }  # fmt: skip


def test_short_requests_count_like_single_ones(metrics: Metrics) -> None:
    single = Metrics()
    for seconds in (0.0001, 0.0002, SHORT_SECONDS):
        single.request("POST", "/v1/verify", 200, seconds)
    metrics.short_requests("POST", "/v1/verify", 200, 3, 0.0003 + SHORT_SECONDS)
    for one in (single, metrics):
        one.decision("VALID", "rest")
    metrics.decision("VALID", "rest", 2)
    for _ in range(2):
        single.decision("VALID", "rest")
    ours, theirs = (
        [line for line in rendered(one).splitlines() if line.startswith("keywright_") and "_sum" not in line]
        for one in (metrics, single)
    )
    assert ours == theirs
    name, labels = "keywright_http_request_duration_seconds_sum", {"method": "POST", "route": "/v1/verify"}
    assert value(metrics, name, **labels) == pytest.approx(value(single, name, **labels))


def test_whoever_counts_by_itself_is_asked_whenever_somebody_looks(metrics: Metrics) -> None:
    metrics.before_showing(lambda: metrics.decision("VALID", "rest"))
    name, labels = "keywright_decisions_total", {"code": "VALID", "door": "rest"}
    assert [value(metrics, name, **labels) for _ in range(2)] == [1, 2]
    (found,) = [one for one in metrics.figures() if one["name"] == name.removesuffix("_total")]
    assert [sample[2] for sample in found["samples"]] == [3]
    assert metrics.decided == 4
