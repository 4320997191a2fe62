"""Usage, to be read: what came of the uses of a key or of a tenant, and what of a key's scope was never needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

from keywright.core import checks
from keywright.core.errors import InvalidValue
from keywright.core.instants import EPOCH
from keywright.core.listing import Between
from keywright.core.usage import OTHER_ACTIONS, By, unexercised
from keywright.services.keys.use_cases import existing_key, of_one
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from keywright.core.identities import Tenant
    from keywright.core.keys import Key
    from keywright.core.permissions import Policy
    from keywright.core.usage import Count, Exercised
    from keywright.services.work import Work

DEFAULT_TOP: Final = 10
MAX_TOP: Final = 100
_STEP: Final[Mapping[By, timedelta]] = {By.HOUR: timedelta(hours=1), By.DAY: timedelta(days=1)}
_USUAL: Final[Mapping[By, timedelta]] = {By.HOUR: timedelta(days=1), By.DAY: timedelta(days=30)}
_LONGEST: Final[Mapping[By, timedelta]] = {By.HOUR: timedelta(days=31), By.DAY: timedelta(days=366)}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUsageQuestion:
    """Whose usage, from when to when, and in what steps.

    `until` left out is now; `since` left out is a day before it by hours, 30 days before it by days.
    """

    id: str
    since: datetime | None = None
    until: datetime | None = None
    by: By = By.DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantUsageQuestion:
    """From when to when, in what steps, and how many of the busiest keys to name; as `KeyUsageQuestion`."""

    since: datetime | None = None
    until: datetime | None = None
    by: By = By.DAY
    top: int = DEFAULT_TOP


@dataclass(frozen=True, slots=True)
class Bucket:
    """Decisions by code in the hour or day that begins at a moment."""

    at: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """Decisions in a span of time, by code and in each hour or day that had any.

    The span is the one that was asked for, made longer to whole hours or days.
    """

    since: datetime
    until: datetime
    by: By
    totals: Mapping[str, int]
    buckets: tuple[Bucket, ...]

    @property
    def total(self) -> int:
        """All decisions of the span."""
        return sum(self.totals.values())


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """The usage of a key. The actions are all that are kept, whatever span was asked for.

    `unexercised` is what of the key's scope was never needed: policies with those action patterns that matched no
    action. None where that cannot be said: the key has no scope, or was allowed more actions than are told apart.
    """

    key: Key
    counts: Counts
    exercised: tuple[Exercised, ...]
    unexercised: tuple[Policy, ...] | None


@dataclass(frozen=True, slots=True)
class BusyKey:
    """A key of which decisions were asked, how many, and how many were `VALID`; without a name it was deleted."""

    id: str
    name: str | None
    count: int
    valid: int


@dataclass(frozen=True, slots=True)
class TenantUsage:
    """The usage of all keys of a tenant, or (None) of the global ones, with the busiest of them."""

    tenant: Tenant | None
    counts: Counts
    keys: tuple[BusyKey, ...]


@use_case(
    "usage.key",
    permission="usage:read",
    own="usage:own:read",
    reach=Reach.EITHER,
    resources=of_one,
)
async def key_usage(work: Work, wanted: KeyUsageQuestion) -> KeyUsage:
    """What came of the uses of one key, which actions it was used for, and which of its scope it was not."""
    span = _span(work.now, wanted.since, wanted.until, wanted.by)
    key = await existing_key(work, wanted.id)
    usage = work.transaction.usage(work.tenant_id)
    exercised = await usage.exercised(key.id)
    actions = tuple(one.action for one in exercised)
    known = key.scope is not None and OTHER_ACTIONS not in actions
    return KeyUsage(
        key,
        _counts(span, wanted.by, await usage.of_key(key.id, span, wanted.by)),
        exercised,
        unexercised(key.scope or (), actions) if known else None,
    )


@use_case("usage.tenant", permission="usage:read", reach=Reach.EITHER)
async def tenant_usage(work: Work, wanted: TenantUsageQuestion) -> TenantUsage:
    """What came of the uses of all keys, and which keys are the busiest."""
    span = _span(work.now, wanted.since, wanted.until, wanted.by)
    if not 0 <= wanted.top <= MAX_TOP:
        raise InvalidValue(f"At most {MAX_TOP} of the busiest keys can be named.", field="top")
    usage = work.transaction.usage(work.tenant_id)
    counted = await usage.of_all(span, wanted.by)
    busiest = await usage.busiest(span, wanted.top) if wanted.top else ()
    named = await work.transaction.keys(work.tenant_id).by_ids([one.key_id for one in busiest])
    return TenantUsage(
        work.place,
        _counts(span, wanted.by, counted),
        tuple(
            BusyKey(one.key_id, named[one.key_id].name if one.key_id in named else None, one.count, one.valid)
            for one in busiest
        ),
    )


def _span(now: datetime, since: datetime | None, until: datetime | None, by: By) -> Between:
    """The whole hours or days that are asked for. Raises `InvalidValue`."""
    step = _STEP[by]
    end = now if until is None else checks.moment(until, "until")
    end += -(end - EPOCH) % step
    if since is None:
        return Between(end - _USUAL[by], end)
    begin = checks.moment(since, "since")
    begin -= (begin - EPOCH) % step
    if begin >= end:
        raise InvalidValue("The span must begin before it ends.", field="since")
    if end - begin > _LONGEST[by]:
        raise InvalidValue(f"By {by} the span has at most {_LONGEST[by].days} days.", field="since")
    return Between(begin, end)


def _counts(span: Between, by: By, counted: Iterable[Count]) -> Counts:
    assert span.since is not None  # noqa: S101 - what `_span` gives has both ends
    assert span.until is not None  # noqa: S101 - as above
    totals: dict[str, int] = {}
    buckets = []
    for at, counts in groupby(counted, key=lambda one: one.at):
        here = {one.code: one.count for one in counts}
        buckets.append(Bucket(at, here))
        for code, number in here.items():
            totals[code] = totals.get(code, 0) + number
    return Counts(span.since, span.until, by, dict(sorted(totals.items())), tuple(buckets))
