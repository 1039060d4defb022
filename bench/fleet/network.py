"""A thousand hosts as network namespaces, on bridges in a namespace of their own; nothing touches the root namespace."""
import ctypes
import os
import pathlib
import subprocess

PREFIX = "mfleet-"
SWITCH = PREFIX + "switch"
OPERATOR = PREFIX + "operator"
# Far below the 1,023 ports of a bridge, and its hosts fit a /24 of 198.18.0.0/15.
PER_BRIDGE = 250
OPERATOR_OCTET = 254
_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_NETWORK = 0x40000000


def host(number):
    return "h%04d" % number


def address(number):
    """Of the host with this number, from 1 on."""
    return "198.18.%d.%d" % ((number - 1) // PER_BRIDGE, (number - 1) % PER_BRIDGE + 1)


def namespace(number):
    return PREFIX + host(number)


def ranges(count):
    """(hosts, addresses) as an inventory writes them, one pair a bridge."""
    for first in range(1, count + 1, PER_BRIDGE):
        last = min(count, first + PER_BRIDGE - 1)
        yield (
            "h[%04d-%04d]" % (first, last),
            "198.18.%d.[1-%d]" % ((first - 1) // PER_BRIDGE, last - first + 1),
        )


def enter(name):
    """This process, from now on; for a child before it becomes another program."""
    descriptor = os.open("/run/netns/" + name, os.O_RDONLY | os.O_CLOEXEC)
    if _LIBC.setns(descriptor, _NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "setns " + name)
    os.close(descriptor)


def _batch(lines, inside=None):
    command = ["ip", *(["-n", inside] if inside else []), "-batch", "-"]
    subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True)


def _hardware(number):
    return "02:00:00:00:%02x:%02x" % (number >> 8, number & 255)


def _operator_hardware(bridge):
    return "02:00:00:01:00:%02x" % bridge


def remove():
    """Whatever is there, of this run or an earlier one."""
    folder = pathlib.Path("/run/netns")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.startswith(PREFIX)) if folder.is_dir() else []
    if names:
        _batch(["netns del " + name for name in names])


def make(count):
    bridges = (count + PER_BRIDGE - 1) // PER_BRIDGE
    # One process a namespace: each leaves its own behind when it makes another.
    for name in [SWITCH, OPERATOR, *(namespace(number) for number in range(1, count + 1))]:
        subprocess.run(["ip", "netns", "add", name], check=True)
    _batch(
        ["link set lo up"]
        + ["link add br%d type bridge mcast_snooping 0" % bridge for bridge in range(bridges)]
        + ["link set br%d up" % bridge for bridge in range(bridges)]
        + [
            "link add p%d type veth peer name eth0 address %s netns %s"
            % (number, _hardware(number), namespace(number))
            for number in range(1, count + 1)
        ]
        + [
            "link set p%d master br%d up" % (number, (number - 1) // PER_BRIDGE) for number in range(1, count + 1)
        ]
        + [
            "link add op%d type veth peer name eth%d address %s netns %s"
            % (bridge, bridge, _operator_hardware(bridge), OPERATOR)
            for bridge in range(bridges)
        ]
        + ["link set op%d master br%d up" % (bridge, bridge) for bridge in range(bridges)],
        inside=SWITCH,
    )
    _batch(
        ["link set lo up"]
        + ["addr add 198.18.%d.%d/24 dev eth%d" % (bridge, OPERATOR_OCTET, bridge) for bridge in range(bridges)]
        + ["link set eth%d up" % bridge for bridge in range(bridges)]
        + [
            "neigh add %s lladdr %s dev eth%d nud permanent"
            % (address(number), _hardware(number), (number - 1) // PER_BRIDGE)
            for number in range(1, count + 1)
        ],
        inside=OPERATOR,
    )
    for number in range(1, count + 1):
        bridge = (number - 1) // PER_BRIDGE
        _batch(
            [
                "link set lo up",
                "addr add %s/24 dev eth0" % address(number),
                "link set eth0 up",
                "neigh add 198.18.%d.%d lladdr %s dev eth0 nud permanent"
                % (bridge, OPERATOR_OCTET, _operator_hardware(bridge)),
            ],
            inside=namespace(number),
        )
