"""Metrics for Prometheus: counted through named methods, so that no label can be invented at a call.

Labels hold words from short lists only: never a tenant, an identity, a key, an address or a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.core import Metric


@dataclass(frozen=True, slots=True)
class MetricDoc:
    """One metric as `/metrics` shows it: full name with unit, labels, and a sentence on what it says."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str


_DECISIONS = MetricDoc(
    "keywright_decisions_total",
    "counter",
    ("code", "door"),
    "Decisions by their code and the door they were asked at.",
)
_REQUESTS = MetricDoc(
    "keywright_http_requests_total",
    "counter",
    ("method", "route", "status"),
    "HTTP requests answered, by method, route template and status.",
)
_REQUEST_SECONDS = MetricDoc(
    "keywright_http_request_duration_seconds",
    "histogram",
    ("method", "route"),
    "Time from a request's arrival to the end of its answer.",
)
_USE_CASES = MetricDoc(
    "keywright_use_cases_total",
    "counter",
    ("use_case", "outcome"),
    "Use cases run, by name and `ok` or the code of the error.",
)
_USAGE_FLUSHES = MetricDoc(
    "keywright_usage_flushes_total",
    "counter",
    ("outcome",),
    "Attempts to write gathered usage counts, by outcome, `ok` or `failed`.",
)
_USAGE_FLUSHED = MetricDoc(
    "keywright_usage_flushed_keys_total",
    "counter",
    (),
    "Keys whose usage counts were written; a key counts once in each write.",
)
_USAGE_DROPPED = MetricDoc(
    "keywright_usage_dropped_total",
    "counter",
    (),
    "Usage counts given up because writing failed for too long.",
)
_SWEEPS = MetricDoc("keywright_sweeps_total", "counter", (), "Sweeps of expired keys that were finished.")
_SWEPT = MetricDoc("keywright_swept_keys_total", "counter", (), "Expired keys deleted by sweeps.")
_LOGINS = MetricDoc(
    "keywright_logins_total", "counter", ("outcome",), "Attempts of people to log in, by outcome."
)
_DATABASE_UP = MetricDoc(
    "keywright_database_up",
    "gauge",
    (),
    "1 when the database answered the last check of it, 0 when it did not or none was made yet.",
)
_BUILD_INFO = MetricDoc("keywright_build_info", "gauge", ("version",), "Always 1; the label says what runs.")

METRICS: Final = (
    _DECISIONS,
    _REQUESTS,
    _REQUEST_SECONDS,
    _USE_CASES,
    _USAGE_FLUSHES,
    _USAGE_FLUSHED,
    _USAGE_DROPPED,
    _SWEEPS,
    _SWEPT,
    _LOGINS,
    _DATABASE_UP,
    _BUILD_INFO,
)

#: From half a millisecond, which a warm verification stays under, to what no client waits for.
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: A client may send any word as its method; those beyond these count as "other".
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class Metrics:
    """The counters of one application, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._decisions = self._counter(_DECISIONS)
        self._requests = self._counter(_REQUESTS)
        self._request_seconds = Histogram(
            _REQUEST_SECONDS.name,
            _REQUEST_SECONDS.help,
            _REQUEST_SECONDS.labels,
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._use_cases = self._counter(_USE_CASES)
        flushes = self._counter(_USAGE_FLUSHES)
        self._flushes_ok = flushes.labels("ok")
        self._flushes_failed = flushes.labels("failed")
        self._flushed = self._counter(_USAGE_FLUSHED)
        self._dropped = self._counter(_USAGE_DROPPED)
        self._sweeps = self._counter(_SWEEPS)
        self._swept = self._counter(_SWEPT)
        self._logins = self._counter(_LOGINS)
        self._database_up = self._gauge(_DATABASE_UP)
        self._build_info = self._gauge(_BUILD_INFO)
        # To find a child by its labels costs more than to count, and each request does both of these.
        self._decision_children: dict[tuple[str, str], Callable[[], None]] = {}
        self._request_children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def _counter(self, doc: MetricDoc) -> Counter:
        return Counter(doc.name, doc.help, doc.labels, registry=self._registry)

    def _gauge(self, doc: MetricDoc) -> Gauge:
        return Gauge(doc.name, doc.help, doc.labels, registry=self._registry)

    def decision(self, code: str, door: str) -> None:
        """Count a decision; `door` is a word such as "verify", "batch" or "graphql"."""
        count = self._decision_children.get((code, door))
        if count is None:
            count = self._decision_children[code, door] = self._decisions.labels(code, door).inc
        count()

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request; `route` is the template, such as "/v1/keys/{id}", never the path."""
        children = self._request_children.get((method, route, status))
        if children is None:
            known = method if method in _METHODS else "other"
            children = self._requests.labels(known, route, status), self._request_seconds.labels(known, route)
            if known == method:  # remembering words that clients make up would grow without end
                self._request_children[method, route, status] = children
        requests, duration = children
        requests.inc()
        duration.observe(seconds)

    def use_case(self, name: str, outcome: str) -> None:
        """Count a use case; `outcome` is "ok" or the code of the error it ended with."""
        self._use_cases.labels(name, outcome).inc()

    def usage_flush(self, *, ok: bool, keys: int) -> None:
        """Count an attempt to write the usage of `keys` keys."""
        if ok:
            self._flushes_ok.inc()
            self._flushed.inc(keys)
        else:
            self._flushes_failed.inc()

    def usage_dropped(self, n: int) -> None:
        """Count usage counts that were given up."""
        self._dropped.inc(n)

    def sweep(self, deleted: int) -> None:
        """Count a finished sweep and the keys it deleted."""
        self._sweeps.inc()
        self._swept.inc(deleted)

    def login(self, outcome: str) -> None:
        """Count an attempt to log in; `outcome` is "ok" or a word from a short list of refusals."""
        self._logins.labels(outcome).inc()

    def database(self, *, up: bool) -> None:
        """Note whether the database answered."""
        self._database_up.set(1 if up else 0)

    def build_info(self, version: str) -> None:
        """Note the version that runs."""
        self._build_info.labels(version).set(1)

    def render(self) -> tuple[bytes, str]:
        """Write all metrics in Prometheus' text format; gives the body and its content type."""
        return generate_latest(_WithoutCreated(self._registry)), CONTENT_TYPE_PLAIN_0_0_4


class _WithoutCreated(Collector):
    """A registry without the times at which its series began, each of which would be a series more."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def reference_table() -> str:
    """Write all metrics as the Markdown table of ``docs/metrics.md``."""
    head = "| metric | kind | labels | what it says |\n|---|---|---|---|\n"
    return head + "".join(
        f"| `{doc.name}` | {doc.kind} | {', '.join(f'`{label}`' for label in doc.labels)} | {doc.help} |\n"
        for doc in METRICS
    )
