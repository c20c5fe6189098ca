"""What the serving tables have to hold, computed by DuckDB from the raw GitHub events alone.

Nothing of the project is imported here: this is the other side of the comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

Rows = list[tuple[object, ...]]

_EVENTS = """
CREATE TABLE event AS
WITH line AS (
    SELECT json AS j FROM read_json_objects(?, format = 'newline_delimited', ignore_errors = true)
), field AS (
    SELECT DISTINCT ON (j->>'$.id', j->>'$.type', j->>'$.created_at')
        j->>'$.type' AS type,
        epoch(CAST(j->>'$.created_at' AS TIMESTAMP))::BIGINT + {shift} AS t,
        j->>'$.actor.login' AS actor,
        j->>'$.repo.name' AS repo,
        (j->>'$.repo.id')::BIGINT AS repo_id,
        j->>'$.org.login' AS org,
        j->>'$.payload.action' AS action,
        coalesce(j->>'$.payload.number', j->>'$.payload.issue.number',
                 j->>'$.payload.pull_request.number')::BIGINT AS number,
        epoch(CAST(coalesce(j->>'$.payload.issue.created_at',
            j->>'$.payload.pull_request.created_at') AS TIMESTAMP))::BIGINT + {shift} AS opened,
        epoch(CAST(j->>'$.payload.issue.closed_at' AS TIMESTAMP))::BIGINT + {shift}
            AS issue_closed,
        epoch(CAST(j->>'$.payload.pull_request.closed_at' AS TIMESTAMP))::BIGINT + {shift}
            AS pr_closed,
        epoch(CAST(j->>'$.payload.pull_request.merged_at' AS TIMESTAMP))::BIGINT + {shift}
            AS pr_merged,
        coalesce((j->>'$.payload.pull_request.merged')::BOOLEAN, false) AS merged
    FROM line
    WHERE j->>'$.id' IS NOT NULL AND j->>'$.type' IS NOT NULL AND j->>'$.created_at' IS NOT NULL
)
SELECT *,
    t // 60 * 60 AS minute,
    t // 3600 * 3600 AS hour,
    actor LIKE '%[bot]' AS is_bot,
    CASE type WHEN 'IssuesEvent' THEN 'issue' WHEN 'PullRequestEvent' THEN 'pull_request' END
        AS subject,
    CASE
        WHEN type = 'PullRequestEvent' AND (action = 'merged' OR (action = 'closed' AND merged))
            THEN 'merged'
        WHEN subject IS NOT NULL AND action IN ('opened', 'reopened', 'closed') THEN action
    END AS transition
FROM field
"""

_ACTIVITY = (
    "SELECT hour, {key}, type, is_bot, count(*) FROM event WHERE {key} IS NOT NULL GROUP BY ALL"
)

_TABLES = {
    "event_counts": "SELECT minute, type, is_bot, count(*) FROM event GROUP BY ALL",
    "repository_activity": _ACTIVITY.format(key="repo"),
    "contributor_activity": _ACTIVITY.format(key="actor"),
    "organization_activity": _ACTIVITY.format(key="org"),
    "organization_membership": """
        SELECT hour, org, actor, is_bot, count(*) FROM event
        WHERE org IS NOT NULL AND actor IS NOT NULL GROUP BY ALL""",
    "pull_request_openings": """
        SELECT minute, repo, count(*), min(t), max(t) FROM event
        WHERE type = 'PullRequestEvent' AND action = 'opened' GROUP BY ALL""",
    "transitions": """
        SELECT hour, repo, subject, transition, is_bot, count(*) FROM event
        WHERE transition IS NOT NULL GROUP BY ALL""",
    "lifecycles": """
        SELECT repo_id, subject, number, updated, repo, opened, reopened, closed, merged
        FROM life""",
}

_LIVES = """
CREATE TABLE life AS
SELECT repo_id, subject, number, max(t) AS updated, arg_max(repo, t) AS repo,
    min(coalesce(opened, CASE WHEN transition = 'opened' THEN t END)) AS opened,
    max(CASE WHEN transition = 'reopened' THEN t END) AS reopened,
    max(CASE WHEN transition = 'closed' THEN
        coalesce(CASE subject WHEN 'issue' THEN issue_closed ELSE pr_closed END, t) END) AS closed,
    min(CASE WHEN transition = 'merged' THEN coalesce(pr_merged, t) END) AS merged
FROM event WHERE transition IS NOT NULL GROUP BY ALL
"""


@contextmanager
def load(files: Sequence[Path], shift: int = 0) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a database with `event`, a row per event, and `life`, a row per issue or pull request.

    `shift` is added to every time, in seconds. An event that stands in two files counts once.
    """
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute(_EVENTS.format(shift=shift), [[str(file) for file in files]])
        db.execute(_LIVES)
        yield db


def tables(files: Sequence[Path], shift: int = 0) -> dict[str, Rows]:
    """Return the rows of each serving table of events, sorted, for the archives in `files`."""
    with load(files, shift) as db:
        return {name: sorted(db.execute(sql).fetchall(), key=repr) for name, sql in _TABLES.items()}
