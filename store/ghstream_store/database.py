"""Opens the serving store by URL and brings its schema up to date."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ghstream_store.tables import LEDGER, metadata

_WRITER = {"timezone": "utc"}
# A reader has somebody waiting for it.
_READER_WAITS_SECONDS = 3
_READER = {
    **_WRITER,
    "default_transaction_read_only": "on",
    # All statements of a transaction see the batches that the first one saw.
    "default_transaction_isolation": "repeatable\\ read",
    "statement_timeout": "20s",
    "lock_timeout": f"{_READER_WAITS_SECONDS}s",
}

_MIGRATIONS = Path(__file__).with_name("migrations")
_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
# One lock for everybody who migrates the same PostgreSQL database; any number of ours will do.
_MIGRATION_LOCK = 0x6768_7374


def store_url(text: str) -> URL:
    """Return the store's URL with the driver that this project uses.

    Raises ValueError for anything but `sqlite:///<path>` and `postgresql://…`.
    """
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ValueError(
            "the store's URL is not a URL; write sqlite:////path/to/file.db or "
            "postgresql://user:password@host/database"
        ) from error
    driver = _DRIVERS.get(url.drivername.split("+")[0])
    if driver is None:
        raise ValueError(
            f"the store's URL starts with {url.drivername!r}; sqlite and postgresql are supported"
        )
    if driver == "sqlite" and not url.database:
        raise ValueError("the store's URL names no file; write sqlite:////path/to/file.db")
    return url.set(drivername=driver)


def open_store(url: str, *, read_only: bool = False) -> Engine:
    """Return an engine for the store at `url`. Readers see committed batches only.

    SQLite runs in WAL mode, so that readers never wait for the writer.
    """
    target = store_url(url)
    if target.drivername != "sqlite":
        return _postgresql(target, _READER if read_only else _WRITER)
    Path(str(target.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        target, connect_args={"timeout": _READER_WAITS_SECONDS if read_only else 30}
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: a batch that Spark's checkpoint counts as done has to survive a power cut.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA cache_size=-65536")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    return engine


def _postgresql(url: URL, parameters: Mapping[str, str]) -> Engine:
    options = " ".join(f"-c {name}={value}" for name, value in parameters.items())
    return create_engine(
        url, pool_pre_ping=True, connect_args={"options": options, "connect_timeout": 5}
    )


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest version; safe to call at every start, by one writer.

    Alembic changes tables that exist; a metric that is new gets its table from its definition,
    and so does all of a new store.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        _lock(connection)
        config.attributes["connection"] = connection
        if inspect(connection).has_table(LEDGER.name):
            command.upgrade(config, "head")
            metadata.create_all(connection)
        else:
            metadata.create_all(connection)
            command.stamp(config, "head")


def is_ready(engine: Engine) -> bool:
    """Tell whether a writer has made the tables. Raises SQLAlchemy's errors."""
    return inspect(engine).has_table(LEDGER.name)


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
