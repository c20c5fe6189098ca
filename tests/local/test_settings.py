"""What `make run` is given, and what it says when that cannot work."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest
from ghstream_local.programs import PORTS, environments, problems, with_capture
from ghstream_local.settings import read
from ghstream_source.settings import from_env

ARCHIVE = Path(__file__).parents[2] / "local" / "ghstream_local" / "capture"


def wrong(**variables: str) -> list[str]:
    settings, found = read(variables)
    planned = environments(settings, dict.fromkeys(PORTS, 9000), Path("jars"))
    return found + problems(planned["source"])


def environment(name: str, **variables: str):
    settings, found = read(variables)
    assert found == []
    return environments(settings, dict.fromkeys(PORTS, 9000), Path("jars"))[name]


def test_without_settings_it_polls_the_public_feed_into_a_store_in_the_data_folder(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert wrong() == []
    source = environment("source")
    assert "GHSTREAM_SOURCE_TYPE" not in source
    assert source["GHSTREAM_STORE_URL"] == f"sqlite:///{tmp_path}/.data/store.db"
    assert source["GHSTREAM_SPARK_CHECKPOINT"] == f"{tmp_path}/.data/checkpoint"
    assert environment("webapp")["GHSTREAM_WEBAPP_HOST"] == "127.0.0.1"


def test_every_make_variable_reaches_the_process_that_it_is_for(tmp_path):
    given = {
        "SCOPE": "org:kubernetes repo:apache/spark",
        "STORE": "postgresql://me@db/figures",
        "KAFKA": "kafka:9092",
        "TOPIC": "mine",
        "HOST": "0.0.0.0",
        "PORT": "5001",
        "DATA": str(tmp_path),
        "GITHUB_TOKEN": "secret",
    }
    source, webapp = environment("source", **given), environment("webapp", **given)
    assert source["GHSTREAM_SOURCE_SCOPE"] == "org:kubernetes repo:apache/spark"
    assert source["GHSTREAM_KAFKA_BOOTSTRAP_SERVERS"] == "kafka:9092"
    assert source["GHSTREAM_TOPIC"] == webapp["GHSTREAM_TOPIC"] == "mine"
    assert webapp["GHSTREAM_STORE_URL"] == "postgresql://me@db/figures"
    assert (webapp["GHSTREAM_WEBAPP_HOST"], webapp["GHSTREAM_WEBAPP_PORT"]) == ("0.0.0.0", "5001")


def test_the_token_reaches_the_source_and_nobody_else():
    assert environment("source", GITHUB_TOKEN="secret")["GHSTREAM_SOURCE_TOKENS"] == "secret"
    for name in ("spark", "webapp"):
        assert "secret" not in environment(name, GITHUB_TOKEN="secret").values()


def test_files_alone_mean_an_archive():
    source = environment("source", FILES=f"{ARCHIVE}/*.gz", SPEED="2")
    assert source["GHSTREAM_SOURCE_TYPE"] == "archive"
    assert source["GHSTREAM_SOURCE_SPEED"] == "2"


def test_a_rebased_replay_keeps_the_pace_of_its_recording_unless_told_otherwise():
    files = f"{ARCHIVE}/*.gz"
    assert environment("source", FILES=files, REBASE="1")["GHSTREAM_SOURCE_SPEED"] == "1"
    assert environment("source", FILES=files, REBASE="1", SPEED="max")["GHSTREAM_SOURCE_SPEED"] == (
        "max"
    )
    assert "GHSTREAM_SOURCE_SPEED" not in environment("source", FILES=files, REBASE="0")


def test_variables_of_the_processes_themselves_are_passed_through():
    spark = environment("spark", GHSTREAM_SPARK_TRIGGER="5 seconds", GHSTREAM_LOG_LEVEL="DEBUG")
    assert spark["GHSTREAM_SPARK_TRIGGER"] == "5 seconds"
    assert spark["GHSTREAM_LOG_LEVEL"] == "DEBUG"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SOURCE": "files"}, "SOURCE 'files': write 'events' or 'archive'"),
        ({"SOURCE": "archive"}, "FILES is empty: name the archives"),
        ({"SOURCE": "events", "FILES": f"{ARCHIVE}/*.gz"}, "FILES goes with SOURCE=archive"),
        ({"SPEED": "2"}, "SPEED goes with SOURCE=archive"),
        ({"REBASE": "1"}, "REBASE goes with SOURCE=archive"),
        ({"FILES": f"{ARCHIVE}/*.gz", "SCOPE": "public"}, "SCOPE goes with SOURCE=events"),
        ({"FILES": f"{ARCHIVE}/*.gz", "SPEED": "fast"}, "SPEED 'fast': write a number above 0"),
        ({"FILES": f"{ARCHIVE}/*.gz", "REBASE": "maybe"}, "REBASE 'maybe': write true or false"),
        ({"FILES": "/nowhere/*.gz"}, "FILES: there is no /nowhere/*.gz"),
        ({"SCOPE": "kubernetes"}, "SCOPE 'kubernetes': "),
        ({"PORT": "http"}, "PORT 'http': write a whole number from 1 to 65535"),
        ({"PORT": "70000"}, "PORT '70000': write a whole number from 1 to 65535"),
        ({"KAFKA": "localhost"}, "KAFKA 'localhost': write host:port"),
        ({"STORE": "mysql://db/x"}, "STORE: the store's URL starts with 'mysql'"),
        ({"TOPIC": "a b"}, "TOPIC 'a b': write letters"),
    ],
)
def test_a_wrong_value_is_named_by_its_make_variable_once(variables, said):
    (problem,) = wrong(**variables)
    assert problem.startswith(said)
    assert "GHSTREAM_" not in problem


def test_all_problems_are_reported_together(start, tmp_path):
    log = start(
        "-m", "ghstream_local.run", DATA=f"{tmp_path}", SPEED="x", PORT="x", STORE="x", SCOPE="?"
    )
    assert log.end() == 2
    said = "\n".join(log.lines)
    for name in ("SPEED", "PORT 'x'", "STORE", "SCOPE"):
        assert re.search(rf"^  {name}", said, re.MULTILINE), said
    assert "Traceback" not in said


def test_a_taken_port_is_named_with_its_owner_and_a_free_one(start, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        log = start("-m", "ghstream_local.run", DATA=str(tmp_path), PORT=str(port))
        assert log.end() == 2
    said = "\n".join(log.lines)
    assert f"PORT {port}: " in said
    assert f"(process {os.getpid()}) listens there" in said
    suggested = re.search(r"write PORT=(\d+)", said)
    assert suggested
    assert int(suggested[1]) != port


def test_a_data_folder_that_cannot_be_written_is_named(start, tmp_path):
    (tmp_path / "file").touch()
    log = start("-m", "ghstream_local.run", DATA=f"{tmp_path}/file/data")
    assert log.end() == 2
    assert f"DATA={tmp_path}/file/data: cannot write there" in "\n".join(log.lines)


def test_a_capture_in_a_folder_with_blanks_and_quotes_is_found(monkeypatch, tmp_path):
    file = tmp_path / "it's my folder [1]" / "hour.json.gz"
    file.parent.mkdir()
    file.touch()
    monkeypatch.setattr("ghstream_local.programs.CAPTURE", file)
    shown = with_capture({"source": {"GHSTREAM_STORE_URL": "sqlite:////x"}, "webapp": {}}, "")
    assert from_env(shown["source"]).files == (str(file),)
    assert problems(shown["source"]) == []


def test_the_capture_stands_in_for_github_and_the_page_says_so():
    settings, _ = read({})
    plain = environments(settings, dict.fromkeys(PORTS, 9000), Path("jars"))
    shown = with_capture(plain, "no route to host")
    assert shown["source"]["GHSTREAM_SOURCE_TYPE"] == "archive"
    (file,) = from_env(shown["source"]).files
    assert Path(file).is_file()
    notice = shown["webapp"]["GHSTREAM_WEBAPP_NOTICE"]
    for part in ("GitHub could not be reached", "no route to host", "2015-01-01", "moved to now"):
        assert part in notice
    assert "GHSTREAM_WEBAPP_NOTICE" not in plain["webapp"]
    assert problems(shown["source"]) == []
