"""What ZooKeeper says of a Kafka cluster, as one JSON object.

chroot: makes the cluster's node, which old brokers do not make themselves. state: brokers, controller and
partitions. --registered waits until that many brokers are there, --replicated until a topic is there and
every partition's replicas are in sync and registered; three reads in a row must say so, as a tree is not
read at once.
"""
import argparse
import json
import sys
import time

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError


def children(client, path):
    try:
        return sorted(client.get_children(path))
    except NoNodeError:
        return []


def value(client, path):
    """The node's JSON and its stat; None and None when there is no such node."""
    try:
        data, stat = client.get(path)
    except NoNodeError:
        return None, None
    return json.loads(data), stat


def broker(client, root, name):
    data, stat = value(client, "%s/brokers/ids/%s" % (root, name))
    return data and {
        "id": int(name),
        "address": "%s:%d" % (data["host"], data["port"]),
        "created": stat.czxid,
        "owner": "0x%x" % (stat.ephemeralOwner & 0xFFFFFFFFFFFFFFFF),
    }


def partitions(client, root):
    for topic in children(client, root + "/brokers/topics"):
        assigned, _ = value(client, "%s/brokers/topics/%s" % (root, topic))
        lists = (assigned or {}).get("partitions") or {}
        for number, replicas in sorted(lists.items(), key=lambda pair: int(pair[0])):
            held, _ = value(client, "%s/brokers/topics/%s/partitions/%s/state" % (root, topic, number))
            yield {
                "topic": topic,
                "number": int(number),
                "replicas": replicas,
                "leader": held["leader"] if held else -1,
                "inSync": held["isr"] if held else [],
            }


def state(client, root):
    brokers = [broker(client, root, name) for name in children(client, root + "/brokers/ids")]
    controller, _ = value(client, root + "/controller")
    return {
        "brokers": [one for one in brokers if one],
        "controller": controller["brokerid"] if controller else None,
        "partitions": list(partitions(client, root)),
    }


def is_replicated(found):
    there = {one["id"] for one in found["brokers"]}
    return bool(found["partitions"]) and all(
        set(one["replicas"]) <= set(one["inSync"]) & there and one["leader"] in there
        for one in found["partitions"]
    )


def wait(client, arguments):
    deadline = time.monotonic() + arguments.seconds
    good = 0
    while True:
        found = state(client, arguments.root)
        holds = len(found["brokers"]) >= arguments.registered
        if arguments.replicated:
            holds = holds and is_replicated(found)
        good = good + 1 if holds else 0
        if good == 3 or not (arguments.registered or arguments.replicated):
            return found, 0
        if time.monotonic() > deadline:
            return found, 1
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["chroot", "state"])
    parser.add_argument("--servers", required=True)
    parser.add_argument("--root", required=True)
    parser.add_argument("--registered", type=int, default=0)
    parser.add_argument("--replicated", action="store_true")
    parser.add_argument("--seconds", type=float, default=0)
    arguments = parser.parse_args()
    client = KazooClient(hosts=arguments.servers, timeout=10)
    client.start(timeout=15)
    status = 0
    try:
        if arguments.command == "chroot":
            client.ensure_path(arguments.root)
        else:
            found, status = wait(client, arguments)
            print(json.dumps(found))
    finally:
        client.stop()
        client.close()
    sys.exit(status)


if __name__ == "__main__":
    main()
