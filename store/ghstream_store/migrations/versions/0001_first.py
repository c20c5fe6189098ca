"""First version: every table comes from its definition."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Leave the tables to `metadata.create_all`, which makes those that are missing."""
