from __future__ import annotations

import pytest
from ghstream_source.feeds import Feed, parse_scope


def test_a_scope_names_feeds_of_every_kind():
    scope = "public org:kubernetes, repo:apache/spark\nuser:torvalds"
    assert parse_scope(scope) == (
        Feed("public", "public", "/events"),
        Feed("org:kubernetes", "org", "/orgs/kubernetes/events"),
        Feed("repo:apache/spark", "repo", "/repos/apache/spark/events"),
        Feed("user:torvalds", "user", "/users/torvalds/events"),
    )


def test_a_feed_named_twice_is_polled_once():
    assert [feed.name for feed in parse_scope("org:Apache public org:apache")] == [
        "org:Apache",
        "public",
    ]


def test_names_with_every_allowed_character():
    assert parse_scope("repo:a-b/.github")[0].path == "/repos/a-b/.github/events"
    assert parse_scope("user:octo_cat")[0].path == "/users/octo_cat/events"
    assert parse_scope("user:legacy-")[0].path == "/users/legacy-/events"
    app = parse_scope("user:dependabot[bot]")[0]
    assert (app.name, app.path) == ("user:dependabot[bot]", "/users/dependabot%5Bbot%5D/events")


@pytest.mark.parametrize(
    "part",
    [
        "org",
        "org:",
        "orgs:apache",
        "repo:apache",
        "repo:a/b/c",
        "user:a/b",
        "public:x",
        "public:",
        "org:../x",
        "org:a%2fb",
        "repo:-/x",
        "repo:a/..",
        "repo:a/.",
    ],
)
def test_what_is_no_feed_is_named_in_the_error(part):
    with pytest.raises(ValueError, match="write public") as error:
        parse_scope(f"public {part} org:apache")
    assert repr(part) in str(error.value)
    assert "repo:<owner>/<name>" in str(error.value)


def test_an_empty_scope_is_an_error():
    with pytest.raises(ValueError, match="no feed"):
        parse_scope("  ")
