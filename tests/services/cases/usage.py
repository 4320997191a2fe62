"""The use cases of usage."""

from __future__ import annotations

from keywright.core.ids import new_id
from keywright.services.usage import KeyUsageQuestion, TenantUsageQuestion
from tests.support.cases import Case

CASES = {
    "usage.key": Case(
        lambda place: KeyUsageQuestion(id=place.target.id), lambda: KeyUsageQuestion(id=new_id("key"))
    ),
    "usage.tenant": Case(lambda _: TenantUsageQuestion(), TenantUsageQuestion, yields=True),
}
