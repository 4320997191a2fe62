"""Opening what the settings name, and saying in one sentence what is wrong with it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from keywright.core.errors import Unavailable
from keywright.ops.logging import get_logger
from keywright.services.first_start import RootTokenSpent
from keywright.services.mail import Mailer
from keywright.settings.mail import mail_server
from keywright.storage import Database, StorageError
from keywright.storage.migrate import require_current, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keywright.settings import Settings

log = get_logger("keywright")


class StartError(Exception):
    """Keywright cannot start, or cannot do its upkeep; the text says why and what to do."""


def mailer_of(settings: Settings) -> Mailer:
    """What sends mail, by the settings' server if there is one."""
    url = settings.smtp_url
    return Mailer(None if url is None else mail_server(url.reveal()), settings.mail_from or "")


def database_of(settings: Settings) -> Database:
    """The settings' database, within the settings' limits."""
    return Database.connect(
        settings.effective_database_url.reveal(),
        pool_size=settings.database_pool_size,
        statement_seconds=settings.database_timeout_seconds,
    )


def connected(settings: Settings) -> Database:
    """The database; for SQLite the folder it lies in is made first."""
    database = database_of(settings)
    if database.dialect == "sqlite":
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return database


async def prepare_database(database: Database, settings: Settings) -> None:
    """SQLite is brought to the newest schema at every start; a PostgreSQL that several servers share is not."""
    if database.dialect == "sqlite":
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        before, after = await upgrade(database)
        if before != after:
            log.info("schema_upgraded", before=before, after=after)
    else:
        await require_current(database)


@contextmanager
def sentences(settings: Settings) -> Iterator[None]:
    """Turn what stops a start into one sentence for the operator."""
    try:
        yield
    except (StorageError, RootTokenSpent) as error:
        raise StartError(str(error)) from error
    except Unavailable as error:
        cause = error.__cause__
        raise StartError(
            f"The database cannot be reached ({type(cause).__name__}). Check DATABASE_URL and that it is running."
        ) from error
    except OSError as error:
        raise StartError(
            f"{error.filename or settings.data} cannot be used: {error.strerror}. Choose another DATA folder."
        ) from error
