"""A client of ZooKeeper that is no broker: reads its servers from a file of its own when it starts, registers by an ephemeral node,
and counts in a node of its own. Says every number that was acknowledged, with the session that wrote it.
"""
import json
import os
import re
import signal
import sys
import threading

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NodeExistsError, NoNodeError


def servers(path):
    with open(path, encoding="latin-1") as file:
        text = file.read()
    if path.endswith(".properties"):
        return re.findall(r"^zookeeper\.servers\s*[=:]\s*(\S+)", text, re.M)[-1]
    if path.endswith(".env"):
        return re.findall(r"^(?:export )?ZK_SERVERS=\"?([^\"\s]+)", text, re.M)[-1]
    return json.loads(text)["store"]["url"].removeprefix("zk://")


def main():
    path, name = sys.argv[1:3]
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    client = KazooClient(hosts=servers(path), timeout=15)
    client.start(timeout=60)
    live, count = "/app/live/" + name, "/app/count/" + name
    client.ensure_path("/app/live")
    client.ensure_path(count)

    def register():
        try:
            client.create(live, os.uname().nodename.encode(), ephemeral=True)
        except NodeExistsError:
            # Its own of before, until that session ends.
            pass

    number = int(client.get(count)[0] or b"0")
    while not over.wait(0.2):
        try:
            stat = client.exists(live)
            if stat is None or stat.ephemeralOwner != client.client_id[0]:
                register()
            client.set(count, str(number + 1).encode())
            number += 1
            print("%d 0x%x" % (number, client.client_id[0] & 0xFFFFFFFFFFFFFFFF), flush=True)
        except (KazooException, NoNodeError) as error:
            print("# %r" % error, flush=True)
            # Whether the last one arrived is not known: it is read again.
            try:
                number = max(number, int(client.retry(client.get, count)[0] or b"0"))
            except KazooException:
                pass
    client.stop()


main()
