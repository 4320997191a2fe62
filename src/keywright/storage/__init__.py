"""One schema on SQLite and PostgreSQL: everything that knows SQL.

`Database` opens transactions; a transaction hands out the repositories, and those that hold a tenant's
things are made for one tenant and cannot see another.
"""

from keywright.storage.database import Database, Transaction
from keywright.storage.engine import SchemaMismatch, StorageError

__all__ = ["Database", "SchemaMismatch", "StorageError", "Transaction"]
