"""Asks every server of an ensemble for itself, and prints one JSON array.

srvr: what the four-letter command says. --serving waits until exactly one server leads and all others
follow it. dump: the trees the writers made, read through each server after a sync.
"""
import argparse
import json
import socket
import sys
import time


def split(server):
    host, port = server.rsplit(":", 1)
    return host.strip("[]"), int(port)


def srvr(server):
    answer = {"server": server}
    try:
        with socket.create_connection(split(server), timeout=2) as connection:
            connection.sendall(b"srvr")
            text = b""
            while chunk := connection.recv(65536):
                text += chunk
    except OSError as problem:
        return {**answer, "error": str(problem)}
    lines = dict(line.split(": ", 1) for line in text.decode().splitlines() if ": " in line)
    if "Mode" not in lines:
        return {**answer, "error": text.decode().strip()}
    return {
        **answer,
        "mode": lines["Mode"],
        "zxid": lines["Zxid"],
        "nodes": int(lines["Node count"]),
        "connections": int(lines["Connections"]),
    }


def roles(answers):
    return sorted(answer.get("mode", "none") for answer in answers)


def command_srvr(arguments):
    deadline = time.monotonic() + arguments.serving
    wanted = ["follower"] * (len(arguments.servers) - 1) + ["leader"]
    while True:
        answers = [srvr(server) for server in arguments.servers]
        if not arguments.serving or roles(answers) == wanted:
            return answers, 0
        if time.monotonic() > deadline:
            return answers, 1
        time.sleep(0.05)


def node(client, path):
    from kazoo.exceptions import NoNodeError

    try:
        value, stat = client.get(path)
    except NoNodeError:
        return None
    return {
        "value": value.decode(),
        "version": stat.version,
        "zxid": "0x%x" % stat.mzxid,
        "owner": "0x%x" % (stat.ephemeralOwner & 0xFFFFFFFFFFFFFFFF),
    }


def tree(client, side):
    from kazoo.exceptions import NoNodeError

    root = "/lab-" + side
    try:
        children = client.get_children(root)
    except NoNodeError:
        children = []
    return {
        "names": sorted(root + "/" + name for name in children if name.startswith("w-")),
        "register": node(client, root + "/register"),
        "ephemeral": node(client, root + "/ephemeral"),
    }


def dump(server, timeout):
    from kazoo.client import KazooClient

    client = KazooClient(hosts=server, timeout=timeout)
    try:
        client.start(timeout=timeout)
        client.sync("/")
        trees = {side: tree(client, side) for side in ("source", "destination")}
        return {"server": server, "trees": trees}
    except Exception as problem:
        return {"server": server, "error": "%s: %s" % (type(problem).__name__, problem)}
    finally:
        client.stop()
        client.close()


def command_dump(arguments):
    answers = [dump(server, arguments.timeout) for server in arguments.servers]
    return answers, 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["srvr", "dump"])
    parser.add_argument("--servers", required=True, type=lambda text: text.split(","))
    parser.add_argument("--serving", type=float, default=0)
    parser.add_argument("--timeout", type=float, default=10)
    arguments = parser.parse_args()
    commands = {"srvr": command_srvr, "dump": command_dump}
    answers, status = commands[arguments.command](arguments)
    print(json.dumps(answers))
    sys.exit(status)


if __name__ == "__main__":
    main()
