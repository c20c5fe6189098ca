"""The reader's side: one consistent view of the store at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ghstream_store.database import is_ready, open_store
from ghstream_store.tables import metadata


class StoreUnavailableError(Exception):
    """The store cannot be read now; the text says why, in one line."""


class Reader:
    """Reads the store at `url`, which may not be there yet."""

    def __init__(self, url: str) -> None:
        self._store = open_store(url, read_only=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection on which all statements see the same batches.

        Before a writer has made the tables it is one to an empty store, so every query has an
        answer. Raises StoreUnavailableError if the store is unreachable, locked or damaged.
        """
        engine = self._store if self.is_ready() else _empty_store()
        with _named_errors(), engine.connect() as connection:
            # SQLite's driver begins no transaction, hence no snapshot, for statements that read.
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection

    def is_ready(self) -> bool:
        """Tell whether a writer has made the tables. Raises StoreUnavailableError."""
        with _named_errors():
            return is_ready(self._store)

    def close(self) -> None:
        """Close all connections."""
        self._store.dispose()


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise StoreUnavailableError(" ".join(str(error.orig).split())) from error
    except PoolTimeoutError as error:
        raise StoreUnavailableError("all connections to the store are in use") from error


def _empty_store() -> Engine:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    return engine
