"""Runs Alembic on the connection that `ghstream_store.database.migrate` holds."""

from alembic import context
from ghstream_store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
