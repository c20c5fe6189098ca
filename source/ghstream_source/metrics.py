"""What the source counts. Labels have few values: never a repository, an actor or a file."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter("ghstream_source_events", "Events published", ["type"])
DUPLICATES = Counter("ghstream_source_duplicates", "Events seen before and left out")
REJECTED = Counter("ghstream_source_rejected", "Records sent to the dead letter topic", ["reason"])
TRANSACTIONS = Counter("ghstream_source_transactions", "Kafka transactions committed")
RECONNECTS = Counter("ghstream_source_reconnects", "Times the connection to Kafka was made anew")
KAFKA_UP = Gauge("ghstream_source_kafka_up", "1 while Kafka takes what is published")
LAG = Histogram(
    "ghstream_source_event_lag_seconds",
    "From the newest event's creation to its publication, once a transaction",
    buckets=(1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400),
)
ARCHIVE_LINES = Counter("ghstream_source_archive_lines", "Lines of archives read and published")
ARCHIVES = Counter("ghstream_source_archives", "Archives dealt with", ["outcome"])
POLLS = Counter("ghstream_source_polls", "Polls of feeds", ["feed_kind", "outcome"])
POLL_SECONDS = Histogram(
    "ghstream_source_poll_seconds", "From a poll's first request to its last answer", ["feed_kind"]
)
NEXT_POLL = Gauge(
    "ghstream_source_next_poll_seconds", "Until the feed polled last is due again", ["feed_kind"]
)
OVERLAP = Gauge(
    "ghstream_source_poll_overlap_ratio",
    "Share of a poll that the feed showed before",
    ["feed_kind"],
)
GAPS = Counter("ghstream_source_gaps", "Polls that do not join the feed's last one", ["feed_kind"])
GAP_SECONDS = Counter("ghstream_source_gap_seconds", "Time spanned by gaps", ["feed_kind"])
REQUESTS_LEFT = Gauge("ghstream_source_rate_limit_remaining", "Requests left, of all tokens")
REQUESTS_LIMIT = Gauge("ghstream_source_rate_limit", "Requests allowed per window, of all tokens")
REMEMBERED = Gauge("ghstream_source_remembered_identities", "Events known to be published")

_TYPES = frozenset(
    """CommitComment Create Delete Discussion DiscussionComment Fork Gollum IssueComment Issues
    Member Public PullRequest PullRequestReview PullRequestReviewComment PullRequestReviewThread
    Push Release Sponsorship Watch""".split()  # noqa: SIM905 - one name a line helps nobody
)


def event_type(name: str) -> str:
    """Return the label of an event type; what GitHub does not document is "other"."""
    return name if name.removesuffix("Event") in _TYPES else "other"
