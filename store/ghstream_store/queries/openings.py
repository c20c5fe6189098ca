"""How often pull requests are opened."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from ghstream_store.queries.ranges import Range, seek, total
from ghstream_store.tables import TABLES


@dataclass(frozen=True)
class Openings:
    """How many pull requests were opened, and when the first and the last (epoch seconds)."""

    opened: int
    first_opened_at: int | None
    last_opened_at: int | None

    @property
    def average_seconds(self) -> float | None:
        """The average time between one opening and the next; None for fewer than two."""
        if self.opened < 2 or self.first_opened_at is None or self.last_opened_at is None:
            return None
        return (self.last_opened_at - self.first_opened_at) / (self.opened - 1)


def pull_request_openings(connection: Connection, repo: str, span: Range) -> Openings:
    """Return the openings in one repository; `span` is in whole minutes."""
    table = TABLES["pull_request_openings"]
    statement = (
        select(
            total(table.c.opened),
            func.min(table.c.first_opened_at),
            func.max(table.c.last_opened_at),
        )
        .select_from(seek(table, span))
        .where(table.c.repo == repo)
    )
    return Openings(*connection.execute(statement).one())
