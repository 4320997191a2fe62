"""A process that spends one key's credits until none is left, and writes a byte for each.

Arguments: the database's URL, the key's id, and the most that a block may hold.
"""

from __future__ import annotations

import asyncio
import os
import sys

from keywright.core.instants import SystemClock
from keywright.storage import Database
from keywright.storage.credits import DatabaseCredits
from keywright.verify.credits import CreditSpender

SPENDERS = 4


async def main(url: str, key_id: str, max_block: int) -> None:
    database = Database.connect(url)
    spender = CreditSpender(DatabaseCredits(database), SystemClock(), max_block=max_block)

    async def spend() -> None:
        while await spender.spend(key_id, 1) is not None:
            os.write(1, b".")

    await asyncio.gather(*(spend() for _ in range(SPENDERS)))
    await spender.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
