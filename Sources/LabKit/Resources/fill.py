"""Fills a tree: nodes of a size, in folders of a thousand, and sessions that each own an ephemeral node.

Speaks ZooKeeper's protocol itself: requests go out without waiting for one another, and a session costs a socket.
When everything is acknowledged it writes the file --ready; with sessions it then keeps them alive until it is ended.
"""
import argparse
import os
import select
import socket
import struct
import sys
import time

ANYONE = struct.pack(">iii", 1, 31, 5) + b"world" + struct.pack(">i", 6) + b"anyone"
CREATE, PING = 1, 11
EPHEMERAL = 1
NODE_EXISTS = -110


def framed(body):
    return struct.pack(">i", len(body)) + body


def text(value):
    return struct.pack(">i", len(value)) + value


class Session:
    def __init__(self, server, timeout):
        host, port = server.rsplit(":", 1)
        self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=10)
        self.socket.sendall(framed(struct.pack(">iqiq", 0, 0, timeout, 0) + text(b"\0" * 16)))
        if not self.reply():
            raise OSError("no session")
        self.sent = self.acknowledged = 0

    def reply(self):
        size = struct.unpack(">i", self.exactly(4))[0]
        return self.exactly(size)

    def exactly(self, count):
        got = b""
        while len(got) < count:
            part = self.socket.recv(count - len(got))
            if not part:
                raise OSError("the server closed the connection")
            got += part
        return got

    def send_create(self, path, data, flags=0):
        self.sent += 1
        head = struct.pack(">ii", self.sent, CREATE)
        self.socket.sendall(framed(head + text(path.encode()) + text(data) + ANYONE + struct.pack(">i", flags)))

    def acknowledge(self):
        while True:
            xid, _, error = struct.unpack(">iqi", self.reply()[:16])
            if xid > 0:
                break
        if error not in (0, NODE_EXISTS):
            raise OSError("create ended with error %d" % error)
        self.acknowledged += 1

    def create(self, path, data=b"", flags=0):
        self.send_create(path, data, flags)
        self.acknowledge()

    def ping(self):
        self.socket.sendall(framed(struct.pack(">ii", -2, PING)))


def fill(server, count, size):
    session = Session(server, 20000)
    session.create("/lab-filling")
    data = os.urandom(max(1, size // 2)).hex().encode()[:size]
    for number in range(count):
        folder = "/lab-filling/f%d" % (number // 1000)
        if number % 1000 == 0:
            session.send_create(folder, b"")
        session.send_create("%s/n%d" % (folder, number), data)
        while session.sent - session.acknowledged > 200:
            session.acknowledge()
    while session.acknowledged < session.sent:
        session.acknowledge()
    session.socket.close()


def hold(servers, count):
    sessions = []
    for number in range(count):
        session = Session(servers[number % len(servers)], 20000)
        if number == 0:
            session.create("/lab-sessions")
        session.create("/lab-sessions/s%d" % number, b"", EPHEMERAL)
        sessions.append(session)
    return sessions


def keep(sessions):
    while sessions:
        for session in list(sessions):
            try:
                session.ping()
            except OSError as problem:
                print("a session ended: %s" % problem, flush=True)
                sessions.remove(session)
        until = time.monotonic() + 5
        poll = select.poll()
        known = {session.socket.fileno(): session for session in sessions}
        for number in known:
            poll.register(number, select.POLLIN)
        while known and time.monotonic() < until:
            for number, _ in poll.poll(500):
                try:
                    known[number].reply()
                except OSError as problem:
                    print("a session ended: %s" % problem, flush=True)
                    poll.unregister(number)
                    sessions.remove(known.pop(number))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", required=True, type=lambda text: text.split(","))
    parser.add_argument("--znodes", type=int, default=0)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=0)
    parser.add_argument("--ready", required=True)
    arguments = parser.parse_args()
    if arguments.znodes:
        fill(arguments.servers[0], arguments.znodes, arguments.size)
    sessions = hold(arguments.servers, arguments.sessions)
    with open(arguments.ready, "w") as ready:
        ready.write("%d nodes, %d sessions\n" % (arguments.znodes, len(sessions)))
    keep(sessions)


if __name__ == "__main__":
    sys.exit(main())
