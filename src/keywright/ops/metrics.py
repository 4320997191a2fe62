"""Metrics for Prometheus: counted through named methods, so that no label can be invented at a call.

Labels hold words from short lists only: never a tenant, an identity, a key, an address or a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

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

from keywright.ops.siblings import figures_of
from keywright.ops.tallies import Durations, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.core import Metric

    from keywright.ops.siblings import Figures


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
    "Attempts to write gathered usage, that of up to 500 keys at a time, by outcome, `ok` or `failed`.",
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
    "Decisions and actions that are missing from usage, since too much of it waited to be written.",
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
_COUNTERS_SHARED_UP = MetricDoc(
    "keywright_counters_shared_up",
    "gauge",
    (),
    "1 when the counters that nodes share answered last, 0 when they did not, were not asked yet, or there are none.",
)
_COUNTERS_LOCAL = MetricDoc(
    "keywright_counters_local_total",
    "counter",
    (),
    "Uses counted by this node alone, since the counters that nodes share could not be reached.",
)
_WORKERS = MetricDoc("keywright_workers", "gauge", (), "Worker processes of this server that answered.")
_LEASE_HELD = MetricDoc(
    "keywright_lease_held", "gauge", (), "1 while this process may decide from memory, 0 while it may not."
)
_LEASE_AGE = MetricDoc(
    "keywright_lease_age_seconds",
    "gauge",
    (),
    "Time since this process last asked for changes and was answered.",
)
_NODE_EPOCH = MetricDoc(
    "keywright_node_epoch", "gauge", (), "The newest change that this process has applied, by its number."
)
_RENEWALS = MetricDoc(
    "keywright_lease_renewals_total", "counter", (), "Renewals of the lease that were granted."
)
_CACHED_KEYS = MetricDoc("keywright_cached_keys", "gauge", (), "Keys that this process remembers.")
_CACHED_BYTES = MetricDoc("keywright_cached_bytes", "gauge", (), "Memory that they take, about.")
_LOOKUPS = MetricDoc(
    "keywright_lookups_total",
    "counter",
    (),
    "Keys that were read from the database for a decision, found or not.",
)
_RECEIPT_SECONDS = MetricDoc(
    "keywright_receipt_wait_seconds",
    "histogram",
    (),
    "Time that a change waited until every node was known to know it.",
)
_RECEIPTS = MetricDoc(
    "keywright_receipt_nodes_total",
    "counter",
    ("outcome",),
    "Nodes that changes waited for, by how each was known to know: `acknowledged`, `expired`, or `pending`.",
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
    _COUNTERS_SHARED_UP,
    _COUNTERS_LOCAL,
    _WORKERS,
    _LEASE_HELD,
    _LEASE_AGE,
    _NODE_EPOCH,
    _RENEWALS,
    _CACHED_KEYS,
    _CACHED_BYTES,
    _LOOKUPS,
    _RECEIPT_SECONDS,
    _RECEIPTS,
    _BUILD_INFO,
)

#: From half a millisecond, which a warm verification stays under, to what no client waits for.
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SHORT_SECONDS: Final = _BUCKETS[0]
#: A client may send any word as its method; those beyond these count as "other".
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class NodeFigures(Protocol):
    """What a node says of itself: whether it holds a lease, and for how long it has had this one, in seconds."""

    @property
    def holds_lease(self) -> bool:
        """Whether it may decide from memory now."""
        ...

    @property
    def lease_age(self) -> float:
        """Seconds since it last asked for changes and was answered."""
        ...

    @property
    def applied(self) -> int:
        """The newest change that it has applied."""
        ...

    @property
    def cached_keys(self) -> int:
        """Keys that it remembers."""
        ...

    @property
    def cached_bytes(self) -> int:
        """Memory that they take, about."""
        ...


class Metrics:
    """The counters of one application, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._others: list[Callable[[], None]] = []
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._decisions = self._tally(_DECISIONS)
        self._requests = self._tally(_REQUESTS)
        self._request_seconds = Durations(
            _REQUEST_SECONDS.name, _REQUEST_SECONDS.help, _REQUEST_SECONDS.labels, _BUCKETS
        )
        self._registry.register(self._request_seconds)
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
        self._counters_shared_up = self._gauge(_COUNTERS_SHARED_UP)
        self._counters_local = self._counter(_COUNTERS_LOCAL)
        self._gauge(_WORKERS).set(1)
        self._lookups = self._counter(_LOOKUPS)
        self._renewals = self._counter(_RENEWALS)
        self._receipts = self._counter(_RECEIPTS)
        self._receipt_seconds = Histogram(
            _RECEIPT_SECONDS.name, _RECEIPT_SECONDS.help, buckets=_BUCKETS, registry=self._registry
        )
        self._build_info = self._gauge(_BUILD_INFO)

    def _tally(self, doc: MetricDoc) -> Tally:
        tally = Tally(doc.name, doc.help, doc.labels)
        self._registry.register(tally)
        return tally

    def _counter(self, doc: MetricDoc) -> Counter:
        return Counter(doc.name, doc.help, doc.labels, registry=self._registry)

    def _gauge(self, doc: MetricDoc) -> Gauge:
        return Gauge(doc.name, doc.help, doc.labels, registry=self._registry)

    def before_showing(self, hand_over: Callable[[], None]) -> None:
        """Have something called whenever somebody looks, which counts here what it has counted by itself."""
        self._others.append(hand_over)

    def decision(self, code: str, door: str, times: int = 1) -> None:
        """Count a decision, or several; `door` is a word such as "verify", "batch" or "graphql"."""
        self._decisions.add((code, door), times)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request; `route` is the template, such as "/v1/keys/{id}", never the path."""
        known = method if method in _METHODS else "other"
        self._requests.add((known, route, str(status)))
        self._request_seconds.add((known, route), seconds)

    def short_requests(self, method: str, route: str, status: int, times: int, seconds: float) -> None:
        """Count answered requests of which none took longer than `SHORT_SECONDS`; `seconds` is their sum."""
        self._requests.add((method, route, str(status)), times)
        self._request_seconds.add_short((method, route), times, seconds)

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

    def node(self, figures: NodeFigures) -> None:
        """Show from now on what a node says of itself, asked when somebody looks."""
        for doc, ask in (
            (_LEASE_HELD, lambda: float(figures.holds_lease)),
            (_LEASE_AGE, lambda: figures.lease_age),
            (_NODE_EPOCH, lambda: float(figures.applied)),
            (_CACHED_KEYS, lambda: float(figures.cached_keys)),
            (_CACHED_BYTES, lambda: float(figures.cached_bytes)),
        ):
            self._gauge(doc).set_function(ask)

    def renewed(self) -> None:
        """Count a renewal of the lease."""
        self._renewals.inc()

    def looked_up(self) -> None:
        """Count a key that was read for a decision."""
        self._lookups.inc()

    @property
    def decided(self) -> int:
        """Decisions that were counted."""
        self._hand_over()
        return self._decisions.total

    @property
    def lookups(self) -> int:
        """Keys that were read for a decision."""
        return int(self._registry.get_sample_value(_LOOKUPS.name) or 0)

    def receipt(self, seconds: float, outcomes: Iterable[str]) -> None:
        """Count a change that waited for nodes, and how each of them was known to know."""
        self._receipt_seconds.observe(seconds)
        for outcome in outcomes:
            self._receipts.labels(outcome).inc()

    def shared_counters(self, *, up: bool) -> None:
        """Note whether the counters that nodes share answered."""
        self._counters_shared_up.set(1 if up else 0)

    def counted_alone(self) -> None:
        """Count a use that only this node counted, though there are shared counters."""
        self._counters_local.inc()

    def build_info(self, version: str) -> None:
        """Note the version that runs."""
        self._build_info.labels(version).set(1)

    def figures(self) -> Figures:
        """All metrics as plain values, for the sum over several workers."""
        self._hand_over()
        return figures_of(self._registry.collect())

    def render(self) -> tuple[bytes, str]:
        """Write all metrics in Prometheus' text format; gives the body and its content type."""
        self._hand_over()
        return generate_latest(_WithoutCreated(self._registry)), CONTENT_TYPE_PLAIN_0_0_4

    def _hand_over(self) -> None:
        for hand_over in self._others:
            hand_over()


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
