"""The HTTP fields that say where the limits stand that were asked about one use of a key.

Their form is that of draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4 (structured fields, RFC 9651);
`Retry-After` is that of RFC 9110, section 10.2.3.
"""

from __future__ import annotations

from math import ceil, isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keywright.core.decision import Decision
    from keywright.core.limits import LimitState, Taken


def rate_limit_fields(decision: Decision) -> dict[str, str]:
    """`RateLimit` and `RateLimit-Policy`, with `Retry-After` (whole seconds, at least 1) where a limit refused.

    Each limit stands there as `"level:name"`, such as `"key:burst"`, since two levels may have limits of one name.
    Empty when no limit was asked. Without `Retry-After` where waiting does not help, since the use costs more than
    the limit has room for.
    """
    taken = decision.limits
    if taken is None or not taken.states:
        return {}
    fields = {
        "RateLimit": ", ".join(map(_service_limit, taken.states)),
        "RateLimit-Policy": ", ".join(map(_quota_policy, taken.states)),
    }
    wait = retry_after(taken)
    if wait is not None:
        fields["Retry-After"] = str(wait)
    return fields


def retry_after(taken: Taken) -> int | None:
    """Whole seconds after which a refused use would be let through; None for one that was, or never would be."""
    if taken.allowed or not isfinite(taken.retry_after):
        return None
    return max(1, ceil(taken.retry_after))


def _quota_policy(state: LimitState) -> str:
    limit = state.bucket.limit
    return f'"{state.bucket.level.value}:{limit.name}";q={limit.limit};w={limit.window_seconds}'


def _service_limit(state: LimitState) -> str:
    """`t` is the draft's effective window: the seconds in which there is no more to use than `r`."""
    return f'"{state.bucket.level.value}:{state.bucket.limit.name}";r={state.remaining};t={_more_in(state)}'


def _more_in(state: LimitState) -> int:
    """Whole seconds until there is one use more, since they come back one by one; 0 when none is missing."""
    limit = state.bucket.limit
    missing = limit.limit - state.remaining
    if missing <= 0:
        return 0
    return max(0, ceil(state.reset_seconds - (missing - 1) * limit.window_seconds / limit.limit))
