"""A client that keeps writing and logs what it saw, one JSON object a line.

It stands for an application: one session, one ephemeral node, one write after another. A write whose
outcome it did not learn is logged as "unknown" (it may have happened) and its name is never used again.
It stops writing on SIGTERM, or after --seconds, and logs a last line; it then keeps its session open, so
that the ephemeral node can be looked at on every server, until a second SIGTERM or a minute has passed.
"""
import argparse
import json
import signal
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError
from kazoo.retry import KazooRetry

# What only a server that decided can answer; anything else leaves the outcome open.
DEFINITE = (NodeExistsError, NoNodeError, BadVersionError)


def instant():
    return {"monotonic": time.monotonic(), "wall": time.time()}


def hexadecimal(identifier):
    return "0x%x" % (identifier & 0xFFFFFFFFFFFFFFFF)


class Writer:
    def __init__(self, arguments):
        self.arguments = arguments
        self.root = "/lab-" + arguments.side
        self.register = self.root + "/register"
        self.ephemeral = self.root + "/ephemeral"
        self.lock = threading.Lock()
        self.log = open(arguments.log, "a", buffering=1)
        self.stopping = threading.Event()
        self.leaving = threading.Event()
        self.connected = threading.Event()
        self.deadline = time.monotonic() + arguments.seconds
        at_once = {"delay": 0.02, "backoff": 1, "max_jitter": 0.0, "max_delay": 0.02}
        self.client = KazooClient(
            hosts=arguments.servers,
            timeout=arguments.session,
            connection_retry=KazooRetry(max_tries=-1, **at_once),
            command_retry=KazooRetry(max_tries=0),
        )
        self.client.add_listener(self.session_changed)

    def write(self, **line):
        with self.lock:
            self.log.write(json.dumps(line) + "\n")

    def session(self):
        return hexadecimal(self.client.client_id[0]) if self.client.client_id else None

    def session_changed(self, state):
        self.connected.set() if state == "CONNECTED" else self.connected.clear()
        self.write(event="session", state=state, session=self.session(), at=instant())

    def signalled(self, *_):
        if self.stopping.is_set():
            self.leaving.set()
        self.stopping.set()

    def over(self):
        return self.stopping.is_set() or time.monotonic() > self.deadline

    def operation(self, number, kind, path, begin):
        invoked = instant()
        outcome, error, result = "ok", None, None
        try:
            result = begin().get(timeout=self.arguments.timeout)
        except DEFINITE as problem:
            outcome, error = "fail", type(problem).__name__
        except Exception as problem:
            outcome, error = "unknown", type(problem).__name__
        line = {"event": "operation", "number": number, "kind": kind, "path": path, "outcome": outcome}
        if error:
            line["error"] = error
        if kind == "set" and result is not None:
            line["version"], line["zxid"] = result.version, hexadecimal(result.mzxid)
        self.write(invoked=invoked, completed=instant(), **line)

    def create(self, path, ephemeral=False):
        """Creates a node that only this writer makes, however often it takes."""
        while not self.over():
            try:
                self.client.create_async(path, b"0", ephemeral=ephemeral).get(timeout=self.arguments.timeout)
                return
            except NodeExistsError:
                if not ephemeral or self.owner() == self.session():
                    return
                self.stopping.wait(0.2)
            except Exception:
                self.stopping.wait(0.05)

    def owner(self):
        """The session that owns the ephemeral node, after a sync; None when there is no such node."""
        try:
            self.client.sync_async(self.ephemeral).get(timeout=self.arguments.timeout)
            stat = self.client.exists_async(self.ephemeral).get(timeout=self.arguments.timeout)
            return hexadecimal(stat.ephemeralOwner) if stat else None
        except Exception:
            return None

    def run(self):
        signal.signal(signal.SIGTERM, self.signalled)
        signal.signal(signal.SIGINT, self.signalled)
        self.write(event="start", side=self.arguments.side, servers=self.arguments.servers, at=instant())
        self.client.start_async()
        while not self.over() and not self.connected.wait(0.05):
            pass
        self.create(self.root)
        self.create(self.register)
        self.create(self.ephemeral, ephemeral=True)
        ready = not self.over()
        if ready:
            self.write(event="ready", session=self.session(), at=instant())
        number = 0
        while not self.over():
            number += 1
            value = b"%d" % number
            path = "%s/w-%07d" % (self.root, number)
            self.operation(number, "create", path, lambda: self.client.create_async(path, value))
            if number % 5 == 0:
                self.operation(
                    number, "set", self.register, lambda: self.client.set_async(self.register, value)
                )
            self.stopping.wait(self.arguments.interval)
        # Time to reconnect, if the end falls into an interruption.
        patience = time.monotonic() + self.arguments.session
        owner = self.owner() if ready else None
        while ready and owner is None and time.monotonic() < patience and not self.connected.is_set():
            owner = self.owner()
        self.write(event="final", session=self.session(), owner=owner, at=instant())
        self.leaving.wait(60)
        self.client.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", required=True)
    parser.add_argument("--side", required=True, choices=["source", "destination"])
    parser.add_argument("--log", required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--interval", type=float, default=0.02)
    parser.add_argument("--timeout", type=float, default=10)
    parser.add_argument("--session", type=float, default=18)
    Writer(parser.parse_args()).run()


if __name__ == "__main__":
    main()
