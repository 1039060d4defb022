"""A lab's hosts as an operator with a shell on each sees them, and the client's log."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(os.environ.get("MITOSIS_BIN", REPOSITORY / ".build" / "debug"))


def first_detaching(events, begin, end):
    """When the stage from `begin` to `end` first detached a node; `begin` when it never did.

    What ended before is not the division's: a seed that leads is stopped at the end of the join, and a client that has
    the seeds alone waits until one serves again.
    """
    return next((e["at"] / 1000 for e in events if e.get("event") == "stepStarted" and e.get("step") == "division.detach"
                 and begin <= e["at"] / 1000 <= end), begin)


class Failure(Exception):
    pass


class Host:
    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.folder = lab.folder / "hosts" / name
        self.configuration = self.folder / "etc" / "zookeeper" / "zoo.cfg"
        self.namespace = "mlab-%s-%s" % (lab.name, name)
        number = int(name[1:])
        self.address = "198.51.100.%d" % ((10 if name[0] == "s" else 20) + number)
        self.address6 = "2001:db8::%d" % ((10 if name[0] == "s" else 20) + number)
        self.id = int((self.folder / "data" / "myid").read_text())

    def shell(self, *command):
        """A command on the host; without the 0.1 to 0.5 s that a login over the network takes."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.namespace, *command], capture_output=True, text=True
        )
        if done.returncode != 0:
            raise Failure("%s: %s: %s" % (self.name, " ".join(command), done.stderr.strip()))
        return done.stdout

    def service(self, verb):
        done = subprocess.run(
            [BINARIES / "mitosis-lab", "service", verb, "--host-directory", self.folder],
            capture_output=True, text=True,
        )
        if done.returncode != 0:
            raise Failure("%s: service %s: %s" % (self.name, verb, done.stderr.strip()))
        return done.stdout.strip()

    def kill(self):
        os.kill(int(self.service("status")), signal.SIGKILL)

    def restart(self):
        self.service("stop")
        self.service("start")

    def view(self, members):
        """The file with other servers; everything else in it stays."""
        lines = [l for l in self.configuration.read_text().splitlines() if not l.startswith("server.")]
        lines += ["server.%d=%s:2888:3888" % (m.id, m.address) for m in members]
        self.configuration.write_text("\n".join(lines) + "\n")


class Lab:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        description = json.loads((self.folder / "lab.json").read_text())
        self.name = description["name"]
        self.control = "mlab-%s-control" % self.name
        self.source = [Host(self, "s%d" % (n + 1)) for n in range(description["sources"])]
        self.destination = [Host(self, "d%d" % (n + 1)) for n in range(description["destinations"])]
        # As many as are a majority of the destination and leave the source one of the whole.
        self.seeds = self.destination[: len(self.destination) // 2 + 1]
        self.dormant = self.destination[len(self.seeds):]
        self.strategy = description["strategy"]

    def roles(self, hosts):
        """What each server says of itself; None where it does not serve."""
        servers = ",".join("%s:2181" % host.address for host in hosts)
        done = subprocess.run(
            ["ip", "netns", "exec", self.control, "python3", self.folder / "client" / "ensemble.py",
             "srvr", "--servers", servers],
            capture_output=True, text=True,
        )
        return [answer.get("mode") for answer in json.loads(done.stdout)]

    def wait(self, hosts, wanted=None, seconds=60):
        """Until one leads and the others follow."""
        wanted = wanted or sorted(["leader"] + ["follower"] * (len(hosts) - 1))
        deadline = time.monotonic() + seconds
        while True:
            roles = self.roles(hosts)
            if sorted(role or "" for role in roles) == sorted(wanted):
                return roles
            if time.monotonic() > deadline:
                raise Failure("not within %d s: %s are %s" % (seconds, [h.name for h in hosts], roles))
            time.sleep(0.05)

    def wait_serving(self, host, seconds=60):
        deadline = time.monotonic() + seconds
        while self.roles([host])[0] not in ("leader", "follower"):
            if time.monotonic() > deadline:
                raise Failure("%s does not serve" % host.name)
            time.sleep(0.05)

    def event(self, **line):
        with open(self.folder / "control" / "events.jsonl", "a") as log:
            log.write(json.dumps({"at": int(time.time() * 1000), **line}) + "\n")

    def stage(self, name, begin):
        self.event(event="stageFinished", stage=name, milliseconds=int((time.time() - begin) * 1000))

    def wait_acknowledged(self, count=20, seconds=60):
        """Until the destination's client has had some more writes acknowledged."""
        log = self.folder / "client" / "destination.jsonl"
        offset = log.stat().st_size if log.exists() else 0
        deadline = time.monotonic() + seconds
        while True:
            if log.exists():
                with open(log) as text:
                    text.seek(offset)
                    if sum('"outcome": "ok"' in line for line in text) >= count:
                        return
            if time.monotonic() > deadline:
                raise Failure("the destination's client gets nothing acknowledged")
            time.sleep(0.05)


def together(calls):
    errors = []

    def guarded(call):
        try:
            call()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def floor(lab):
    """A bare kill and start of two processes, alone in their ensemble: the fewest with which a quorum can serve.

    The third is stopped before and started afterwards, so that the quorum is theirs, as in the division.
    """
    lab.wait(lab.destination)
    for host in lab.dormant:
        host.service("stop")
    lab.wait_acknowledged(100)
    begin = time.time()
    together([host.kill for host in lab.seeds])
    together([host.restart for host in lab.seeds])
    lab.wait_acknowledged()
    lab.stage("floor", begin)
    for host in lab.dormant:
        host.service("start")
    lab.wait(lab.destination)
