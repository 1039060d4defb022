"""What an operator does by hand before and after a division, and two ways to drain in between."""
import pathlib
import shutil
import struct
import time
import zlib

from lab import Failure, together


def roll(lab, hosts, everyone):
    roles = dict(zip((h.name for h in hosts), lab.roles(hosts)))
    for host in sorted(hosts, key=lambda host: roles[host.name] == "leader"):
        host.restart()
        lab.wait_serving(host)
        lab.wait(everyone)


def join(lab):
    joint = lab.source + lab.seeds
    for host in joint:
        shutil.copy2(host.configuration, str(host.configuration) + ".before")
        host.view(joint)
    for host in lab.seeds:
        host.service("start")
        lab.wait_serving(host)
    roll(lab, lab.source, joint)


def restore_files(lab):
    for host in lab.source + lab.seeds:
        shutil.copy2(str(host.configuration) + ".before", host.configuration)


def clean(lab):
    for host in lab.source:
        host.restart()
        lab.wait_serving(host)
    lab.wait(lab.source)
    for host in lab.destination:
        host.shell("iptables", "-F")
        # The table that iptables made is part of the residue that is looked for.
        host.shell("nft", "flush", "ruleset")


RESET = ("REJECT", "--reject-with", "tcp-reset")


def wall(lab, host, *target):
    """Both directions, both as they should be: inbound by the source's address."""
    source = ",".join(other.address for other in lab.source)
    host.shell("iptables", "-I", "INPUT", "-p", "tcp", "-s", source, "-j", *target)
    host.shell("iptables", "-I", "OUTPUT", "-p", "tcp", "-d", source, "-j", *target)
    if target == RESET:
        # Else the other side is not told, and a silent connection is there until somebody speaks.
        for chain in ("INPUT", "OUTPUT"):
            host.shell("iptables", "-I", chain, "-p", "tcp", "--tcp-flags", "RST", "RST", "-j", "ACCEPT")
        peers = " or ".join("dst %s" % other.address for other in lab.source)
        host.shell("ss", "-K", "-H", "-n", "-t", "state", "established", "( %s )" % peers)


def split(lab, *target):
    together([lambda host=host: wall(lab, host, *target) for host in lab.destination])


def last_records(host):
    """How many finished records the newest log of a host has."""
    logs = sorted(pathlib.Path(host.folder).glob("data/version-2/log.*"), key=lambda path: int(path.suffix[1:], 16))
    if not logs:
        return None
    content, at, count = logs[-1].read_bytes(), 16, 0
    while at + 12 <= len(content):
        checksum, length = struct.unpack(">qi", content[at:at + 12])
        if length <= 0 or at + 12 + length >= len(content):
            break
        if zlib.adler32(content[at + 12:at + 12 + length]) != checksum:
            break
        at, count = at + 12 + length + 1, count + 1
    return logs[-1].name, count


def wait_drained(hosts, quiet=0.2, seconds=30):
    """Until no log has grown for a while: nobody says what is still in a server's memory."""
    deadline = time.monotonic() + seconds
    before, since = None, time.monotonic()
    while True:
        now = [last_records(host) for host in hosts]
        if now != before:
            before, since = now, time.monotonic()
        elif time.monotonic() - since > quiet:
            return
        if time.monotonic() > deadline:
            raise Failure("the logs of %s do not stop growing" % [host.name for host in hosts])
        time.sleep(0.02)


def start_again(lab):
    """The seeds killed and started together, the dormant node when they serve."""
    together([host.kill for host in lab.seeds])
    together([host.restart for host in lab.seeds])
    lab.wait(lab.seeds)
    for host in lab.dormant:
        host.service("start")
    lab.wait(lab.destination)


def drain_after(lab):
    """Reset connections, wait until nobody serves and the logs are still."""
    split(lab, *RESET)
    lab.event(event="stepFinished", step="division.split")
    lab.wait(lab.seeds, wanted=[""] * len(lab.seeds))
    wait_drained(lab.seeds)
    start_again(lab)


def drain_fenced(lab):
    """Drop packets in silence, wait until the logs are still, reset connections."""
    split(lab, "DROP")
    lab.event(event="stepFinished", step="division.split")
    wait_drained(lab.seeds)
    split(lab, *RESET)
    start_again(lab)
