"""The fields of usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import runs
from keywright.core.usage import By
from keywright.services import usage
from keywright.services.usage import DEFAULT_TOP, KeyUsageQuestion, TenantUsageQuestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.services.usage import Counts, KeyUsage, TenantUsage


def key_question(args: Args) -> KeyUsageQuestion:
    """A question about a key; null anywhere counts as left out."""
    span = args.get("span") or {}
    return KeyUsageQuestion(
        id=args["id"], since=span.get("since"), until=span.get("until"), by=span.get("by") or By.DAY
    )


def tenant_question(args: Args) -> TenantUsageQuestion:
    """A question about all keys."""
    span = args.get("span") or {}
    top = args.get("top")
    return TenantUsageQuestion(
        since=span.get("since"),
        until=span.get("until"),
        by=span.get("by") or By.DAY,
        top=DEFAULT_TOP if top is None else top,
    )


def counts(found: Counts) -> Shape:
    """Decisions in a span."""
    return {
        "since": found.since,
        "until": found.until,
        "by": found.by,
        "total": found.total,
        "totals": _by_code(found.totals),
        "buckets": [
            {"at": one.at, "total": sum(one.counts.values()), "counts": _by_code(one.counts)}
            for one in found.buckets
        ],
    }


def key_usage(found: KeyUsage) -> Shape:
    """The usage of a key."""
    policies = found.unexercised
    return {
        "keyId": found.key.id,
        "name": found.key.name,
        "lastUsedAt": found.key.last_used_at,
        "lastUsedIp": found.key.last_used_ip,
        "counts": counts(found.counts),
        "exercised": [
            {"action": one.action, "count": one.count, "lastAt": one.last_at} for one in found.exercised
        ],
        "unexercised": None if policies is None else [mapping.policy(one) for one in policies],
    }


def tenant_usage(found: TenantUsage) -> Shape:
    """The usage of all keys."""
    return {
        "tenant": None if found.tenant is None else mapping.tenant(found.tenant),
        "counts": counts(found.counts),
        "keys": [
            {"id": one.id, "name": one.name, "count": one.count, "valid": one.valid} for one in found.keys
        ],
    }


def _by_code(found: Mapping[str, int]) -> list[Shape]:
    return [{"code": code, "count": number} for code, number in found.items()]


QUERIES: Final[Mapping[str, RootField]] = {
    "keyUsage": runs(usage.key_usage, key_question, key_usage, or_null=True),
    "tenantUsage": runs(usage.tenant_usage, tenant_question, tenant_usage),
}
