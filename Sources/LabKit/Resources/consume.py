"""A Kafka consumer that reads a topic from its beginning and logs every message, one JSON object a line.

On SIGTERM, or at once with --once, it asks the brokers where every partition ends, reads up to there, and
logs a last line with where each partition ended and up to where it has read it. It gives up after --patience.
"""
import argparse
import json
import logging
import signal
import threading
import time

from kafka import KafkaConsumer, TopicPartition


def instant():
    return {"monotonic": time.monotonic(), "wall": time.time()}


class Consumer:
    def __init__(self, arguments):
        self.arguments = arguments
        self.log = open(arguments.log, "a", buffering=1)
        self.stopping = threading.Event()
        self.deadline = time.monotonic() + arguments.seconds
        self.partitions = [
            TopicPartition(arguments.topic, number) for number in range(arguments.partitions)
        ]

    def write(self, **line):
        self.log.write(json.dumps(line) + "\n")

    def connect(self):
        while True:
            try:
                client = KafkaConsumer(
                    bootstrap_servers=self.arguments.brokers.split(","),
                    api_version=self.arguments.api,
                    group_id=None,
                    enable_auto_commit=False,
                    auto_offset_reset="earliest",
                    request_timeout_ms=10000,
                    reconnect_backoff_ms=50,
                    reconnect_backoff_max_ms=500,
                    metadata_max_age_ms=5000,
                )
                client.assign(self.partitions)
                for partition in self.partitions:
                    client.seek(partition, 0)
                return client
            except Exception as problem:
                if self.over():
                    return None
                self.write(event="retry", error=type(problem).__name__, at=instant())
                self.stopping.wait(0.2)

    def over(self):
        return self.stopping.is_set() or time.monotonic() > self.deadline

    def read(self, client):
        try:
            batches = client.poll(timeout_ms=200)
        except Exception as problem:
            self.write(event="retry", error=type(problem).__name__, at=instant())
            time.sleep(0.1)
            return
        for partition, messages in batches.items():
            for message in messages:
                number = int(message.value)
                self.write(
                    event="message", partition=partition.partition, offset=message.offset, number=number
                )

    def ends(self, client, patience):
        while time.monotonic() < patience:
            try:
                return client.end_offsets(self.partitions)
            except Exception as problem:
                self.write(event="retry", error=type(problem).__name__, at=instant())
                time.sleep(0.2)
        return None

    def run(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        self.write(event="start", brokers=self.arguments.brokers, topic=self.arguments.topic, at=instant())
        client = self.connect()
        if client is None:
            return
        self.write(event="ready", at=instant())
        while not self.arguments.once and not self.over():
            self.read(client)
        patience = time.monotonic() + self.arguments.patience
        ends = self.ends(client, patience)
        if ends is None:
            return
        while any(client.position(one) < ends[one] for one in self.partitions):
            if time.monotonic() > patience:
                break
            self.read(client)
        line = [
            {"partition": one.partition, "end": ends[one], "position": client.position(one)}
            for one in self.partitions
        ]
        self.write(event="final", partitions=line, at=instant())
        client.close()


def main():
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--api", type=lambda text: tuple(int(part) for part in text.split(".")))
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--patience", type=float, default=60)
    Consumer(parser.parse_args()).run()


if __name__ == "__main__":
    main()
