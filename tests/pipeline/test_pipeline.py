"""From files or a live API to the REST API, with every process killed on the way."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import figures
import pytest
from fake_github import FakeGitHub, read_events
from processes import Pipeline

DATA = Path(__file__).parents[1] / "data"
HALF_AN_HOUR = DATA / "gharchive" / "2015-01-01-0.head3000.json.gz"
TRIMMED = DATA / "events_api" / "trimmed-payloads.jsonl.gz"
ALL = ("broker", "source", "spark", "webapp")

pytestmark = pytest.mark.timeout(900)
Make = Callable[..., Pipeline]


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Make]:
    """Makes a pipeline with the settings given; ends it after the test."""
    made: list[Pipeline] = []

    def make(**settings: str) -> Pipeline:
        made.append(Pipeline(tmp_path, settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_archives_give_duckdbs_figures_though_each_process_is_killed_in_turn(
    pipeline: Make, tmp_path: Path
) -> None:
    archives = [HALF_AN_HOUR, *sorted((DATA / "gharchive").glob("202*"))]
    stream = pipeline(
        SOURCE_TYPE="archive", SOURCE_FILES=str(HALF_AN_HOUR), SOURCE_SPEED="40",
        SPARK_MAX_OFFSETS_PER_TRIGGER="150",
    )  # fmt: skip
    stream.start(*ALL)
    for name in ("source", "spark", "broker", "webapp", "source"):
        before = stream.events()
        stream.wait_for(lambda events, before=before: events > before)  # type: ignore[misc]
        stream.kill(name)
        stream.start(name)
    stream.wait_for(lambda events: events == 3000)
    stream.kill("source")
    again = tmp_path / "the-same-under-another-name.json.gz"
    shutil.copy(HALF_AN_HOUR, again)
    stream.environment |= {
        "GHSTREAM_SOURCE_FILES": " ".join(map(str, [again, *archives])),
        "GHSTREAM_SOURCE_SPEED": "max",
    }
    stream.start("source")
    with figures.load(archives) as db:
        (events,) = db.sql("SELECT count(*) FROM event").fetchall()[0]
    stream.wait_for(lambda seen: seen >= events)
    time.sleep(2)
    assert stream.events() == events
    figures.compare(stream.get, archives)


FAULTS = ("error", "html", "truncated", "retry-after", "object", "cut-json", "exhausted", "hang-up")


def test_a_live_api_in_overlapping_pages_and_faults_counts_each_event_once(pipeline: Make) -> None:
    events = sorted(read_events(TRIMMED), key=lambda event: json.loads(event)["created_at"])
    repositories = Counter(json.loads(event)["repo"]["name"] for event in events)
    ((busiest, _),) = repositories.most_common(1)
    with FakeGitHub(
        events, step=8, poll_interval=1, pause=1, fault_every=9, faults=FAULTS
    ) as github:
        stream = pipeline(
            SOURCE_TYPE="events",
            SOURCE_API_URL=github.url,
            SOURCE_SCOPE=f"public repo:{busiest}",
        )
        stream.start(*ALL)
        for name in ("source", "spark", "broker", "source"):
            before = stream.events()
            # On a slow machine all may be there before the last kill.
            stream.wait_for(lambda n, before=before: n > before or n == len(events))  # type: ignore[misc]
            stream.kill(name)
            stream.start(name)
        stream.wait_for(lambda seen: seen >= len(events))
        time.sleep(2)
        assert stream.events() == len(events)
        figures.compare(stream.get, [TRIMMED])
