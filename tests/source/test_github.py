"""What the client makes of GitHub's answers, over real HTTP."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from fake_github import FakeGitHub, read_events
from ghstream_source.budget import Rate
from ghstream_source.github import Failed, GitHub, NotModified, Page, Refused

EVENTS = Path(__file__).parents[1] / "data" / "events_api" / "trimmed-payloads.jsonl.gz"
NOW = 1_790_000_000.0
TOKEN = "ghp_notatoken"


@pytest.fixture(scope="module")
def captured() -> list[bytes]:
    return read_events(EVENTS)


@pytest.fixture
def fake(captured):
    with FakeGitHub(captured, happened=300, step=0, poll_interval=60, now=lambda: NOW) as github:
        yield github


@pytest.fixture
def client(fake):
    client = GitHub(fake.url, timeout=5, now=lambda: NOW)
    yield client
    client.close()


def test_a_page_holds_the_events_untouched_newest_first(fake, client, captured):
    answer = client.page("/events", 1, None, None)
    assert isinstance(answer.outcome, Page)
    assert list(answer.outcome.events) == captured[200:300][::-1]
    assert answer.outcome.poll_interval == 60
    assert answer.outcome.has_next
    assert answer.rate is None


def test_the_last_page_has_no_next(client):
    outcome = client.page("/events", 3, None, None).outcome
    assert isinstance(outcome, Page)
    assert not outcome.has_next


def test_the_etag_is_sent_as_it_came_and_answered_with_not_modified(fake, client):
    page = client.page("/events", 1, None, None).outcome
    assert client.page("/events", 1, page.etag, None).outcome == NotModified(poll_interval=60)
    assert fake.requests[-1].etag == page.etag
    assert page.etag.startswith('W/"')


def test_a_request_says_who_asks_and_which_version_of_the_api(fake, client):
    client.page("/events", 1, None, TOKEN)
    client.page("/events", 1, None, None)
    with_token, anonymous = fake.requests
    assert with_token.token == TOKEN
    assert anonymous.token is None
    assert anonymous.user_agent.startswith("github-stream/")
    assert anonymous.version == "2022-11-28"


def test_a_netrc_file_does_not_take_the_place_of_no_token(fake, client, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client.page("/events", 1, None, None)
    assert fake.requests[-1].token is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("error", "500: Server Error"),
        ("unavailable", "503: Service Unavailable"),
        ("not-found", "GHSTREAM_SOURCE_SCOPE"),
        ("forbidden", "403: Resource not accessible"),
        ("html", "text/html, begins with '<!DOCTYPE html>"),
        ("object", "Expected `array`, got `object`"),
        ("cut-json", "no list of events"),
        ("not-utf8", "no list of events"),
        ("truncated", "IncompleteRead"),
        ("hang-up", "ConnectionError"),
    ],
)
def test_an_unusable_answer_is_a_failure_that_says_what_came(fake, client, fault, words):
    fake.fail("/events", fault)
    outcome = client.page("/events", 1, None, TOKEN).outcome
    assert isinstance(outcome, Failed)
    assert words in outcome.reason
    assert TOKEN not in outcome.reason
    assert isinstance(client.page("/events", 1, None, TOKEN).outcome, Page)


@pytest.mark.parametrize(
    ("fault", "until"),
    [
        ("exhausted", NOW + 60),
        ("retry-after", NOW + 60),
        ("secondary", None),
        ("unauthorized", None),
    ],
)
def test_a_refusal_says_until_when_if_github_does(fake, client, fault, until):
    fake.fail("/events", fault)
    outcome = client.page("/events", 1, None, TOKEN).outcome
    assert isinstance(outcome, Refused)
    assert outcome.until == until


def test_a_slow_answer_is_given_up(fake):
    fake.fail("/events", "slow")
    client = GitHub(fake.url, timeout=0.5, now=lambda: NOW)
    outcome = client.page("/events", 1, None, None).outcome
    assert outcome == Failed("Timeout: the answer took longer than 0.5 s")
    client.close()


def test_nobody_at_the_address_is_a_failure():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        client = GitHub(f"http://127.0.0.1:{probe.getsockname()[1]}", timeout=1)
        outcome = client.page("/events", 1, None, None).outcome
    assert isinstance(outcome, Failed)
    assert "ConnectionError" in outcome.reason
    client.close()


def test_a_token_that_cannot_be_sent_stays_out_of_the_reason(client):
    outcome = client.page("/events", 1, None, "geheim\nx").outcome
    assert isinstance(outcome, Failed)
    assert "geheim" not in outcome.reason


def test_times_of_the_limit_are_told_by_our_own_clock(captured):
    # GitHub's clock is 1,000 s ahead of ours: a reset in an hour there is one in an hour here.
    github_now = NOW + 1000
    with FakeGitHub(captured, rate_limit=60, now=lambda: github_now) as fake:
        client = GitHub(fake.url, timeout=5, now=lambda: NOW)
        rate = client.page("/events", 1, None, None).rate
        client.close()
    assert rate == Rate(limit=60, remaining=59, reset=NOW + 3600)


@pytest.mark.parametrize(
    ("path", "belongs"),
    [
        ("/users/user-b954c160/events", lambda e: e["actor"]["login"] == "user-b954c160"),
        ("/orgs/user-15ba084c/events", lambda e: e.get("org", {}).get("login") == "user-15ba084c"),
        (
            "/repos/user-df5dc2de/repo-0c46eca7/events",
            lambda e: e["repo"]["name"] == "user-df5dc2de/repo-0c46eca7",
        ),
    ],
)
def test_each_kind_of_feed_has_its_address(captured, path, belongs):
    with FakeGitHub(captured, happened=len(captured), now=lambda: NOW) as fake:
        client = GitHub(fake.url, timeout=5)
        outcome = client.page(path, 1, None, None).outcome
        client.close()
    expected = [line for line in reversed(captured) if belongs(json.loads(line))][:100]
    assert expected
    assert list(outcome.events) == expected
