"""A Kafka producer that numbers its messages and logs what became of each, one JSON object a line.

It asks for the acknowledgement of every replica in sync. Every partition has a thread of its own that sends
one message after another, so that within a partition the order of the numbers is the order of the sends.
A message is tried again until it is acknowledged or --patience has passed. A try that was handed over and
not acknowledged may have been written all the same: it is counted as open, and a message with such a try may
be there twice. It stops on SIGTERM or after --seconds; the sends under way are finished first.
"""
import argparse
import json
import logging
import signal
import threading
import time

from kafka import KafkaProducer


def instant():
    return {"monotonic": time.monotonic(), "wall": time.time()}


class Producer:
    def __init__(self, arguments):
        self.arguments = arguments
        self.lock = threading.Lock()
        self.log = open(arguments.log, "a", buffering=1)
        self.stopping = threading.Event()
        self.ready = threading.Event()
        self.deadline = time.monotonic() + arguments.seconds
        self.client = None

    def write(self, **line):
        with self.lock:
            self.log.write(json.dumps(line) + "\n")

    def over(self):
        return self.stopping.is_set() or time.monotonic() > self.deadline

    def connect(self):
        while not self.over():
            try:
                # Tries are counted here: the library's own would be invisible.
                self.client = KafkaProducer(
                    bootstrap_servers=self.arguments.brokers.split(","),
                    api_version=self.arguments.api,
                    acks=-1,
                    retries=0,
                    linger_ms=0,
                    request_timeout_ms=int(self.arguments.timeout * 1000),
                    max_block_ms=int(self.arguments.timeout * 1000),
                    reconnect_backoff_ms=50,
                    reconnect_backoff_max_ms=500,
                    metadata_max_age_ms=5000,
                )
                return
            except Exception as problem:
                self.write(event="retry", error=type(problem).__name__, at=instant())
                self.stopping.wait(0.2)

    def send(self, partition, number):
        """One message, to its end."""
        invoked = instant()
        attempts, open_attempts, errors, offset = 0, 0, [], None
        patience = time.monotonic() + self.arguments.patience
        outcome = None
        while outcome is None:
            attempts += 1
            handed = False
            try:
                future = self.client.send(self.arguments.topic, b"%d" % number, partition=partition)
                handed = True
                # Longer than the library's own limits, so that it is the library that gives up.
                offset = future.get(timeout=self.arguments.timeout * 3).offset
                outcome = "acknowledged"
            except Exception as problem:
                errors.append(type(problem).__name__)
                open_attempts += handed
                if time.monotonic() > patience:
                    outcome = "unknown" if open_attempts else "failed"
                else:
                    time.sleep(0.05)
        line = {"event": "send", "number": number, "partition": partition, "outcome": outcome}
        line.update(attempts=attempts, open=open_attempts, invoked=invoked, completed=instant())
        if offset is not None:
            line["offset"] = offset
        if errors:
            line["errors"] = errors
        self.write(**line)
        if outcome == "acknowledged" and not self.ready.is_set():
            self.ready.set()
            self.write(event="ready", at=instant())

    def fill(self, partition):
        number = partition
        while not self.over():
            self.send(partition, number)
            number += self.arguments.partitions
            self.stopping.wait(self.arguments.interval)

    def run(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        self.write(event="start", brokers=self.arguments.brokers, topic=self.arguments.topic, at=instant())
        self.connect()
        threads = []
        if self.client:
            threads = [
                threading.Thread(target=self.fill, args=(partition,))
                for partition in range(self.arguments.partitions)
            ]
        for thread in threads:
            thread.start()
        for thread in threads:
            # A signal is handled between two waits.
            while thread.is_alive():
                thread.join(0.1)
        self.write(event="final", at=instant())
        if self.client:
            self.client.close(timeout=2)


def main():
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--api", type=lambda text: tuple(int(part) for part in text.split(".")))
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--interval", type=float, default=0.02)
    parser.add_argument("--timeout", type=float, default=10)
    parser.add_argument("--patience", type=float, default=60)
    Producer(parser.parse_args()).run()


if __name__ == "__main__":
    main()
