"""What the keys of a tenant are used for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.code import Graph, Rest
from keywright.console.routing import page
from keywright.console.usage.chart import busiest_step, chart_of, when
from keywright.console.usage.outcomes import commonest_refusal
from keywright.console.usage.spans import SPANS, chosen, valid_share
from keywright.core.instants import rfc3339
from keywright.services.usage import TenantUsageQuestion, tenant_usage

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.console.routing import Page
    from keywright.services.usage import TenantUsage

TOP = 20
_DOCUMENT = """
query ($span: UsageSpan!, $top: Int!) {
  tenantUsage(span: $span, top: $top) {
    counts { total totals { code count } buckets { at counts { code count } } }
    keys { id name count valid }
  }
}
"""


@page("/t/{tenant}/usage", needs="usage:read")
async def usage(ask: Ask) -> Response:
    """All keys together, in a span of the reader's choice, and which of them are asked about the most."""
    span = chosen(ask.query.get("span"))
    found = await ask.run(tenant_usage, TenantUsageQuestion(since=span.since(ask.now), by=span.by, top=TOP))
    return ask.page(
        "usage/usage.html",
        spans=SPANS,
        span=span,
        usage=found,
        chart=chart_of(found.counts, ask.zone),
        when=when,
        addresses={one.word: ask.at("usage", span=one.word) for one in SPANS},
        share=valid_share(found.counts.totals),
        shares=[valid_share({"VALID": one.valid, "": one.count - one.valid}) for one in found.keys],
        refusal=commonest_refusal(found.counts.totals),
        busiest=busiest_step(found.counts, ask.zone),
        may_read=ask.may("keys:read"),
        code=_code(ask, found),
    )


def _code(ask: Ask, found: TenantUsage) -> Code:
    since, by = rfc3339(found.counts.since), found.counts.by
    return ask.code(
        rest=Rest("GET", f"/v1/usage?since={since}&by={by}&top={TOP}"),
        graph=Graph(_DOCUMENT, {"span": {"since": since, "by": by.upper()}, "top": TOP}),
        cli=["usage", "--since", since, "--by", by.value, "--top", str(TOP)],
    )


PAGES: tuple[Page, ...] = (usage,)
