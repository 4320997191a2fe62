"""Which failures mean that the database is away, and which that we asked it something wrong."""

from __future__ import annotations

import sqlite3

from keywright.core.errors import Unavailable

# Primary result codes, https://www.sqlite.org/rescode.html: somebody else holds the file, or it cannot be used.
_SQLITE_AWAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
    }
)

# SQLSTATEs and classes of them, https://www.postgresql.org/docs/current/errcodes-appendix.html.
_POSTGRES_AWAY = (
    "08",  # the connection broke
    "25P03",  # the server ended a transaction that took too long, and the connection with it
    "25P04",
    "28",  # the server does not let us in
    "3D000",  # the server does not have this database
    "40",  # the transaction was undone: a deadlock, or a conflict with another one
    "53",  # no more connections, memory or disk
    "55P03",  # somebody holds a lock for too long
    "57",  # the statement was cancelled, or the server is stopping or starting
    "58",  # the server's disk failed
    "XX001",  # the server's files are damaged
    "XX002",
)
_POSTGRES_READ_ONLY = "25006"
# A conflict with another transaction, and a deadlock. Not 40003, after which nobody knows what became of it.
_POSTGRES_UNDONE = frozenset({"40001", "40P01"})


class Undone(Unavailable):
    """The database undid a transaction for the sake of another one: nothing of it is done, and it may be repeated."""


def was_undone(error: BaseException) -> bool:
    """Whether a driver's error means that the whole transaction was undone and may be tried again."""
    return getattr(error, "sqlstate", None) in _POSTGRES_UNDONE


def is_away(error: BaseException, *, write: bool = False) -> bool:
    """Whether a driver's error means that the database cannot answer now, however well it is asked.

    `write` says that writing was allowed where the error arose: a database that refuses to write is away
    there, and anywhere else the refusal shows a defect of ours.
    """
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code == sqlite3.SQLITE_READONLY:
            return write
        return code & 0xFF in _SQLITE_AWAY or code & 0xFF == sqlite3.SQLITE_READONLY
    state = getattr(error, "sqlstate", None)
    if state is not None:
        return state.startswith(_POSTGRES_AWAY) or (write and state == _POSTGRES_READ_ONLY)
    return isinstance(error, OSError)
