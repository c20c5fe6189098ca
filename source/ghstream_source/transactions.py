"""Transactions into Kafka, each committed exactly once, by one writer at a time.

It is the way of a Kafka Connect source with exactly-once support (KIP-618): a transactional id
fences an older instance, and what a restart needs to know is read back from the state topic.

Every transaction also writes the state record `writer`: which instance wrote, and a number that
rises by one. Kafka may die between the request to commit and its answer. Initialising the
transactional id anew then finishes or aborts that transaction (KIP-98), and the record tells which
of the two it was. Every fault of a transaction takes this one way of recovery.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError, ProducerFencedError
from msgspec.json import encode

from ghstream_source import metrics, topics
from ghstream_source.delivery import Fenced, Stopped
from ghstream_source.kafka import client_options
from ghstream_source.settings import Settings

log = logging.getLogger(__name__)

# Seconds.
BOOTSTRAP_TIMEOUT = 5.0
ANSWER_TIMEOUT = 10.0  # until the outcome of a commit counts as unknown
STOP_TIMEOUT = 5.0  # what a running transaction gets once asked to stop
TRANSACTION_TIMEOUT = 60.0  # until Kafka aborts a transaction by itself
FENCE_GRACE = 2.0  # what a new instance gets to write its name
LONGEST_BACK_OFF = 5.0

# A batch stays below the 1 MB that a broker takes by default, even if it does not compress.
BATCH_BYTES = 900 * 1024
WRITER = "writer"


class Message(NamedTuple):
    """One record of Kafka; the client chooses the partition where it is None."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    partition: int | None = None


class Writer(msgspec.Struct):
    """Who committed last, and the number of that transaction."""

    instance: str
    sequence: int


class Transactions:
    """The one writer of a stream's topics. For one thread; `ready` may be read by others."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._options = client_options(settings.kafka)
        self._instance = uuid.uuid4().hex
        self._claimed = False
        self._last = Writer("", 0)
        self._producer: KafkaProducer | None = None
        self._complaint = ""
        self._counts: dict[str, int] = {}
        self.state: dict[str, bytes] = {}

    @property
    def ready(self) -> bool:
        """Whether Kafka took the last transaction and the state is known."""
        return self._claimed and self._producer is not None

    def open(self) -> None:
        """Fence older instances and read the state. Waits for Kafka; raises Stopped, Fenced."""
        self.commit([], {})
        self._claimed = True

    def commit(self, messages: Sequence[Message], state: Mapping[str, bytes | None]) -> None:
        """Commit the messages and the records of the state topic, None to delete one.

        Waits while Kafka is away. Raises Stopped, and Fenced when another instance took over.
        """
        self._last = self._committed(messages, state)
        for key, value in state.items():
            if value is None:
                self.state.pop(key, None)
            else:
                self.state[key] = value
        metrics.KAFKA_UP.set(1)
        if self._complaint:
            log.info("Kafka takes what is published again")
            self._complaint = ""

    def partitions(self, topic: str) -> int:
        """Return the number of partitions, as of the last connection."""
        return self._counts[topic]

    def close(self) -> None:
        """Close the connection; a transaction under way is left to the next instance to abort."""
        if self._producer is not None:
            _close(self._producer, STOP_TIMEOUT)
            self._producer = None

    def _committed(self, messages: Sequence[Message], state: Mapping[str, bytes | None]) -> Writer:
        """Try until one transaction with the messages is committed; return what it wrote."""
        attempted: Writer | None = None
        for delay in _delays():
            pause = delay
            try:
                producer = self._producer or self._connect()
                if self._last == attempted:
                    return self._last  # the unclear attempt before was committed after all
                attempted = Writer(self._instance, self._last.sequence + 1)
                self._attempt(producer, messages, {**state, WRITER: encode(attempted)})
            except ProducerFencedError as error:
                self._disconnect(error)
                # Another instance took over, or Kafka gave up a transaction that took too long:
                # the state topic tells which.
                pause = FENCE_GRACE
            except (KafkaError, OSError) as error:
                self._disconnect(error)
            else:
                return attempted
            if self._stop.wait(pause):
                break
        raise Stopped

    def _attempt(
        self,
        producer: KafkaProducer,
        messages: Sequence[Message],
        state: Mapping[str, bytes | None],
    ) -> None:
        producer.begin_transaction()
        send = producer.send
        sent = [
            send(topic, value, key, headers, partition)
            for topic, key, value, headers, partition in messages
        ]
        for name, content in state.items():
            sent.append(send(self._settings.state_topic, content, name.encode(), [], 0))

        def finish() -> None:
            producer.flush()
            for future in sent:
                if future.failed():
                    raise future.exception
            producer.commit_transaction()

        self._answered(finish)

    def _answered(self, request: Callable[[], None]) -> None:
        """Make a request that has no timeout of its own, and wait no longer than ours."""
        faults: list[Exception] = []

        def run() -> None:
            try:
                request()
            except Exception as error:
                faults.append(error)  # raised again by the caller

        thread = threading.Thread(target=run, daemon=True, name="kafka-request")
        thread.start()
        deadline = time.monotonic() + ANSWER_TIMEOUT
        while thread.is_alive() and time.monotonic() < deadline:
            thread.join(0.2)
            if self._stop.is_set():
                deadline = min(deadline, time.monotonic() + STOP_TIMEOUT)
        if thread.is_alive():
            raise KafkaTimeoutError(f"no answer within {ANSWER_TIMEOUT:.0f} s")
        if faults:
            raise faults[0]

    def _connect(self) -> KafkaProducer:
        topic = self._settings.topic
        if self._claimed:
            self._check_owner(self._read_state())
        admin = KafkaAdminClient(
            **self._options, bootstrap_timeout_ms=_milliseconds(BOOTSTRAP_TIMEOUT)
        )
        try:
            topics.create_missing(admin, self._settings)
        finally:
            admin.close()
        producer = KafkaProducer(
            **self._options,
            transactional_id=f"ghstream-source-{topic}",
            transaction_timeout_ms=_milliseconds(TRANSACTION_TIMEOUT),
            delivery_timeout_ms=_milliseconds(2 * ANSWER_TIMEOUT),
            request_timeout_ms=_milliseconds(ANSWER_TIMEOUT),
            max_block_ms=_milliseconds(ANSWER_TIMEOUT),
            bootstrap_timeout_ms=_milliseconds(BOOTSTRAP_TIMEOUT),
            reconnect_backoff_max_ms=1000,
            compression_type="lz4",
            batch_size=BATCH_BYTES,
            # A commit sends at once what is held; lingering only keeps batches whole until then.
            linger_ms=100,
            metrics_enabled=False,
        )
        try:
            producer.init_transactions()
            self.state = self._read_state()
            self._counts = {
                name: len(producer.partitions_for(name)) for name in topics.wanted(self._settings)
            }
        except BaseException:
            _close_in_background(producer)
            raise
        if self._claimed:
            self._check_owner(self.state)
        self._last = _writer(self.state)
        self._producer = producer
        return producer

    def _check_owner(self, state: Mapping[str, bytes]) -> None:
        owner = _writer(state).instance
        if owner != self._instance:
            raise Fenced(f"another instance ({owner}) publishes to {self._settings.topic} now")

    def _read_state(self) -> dict[str, bytes]:
        """Read the state topic to its end, as far as it is committed."""
        partition = TopicPartition(self._settings.state_topic, 0)
        consumer = KafkaConsumer(
            **self._options,
            isolation_level="read_committed",
            enable_auto_commit=False,
            bootstrap_timeout_ms=_milliseconds(BOOTSTRAP_TIMEOUT),
            metrics_enabled=False,
        )
        try:
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            end = consumer.end_offsets([partition])[partition]
            state: dict[str, bytes] = {}
            deadline = time.monotonic() + ANSWER_TIMEOUT
            while consumer.position(partition) < end:
                if time.monotonic() > deadline:
                    raise KafkaTimeoutError(f"{partition.topic} was not read to its end {end}")
                for record in consumer.poll(timeout_ms=500).get(partition, ()):
                    state[record.key.decode()] = record.value
        finally:
            consumer.close()
        return {key: value for key, value in state.items() if value is not None}

    def _disconnect(self, error: Exception) -> None:
        metrics.KAFKA_UP.set(0)
        complaint = f"{type(error).__name__}: {error}"
        if not self._complaint:
            log.warning("Kafka does not take what is published (%s); waiting for it", complaint)
        elif complaint != self._complaint:
            log.info("Still waiting for Kafka (%s)", complaint)
        self._complaint = complaint
        if self._producer is not None:
            _close_in_background(self._producer)
            self._producer = None


def _writer(state: Mapping[str, bytes]) -> Writer:
    if WRITER not in state:
        return Writer("", 0)
    return msgspec.json.decode(state[WRITER], type=Writer)


def _delays() -> Iterator[float]:
    """Yield the pauses between attempts: doubled each time up to the longest, with jitter."""
    delay = 0.2
    while True:
        yield delay * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret
        delay = min(2 * delay, LONGEST_BACK_OFF)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _close(producer: KafkaProducer, timeout: float) -> None:
    try:
        producer.close(timeout=timeout)
    except KafkaError as error:
        log.debug("The connection did not end cleanly: %s", error)


def _close_in_background(producer: KafkaProducer) -> None:
    # It ends once its batches have expired; whatever it still sends is fenced by its successor.
    timeout = 4 * ANSWER_TIMEOUT
    threading.Thread(target=_close, args=(producer, timeout), daemon=True).start()
