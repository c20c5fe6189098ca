"""Archives of every kind and fault, replayed against a publisher in memory."""

from __future__ import annotations

import gzip
import json
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ghstream_source import archive, archive_files
from ghstream_source.archive_files import expand
from ghstream_source.delivery import Delivery, Stopped
from ghstream_source.envelope import Event
from ghstream_source.settings import from_env

SAMPLE = Path(__file__).parents[1] / "data" / "gharchive" / "2015-01-01-0.head3000.json.gz"
START = datetime(2026, 11, 21, 10, 0, 0, 250_000, tzinfo=UTC)
Identity = tuple[str, str, str]


class Killed(Exception):
    pass


@dataclass
class Memory:
    """A publisher that keeps what it is given. `kill_after`: that many deliveries are committed."""

    state: dict[str, bytes] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    kill_after: int | None = None

    def positions(self) -> dict[str, bytes]:
        return dict(self.state)

    def publish(self, delivery: Delivery) -> None:
        if len(self.deliveries) == self.kill_after:
            raise Killed
        self.deliveries.append(delivery)
        for key, value in delivery.positions.items():
            if value is None:
                del self.state[key]
            else:
                self.state[key] = value

    def events(self) -> list[Event]:
        return [record.event for delivery in self.deliveries for record in delivery.events]

    def counted(self) -> Counter[Identity]:
        return Counter(
            (event.id, event.type, f"{event.created_at:%Y-%m-%dT%H:%M:%SZ}")
            for event in self.events()
        )

    def rejected(self) -> list[tuple[bytes, str]]:
        return [
            (value, reason.partition(":")[0])
            for delivery in self.deliveries
            for value, reason, _ in delivery.rejected
        ]


class Clock(threading.Event):
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.time = START

    def wait(self, timeout: float | None = None) -> bool:
        self.time += timedelta(seconds=timeout or 0)
        return self.is_set()

    def now(self) -> datetime:
        return self.time


def replay(memory: Memory, *files: object, clock: Clock | None = None, **settings: str) -> None:
    environ = {f"GHSTREAM_SOURCE_{name}": value for name, value in settings.items()}
    environ |= {
        "GHSTREAM_SOURCE_TYPE": "archive",
        "GHSTREAM_SOURCE_ON_END": "exit",
        "GHSTREAM_SOURCE_FILES": " ".join(str(file) for file in files),
    }
    clock = clock or Clock()
    archive.run(from_env(environ), memory, clock, clock.now)


def sample(first: int = 0, last: int = 3000) -> list[bytes]:
    return gzip.decompress(SAMPLE.read_bytes()).splitlines()[first:last]


def write(path: Path, lines: list[bytes]) -> Path:
    text = b"".join(line + b"\n" for line in lines)
    path.write_bytes(gzip.compress(text, 1) if path.suffix == ".gz" else text)
    return path


def each_once(lines: list[bytes]) -> Counter[Identity]:
    events = [json.loads(line) for line in lines]
    return Counter({(event["id"], event["type"], event["created_at"]): 1 for event in events})


def test_every_event_of_a_real_archive_is_published_once() -> None:
    memory = Memory()
    replay(memory, SAMPLE)
    assert memory.counted() == each_once(sample())
    assert {record.origin for delivery in memory.deliveries for record in delivery.events} == {
        SAMPLE.name
    }


def test_the_same_archive_again_under_any_name_is_published_once(tmp_path: Path) -> None:
    memory = Memory()
    lines = sample(0, 500)
    zipped = write(tmp_path / "hour.json.gz", lines)
    plain = write(tmp_path / "other.jsonl", lines)
    replay(memory, zipped, zipped, plain)
    replay(memory, write(tmp_path / "third.json.gz", lines))
    replay(memory, plain)
    assert memory.counted() == each_once(lines)


@pytest.mark.parametrize("kind", ["json.gz", "jsonl"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999])
def test_a_truncated_copy_replaced_by_the_whole_file_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, kept: float
) -> None:
    memory = Memory()
    lines = sample(0, 800)
    file = write(tmp_path / f"hour.{kind}", lines)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * kept)])
    replay(memory, file)
    assert 0 < memory.counted().total() < 800
    assert f"{file}: truncated" in caplog.text
    file.write_bytes(whole)
    replay(memory, file)
    assert memory.counted() == each_once(lines)
    assert memory.rejected() == []


def test_a_sample_of_an_archive_and_then_all_of_it(tmp_path: Path) -> None:
    memory = Memory()
    file = write(tmp_path / "hour.json.gz", sample(0, 100))
    replay(memory, file)
    write(file, sample(0, 300))
    replay(memory, file)
    assert memory.counted() == each_once(sample(0, 300))


def test_lines_that_do_not_fit_are_rejected_and_the_rest_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 900_000
    monkeypatch.setattr(archive, "MAX_LINE_BYTES", limit)
    monkeypatch.setattr(archive_files, "MAX_LINE_BYTES", limit)
    memory = Memory()
    bad = [
        b"<html>not JSON</html>",
        b'{"id": "1", "ty',
        b'{"type": "PushEvent", "created_at": "2015-01-01T00:00:00Z"}',
        b'{"id": "1", "created_at": "2015-01-01T00:00:00Z"}',
        b'{"id": "1", "type": "PushEvent"}',
        b'{"long": "' + b"x" * (3 * limit) + b'"}',
    ]
    good = sample(0, 60)
    mixed = [bad[0], b"", *good[:10], *bad[1:], b"  ", *good[10:]]
    replay(memory, write(tmp_path / "hour.json.gz", mixed))
    assert memory.counted() == each_once(good)
    reasons = ["not JSON"] * 2 + ["not an event"] * 3 + ["too long"]
    rejected = [(value[:limit], reason) for value, reason in memory.rejected()]
    assert rejected == list(zip((value[:limit] for value in bad), reasons, strict=True))
    assert all(len(value) < 2 * limit for value, _ in memory.rejected())
    assert "hour.json.gz line 1: not JSON" in caplog.text
    assert "hour.json.gz line 13: not JSON" in caplog.text


def test_an_event_with_a_payload_of_many_megabytes_is_an_event(tmp_path: Path) -> None:
    long = json.loads(sample(0, 1)[0]) | {"payload": {"commits": [{"message": "x" * 5_000_000}]}}
    memory = Memory()
    replay(memory, write(tmp_path / "hour.json.gz", [json.dumps(long).encode(), *sample(1, 10)]))
    assert memory.counted() == each_once(sample(0, 10))


def test_events_side_by_side_on_a_line_are_each_published_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "BLOCK_LINES", 7)
    lines = sample(0, 60)
    quoting = json.loads(lines[5]) | {"title": "}{"}
    lines[5] = json.dumps(quoting, separators=(",", ":")).encode()
    damaged = b'{"id":"1","type":"PushEvent'
    side_by_side = [
        b"".join(lines[:20]),
        lines[20] + b"\0" * 300_000 + lines[21],
        b"\0\0" + lines[22],
        *lines[23:40],
        damaged + b"}" + b"".join(lines[40:]),
    ]
    memory = Memory()
    file = write(tmp_path / "2012-02-02-21.json.gz", side_by_side)
    for kill_after in range(1, 8):
        memory.kill_after = kill_after
        with pytest.raises(Killed):
            replay(memory, file)
    memory.kill_after = None
    replay(memory, file)
    assert memory.counted() == each_once(lines)
    assert memory.rejected() == [(damaged + b"}", "not JSON")]


def test_an_hour_that_is_one_line_without_an_end_is_read(tmp_path: Path) -> None:
    lines = sample(0, 200)
    memory = Memory()
    file = tmp_path / "2012-04-11-15.json.gz"
    file.write_bytes(gzip.compress(b"".join(lines)))
    replay(memory, file)
    assert memory.counted() == each_once(lines)


def test_archives_that_share_a_first_line_of_garbage_are_different(tmp_path: Path) -> None:
    memory = Memory()
    first = write(tmp_path / "a.jsonl", [b"garbage", *sample(0, 10)])
    second = write(tmp_path / "b.jsonl", [b"garbage", *sample(10, 20)])
    replay(memory, first, second)
    assert memory.counted() == each_once(sample(0, 20))


def test_files_that_cannot_be_read_are_named_and_the_others_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memory = Memory()
    not_gzip = tmp_path / "not.json.gz"
    not_gzip.write_bytes(b"\x00\x01 no gzip")
    empty = tmp_path / "empty.json.gz"
    empty.write_bytes(b"")
    empty_lines = write(tmp_path / "lines.json.gz", [b"", b""])
    crc = write(tmp_path / "crc.json.gz", sample(0, 100))
    damaged = bytearray(crc.read_bytes())
    damaged[-8] ^= 0xFF
    crc.write_bytes(damaged)
    whole = write(tmp_path / "whole.json.gz", sample(100, 200))
    missing = tmp_path / "missing.json.gz"
    unmatched = tmp_path / "none-*.gz"
    replay(memory, missing, unmatched, tmp_path, not_gzip, empty, empty_lines, crc, whole)
    assert memory.counted() == each_once(sample(0, 200))
    for file, fault in [
        (missing, "missing"),
        (unmatched, "missing"),
        (tmp_path, "not readable"),
        (not_gzip, "not gzip"),
        (empty, "empty"),
        (empty_lines, "empty"),
        (crc, "damaged"),
    ]:
        assert f"{file}: {fault}" in caplog.text


def test_what_a_browser_unpacked_but_did_not_rename_is_read(tmp_path: Path) -> None:
    memory = Memory()
    file = tmp_path / "hour.json.gz"
    file.write_bytes(b"\n".join(sample(0, 50)))
    replay(memory, file)
    assert memory.counted() == each_once(sample(0, 50))


def test_an_event_repeated_in_a_file_and_in_the_next_is_published_once(tmp_path: Path) -> None:
    memory = Memory(kill_after=1)
    first = write(tmp_path / "a.json.gz", [*sample(0, 50), *sample(20, 60)])
    second = write(tmp_path / "b.json.gz", [*sample(200, 210), *sample(40, 90)])
    with pytest.raises(Killed):
        replay(memory, first, second)
    # The next process has to find out what the first one saw.
    memory.kill_after = None
    replay(memory, first, second)
    assert memory.counted() == each_once([*sample(0, 90), *sample(200, 210)])


def test_a_replay_killed_at_every_block_publishes_each_event_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "BLOCK_LINES", 100)
    memory = Memory()
    for kill_after in range(1, 30, 4):
        memory.kill_after = kill_after
        with pytest.raises(Killed):
            replay(memory, SAMPLE)
    memory.kill_after = None
    replay(memory, SAMPLE)
    assert memory.counted() == each_once(sample())


def test_a_finished_archive_is_replayed_again_if_forced_but_once_per_replay(
    tmp_path: Path,
) -> None:
    memory = Memory()
    first = write(tmp_path / "a.json.gz", sample(0, 100))
    second = write(tmp_path / "b.json.gz", sample(100, 200))
    replay(memory, first, second)
    clock = Clock()
    clock.time += timedelta(hours=1)
    memory.kill_after = len(memory.deliveries) + 1
    with pytest.raises(Killed):
        replay(memory, first, second, FORCE="true", clock=clock)
    memory.kill_after = None
    clock.time += timedelta(minutes=1)
    replay(memory, first, second, FORCE="true", clock=clock)
    assert memory.counted() == Counter(dict.fromkeys(each_once(sample(0, 200)), 2))


def test_rebased_the_first_event_is_now_and_all_times_keep_their_distance(
    tmp_path: Path,
) -> None:
    memory = Memory()
    first = write(tmp_path / "a.json.gz", sample(0, 1500))
    second = write(tmp_path / "b.json.gz", sample(1500, 3000))
    memory.kill_after = 1
    with pytest.raises(Killed):
        replay(memory, first, second, REBASE="true")
    later = Clock()
    later.time += timedelta(hours=7)
    memory.kill_after = None
    replay(memory, first, second, REBASE="true", clock=later)

    def time(text: str) -> datetime:
        return datetime.fromisoformat(text)

    raw = {line["id"]: line for line in map(json.loads, sample())}
    now = START.replace(microsecond=0)
    shift = now - time(json.loads(sample()[0])["created_at"])
    assert memory.events()[0].created_at == now
    assert len(memory.events()) == 3000
    spans = 0
    for event in memory.events():
        line = raw[event.id]
        assert event.created_at == time(line["created_at"]) + shift
        if event.opened_at is not None:
            payload = line["payload"]
            subject = payload.get("issue") or payload["pull_request"]
            assert event.opened_at == time(subject["created_at"]) + shift
            if event.closed_at is not None:
                closed = subject.get("merged_at") or subject["closed_at"]
                assert event.closed_at == time(closed) + shift
                spans += 1
    assert spans > 50

    afterwards = Clock()
    afterwards.time += timedelta(days=1)
    replay(memory, first, FORCE="true", REBASE="true", clock=afterwards)
    assert memory.events()[3000].created_at == now + timedelta(days=1)


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_at_a_speed_events_come_at_their_time(
    speed: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    published: list[tuple[datetime, datetime]] = []

    class Timed(Memory):
        def publish(self, delivery: Delivery) -> None:
            super().publish(delivery)
            published.extend((clock.time, record.event.created_at) for record in delivery.events)

    memory = Timed()
    replay(memory, SAMPLE, SPEED=str(speed), clock=clock)
    assert memory.counted() == each_once(sample())
    first = latest = published[0][1]
    start = START.replace(microsecond=0)
    for at, created in published:
        latest = max(latest, created)  # lines of an archive are not quite in order
        due = start + (latest - first) / speed
        # Never early; late by no more than a pause and the second the clock began in.
        assert timedelta(0) <= at - due + timedelta(seconds=1e-3)
        assert at - due <= timedelta(seconds=1.5)
    span = latest - first
    assert len(memory.deliveries) <= span.total_seconds() / speed / archive.SLICE + 3


@pytest.mark.parametrize("years", [9, -3])
@pytest.mark.parametrize("killed", [False, True])
def test_a_replay_does_not_wait_for_the_years_between_two_archives(
    tmp_path: Path, years: int, killed: bool
) -> None:
    def moved(line: bytes) -> bytes:
        return line.replace(b'"created_at":"2015', f'"created_at":"{2015 + years}'.encode())

    first = write(tmp_path / "a.json.gz", sample(0, 300))
    second = write(tmp_path / "b.json.gz", list(map(moved, sample(300, 600))))
    spans = [
        max(times) - min(times)
        for times in (
            [datetime.fromisoformat(json.loads(line)["created_at"]) for line in lines]
            for lines in (sample(0, 300), sample(300, 600))
        )
    ]
    clock, memory = Clock(), Memory()
    if killed:  # between the two archives
        memory.kill_after = len(_deliveries_of(first))
        with pytest.raises(Killed):
            replay(memory, first, second, SPEED="1", REBASE="true", clock=clock)
        memory.kill_after = None
    replay(memory, first, second, SPEED="1", REBASE="true", clock=clock)
    assert len(memory.events()) == 600
    took = clock.time - START
    assert spans[0] + spans[1] <= took + timedelta(seconds=1) <= sum(spans, timedelta(seconds=5))
    # Rebased, the second archive happens right after the first.
    times = [event.created_at for event in memory.events()]
    assert START.replace(microsecond=0) <= min(times)
    assert max(times) <= clock.time + timedelta(seconds=1)


def _deliveries_of(file: Path) -> list[Delivery]:
    memory = Memory()
    replay(memory, file, SPEED="1", REBASE="true")
    return memory.deliveries[:-1]  # but for the last, which forgets the replay


def test_a_gap_of_minutes_between_two_archives_is_kept(tmp_path: Path) -> None:
    clock, memory = Clock(), Memory()
    first = write(tmp_path / "a.json.gz", sample(0, 10))
    second = write(tmp_path / "b.json.gz", sample(700, 710))
    replay(memory, first, second, SPEED="1", clock=clock)
    times = [datetime.fromisoformat(json.loads(line)["created_at"]) for line in sample(0, 710)]
    assert timedelta(minutes=4) < times[700] - times[0] < timedelta(minutes=10)
    assert clock.time - START >= times[700] - times[0] - timedelta(seconds=1)


def test_asked_to_stop_it_publishes_what_it_holds_and_goes_on_later(tmp_path: Path) -> None:
    memory = Memory()
    clock = Clock()
    waits = 0

    class Stopping(Clock):
        def wait(self, timeout: float | None = None) -> bool:
            nonlocal waits
            waits += 1
            if waits == 20:
                self.set()
            return super().wait(timeout)

    clock = Stopping()
    with pytest.raises(Stopped):
        replay(memory, SAMPLE, SPEED="10", clock=clock)
    assert 0 < memory.counted().total() < 3000
    replay(memory, SAMPLE)
    assert memory.counted() == each_once(sample())


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """A server of the archives in tmp_path."""
    handler = partial(_Quiet, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_range_of_hours_is_fetched_and_a_missing_hour_is_named(
    tmp_path: Path, mirror: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    write(tmp_path / "2015-01-01-9.json.gz", sample(0, 100))
    write(tmp_path / "2015-01-01-11.json.gz", sample(100, 200))
    memory = Memory()
    for _ in range(2):
        replay(memory, "2015-01-01-9..2015-01-01-11", ARCHIVE_URL=mirror)
    assert memory.counted() == each_once(sample(0, 200))
    assert f"{mirror}/2015-01-01-10.json.gz: HTTP error: 404" in caplog.text
    assert "2015-01-01-11.json.gz: replayed before" in caplog.text


def test_names_become_files_in_the_order_of_time(tmp_path: Path) -> None:
    for hour in (10, 2, 1):
        (tmp_path / f"2015-01-01-{hour}.json.gz").touch()
    assert expand([f"{tmp_path}/*.gz"], "") == [
        f"{tmp_path}/2015-01-01-{hour}.json.gz" for hour in (1, 2, 10)
    ]
    assert expand(["2015-12-31-23..2016-01-01-1", "2016-01-01-0", "http://x/y.gz"], "http://a") == [
        "http://a/2015-12-31-23.json.gz",
        "http://a/2016-01-01-0.json.gz",
        "http://a/2016-01-01-1.json.gz",
        "http://x/y.gz",
    ]
