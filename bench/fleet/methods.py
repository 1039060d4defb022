"""The ways to ask or clean a fleet that are compared. Each gives the same proof: every backend is read back."""
import re

import hosts
import network

FORKS = 64


class Method:
    """`warm` ones find connections that a run just before has left open."""

    kinds = ("list", "wall", "clean")
    most = 1000
    warm = False

    def __init__(self, name, fleet):
        self.name, self.fleet = name, fleet
        self.folder = fleet.folder / re.sub(r"[^a-z]+", "-", name)
        self.folder.mkdir()

    def environment(self):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}

    def proven(self, kind, count, status, output):
        """How many hosts it has proven to be as they should."""
        return len(re.findall(r"\bproven\b", output))

    def _addresses(self, count):
        return [network.address(number) for number in self.fleet.numbers(count)]

    def _list(self, count, more=""):
        path = self.folder / ("hosts-%d" % count)
        path.write_text("".join(address + more + "\n" for address in self._addresses(count)))
        return path

    def _act(self, kind):
        return "%s/by-hand %s" % (hosts.HERE, kind)


class Mitosis(Method):
    kinds = ("status", "list", "wall", "clean")

    VERBS = {"status": ["status"], "list": ["rules", "list"], "wall": ["rules", "pilot"], "clean": ["rules", "clean"]}

    def command(self, kind, count):
        # A pilot is for those that will need a wall; nothing else asks for a ZooKeeper, and none runs here.
        inventory = self.fleet.inventory(count, role="zookeeper" if kind == "wall" else "other")
        return [self.fleet.binaries / "mitosis", *self.VERBS[kind], inventory]

    def proven(self, kind, count, status, output):
        return count if status == 0 else 0


class Ansible(Method):
    """As it comes: 5 forks, a module copied to each host, connections kept for a minute."""

    most = 100
    settings = {}
    more = ""

    def environment(self):
        return {
            **super().environment(),
            "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s -F %s/ssh_config" % self.fleet.folder,
            "ANSIBLE_REMOTE_TEMP": "%s/ansible" % self.fleet.folder,
            "ANSIBLE_NOCOLOR": "1",
            **self.settings,
        }

    def command(self, kind, count):
        return ["ansible", "all", "-i", self._list(count, self.more), "-m", "command", "-a", self._act(kind)]


class PlaybookAnsible(Ansible):
    """As a playbook comes: it gathers each host's facts before its first task."""

    def command(self, kind, count):
        path = self.folder / "play.yaml"
        path.write_text("- hosts: all\n  tasks:\n    - command: %s\n" % self._act(kind))
        return ["ansible-playbook", "-v", "-i", self._list(count, self.more), path]

    def proven(self, kind, count, status, output):
        # What a task printed is told twice: as one text, and by lines.
        return len(re.findall(r'"stdout_lines": \[[^\]]*"proven"\]', output))


class TunedAnsible(Ansible):
    most = 1000
    settings = {"ANSIBLE_FORKS": str(FORKS), "ANSIBLE_PIPELINING": "True"}
    more = " ansible_python_interpreter=/usr/bin/python3"


class WarmAnsible(TunedAnsible):
    most = 100
    warm = True


class ParallelSSH(Method):
    def command(self, kind, count):
        return [
            "parallel-ssh", "-h", self._list(count), "-p", str(FORKS), "-t", "120", "-i",
            "-x", "-F %s/ssh_config" % self.fleet.folder, self._act(kind),
        ]


class ClusterShell(Method):
    def command(self, kind, count):
        return [
            "clush", "-f", str(FORKS), "--hostfile", self._list(count), "-o", "-F %s/ssh_config" % self.fleet.folder,
            self._act(kind),
        ]


def all_of(fleet):
    return [
        Mitosis("mitosis", fleet),
        ParallelSSH("pssh", fleet),
        ClusterShell("clush", fleet),
        TunedAnsible("ansible, tuned", fleet),
        WarmAnsible("ansible, tuned, warm", fleet),
        Ansible("ansible", fleet),
        PlaybookAnsible("ansible, playbook", fleet),
    ]
