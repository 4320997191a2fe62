"""What use cases may need before their transaction begins, and after it has committed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keywright.core.ports import Clock
    from keywright.core.sessions import Lifetime
    from keywright.services.mail import Mailer
    from keywright.services.passwords import Passwords
    from keywright.services.receipts import Receipts
    from keywright.services.relying_party import RelyingParty
    from keywright.services.throttle import Throttle
    from keywright.storage import Database
    from keywright.verify import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The parts beside the transaction: where all is stored, what is slow, what limits guessing, what sends mail.

    `public_url` is the address at which people reach Keywright, for the links that they are sent,
    and `lifetime` how long their logins last where nothing else is asked for.
    """

    database: Database
    clock: Clock
    passwords: Passwords
    throttle: Throttle
    relying_party: RelyingParty
    mailer: Mailer
    receipts: Receipts
    node: Node
    public_url: str
    lifetime: Lifetime
