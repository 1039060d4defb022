"""What runs on the hosts: one agent, as it is released, and one sshd each; and the rules of ours that they are found with."""
import concurrent.futures
import os
import pathlib
import resource
import signal
import subprocess
import time

import network

HERE = pathlib.Path(__file__).resolve().parent
PORT = 9760
# What the shipped unit allows.
DESCRIPTORS = 4096
# As many agents begin at a time: they take certificates in, and the machine has few cores.
AT_ONCE = 50
BACKENDS = ("nftables", "iptables-nft", "iptables-legacy")


class Agent:
    """Among processes of its own, as on a host of its own: it looks through all that it sees."""

    OWN = ["unshare", "--pid", "--fork", "--mount-proc"]

    def __init__(self, process):
        self._process = process

    @property
    def pid(self):
        children = pathlib.Path("/proc/%d/task/%d/children" % (self._process.pid, self._process.pid))
        return int(children.read_text().split()[0])

    def signal(self, number):
        os.kill(self.pid, number)

    def ended(self):
        return self._process.poll() is not None

    def wait(self):
        return self._process.wait()


class Fleet:
    def __init__(self, count, folder, binaries, group):
        self.count, self.folder, self.binaries, self.group = count, folder, binaries, group
        self.agents, self.others = {}, []

    def numbers(self, count=None):
        return range(1, (count or self.count) + 1)

    def inside(self, number, command, **more):
        """A program on a host, among the processes of hosts."""

        def become():
            self.group.enter()
            network.enter(network.namespace(number))
            resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))

        return subprocess.Popen(command, preexec_fn=become, **more)

    # Certificates

    def certify(self):
        """Seconds that it took."""
        begin = time.monotonic()
        pki = self.folder / "pki"
        self._pki("init", "--directory", pki)
        self._pki("issue", "coordinator", "ops", "--directory", pki)
        self._pki("issue", "agent", "h[0001-%04d]" % self.count, "--directory", pki)
        return time.monotonic() - begin

    def _pki(self, *words):
        subprocess.run(
            [self.binaries / "mitosis", "pki", *words], check=True, stdout=subprocess.DEVNULL
        )

    def inventory(self, count, role="other"):
        """The file's path."""
        path = self.folder / ("inventory-%s-%d.yaml" % (role, count))
        hosts = "".join(
            '  - {host: "%s", address: "%s"}\n' % pair for pair in network.ranges(count)
        )
        path.write_text(
            "version: 1\nname: fleet\npki: {directory: ./pki, coordinator: ops}\nagent_port: %d\n"
            "defaults: {role: %s, backend: nftables}\nhosts:\n%s" % (PORT, role, hosts)
        )
        return path

    # Agents

    def start_agents(self, numbers=None):
        """Those of all hosts, or of some on which they ended; seconds until all serve."""
        begin = time.monotonic()
        waiting = []
        for number in numbers or self.numbers():
            folder = self.folder / network.host(number)
            folder.mkdir(exist_ok=True)
            pki = self.folder / "pki"
            (folder / "agent.yaml").write_text(
                "host: %s\n"
                'listen: {address: "0.0.0.0", port: %d}\n'
                "tls: {certificate: %s/agents/%s.pem, key: %s/agents/%s.key, authority: %s/ca.pem, "
                "trust_domain: mitosis}\n"
                "state: %s/state\n"
                "firewall: {backend: nftables, protected_ports: [22], peers: [192.0.2.0/24]}\n"
                "files: []\n"
                "services: {manager: systemd, allow: []}\n"
                % (network.host(number), PORT, pki, network.host(number), pki, network.host(number), pki, folder)
            )
            with open(folder / "agent.log", "w") as log:
                command = [*Agent.OWN, self.binaries / "mitosis-agent", "--config", folder / "agent.yaml"]
                self.agents[number] = Agent(self.inside(number, command, stderr=log))
            waiting.append(number)
            while len(waiting) >= AT_ONCE:
                waiting = self._starting(waiting)
        while waiting:
            waiting = self._starting(waiting)
        return time.monotonic() - begin

    def _starting(self, waiting):
        """Those of `waiting` that do not serve yet."""
        time.sleep(0.02)
        left = []
        for number in waiting:
            log = (self.folder / network.host(number) / "agent.log").read_text()
            if "mitosis-agent runs" in log:
                continue
            if self.agents[number].ended():
                raise SystemExit("an agent does not start:\n" + log)
            left.append(number)
        return left

    def memory(self):
        """PSS of all agents together, in bytes."""
        total = 0
        for agent in self.agents.values():
            for line in pathlib.Path("/proc/%d/smaps_rollup" % agent.pid).read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def largest(self):
        """Of all agents, the highest peak of resident memory, in bytes."""
        return max(
            int(line.split()[1]) * 1024
            for agent in self.agents.values()
            for line in pathlib.Path("/proc/%d/status" % agent.pid).read_text().splitlines()
            if line.startswith("VmHWM:")
        )

    # sshd

    def start_sshd(self, exchange):
        """`exchange`: the key exchange that both sides are held to; None leaves them what they would choose."""
        choice = "KexAlgorithms %s\n" % exchange if exchange else ""
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        for name in ("host_key", "operator_key"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name], check=True
            )
        public = (self.folder / "host_key.pub").read_text().split()[:2]
        (self.folder / "known_hosts").write_text("198.18.* %s %s\n" % tuple(public))
        (self.folder / "authorized_keys").write_text((self.folder / "operator_key.pub").read_text())
        # Whatever this machine's root has in its profile is no part of it.
        (self.folder / "home").mkdir()
        (self.folder / "sshd_config").write_text(
            "Port 22\nListenAddress 0.0.0.0\nHostKey %s/host_key\nAuthorizedKeysFile %s/authorized_keys\n"
            "PermitRootLogin prohibit-password\nPasswordAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\n"
            "PrintMotd no\nPrintLastLog no\nLogLevel ERROR\nSubsystem sftp /usr/lib/openssh/sftp-server\n"
            "SetEnv HOME=%s/home PATH=/usr/sbin:/usr/bin:/sbin:/bin\n%s"
            % (self.folder, self.folder, self.folder, choice)
        )
        (self.folder / "ssh_config").write_text(
            "%sHost 198.18.*\n  User root\n  IdentityFile %s/operator_key\n  IdentitiesOnly yes\n"
            "  UserKnownHostsFile %s/known_hosts\n  StrictHostKeyChecking yes\n  BatchMode yes\n  LogLevel ERROR\n"
            % (choice, self.folder, self.folder)
        )
        log = open(self.folder / "sshd.log", "a")
        for number in self.numbers():
            self.others.append(
                self.inside(
                    number, ["/usr/sbin/sshd", "-D", "-e", "-f", self.folder / "sshd_config"], stderr=log
                )
            )

    # Rules of ours that nobody remembers

    def plant(self, count, backend):
        """Puts a wall of ours on every host, not through its agent: `backend`, or "mixed" for each in turn."""
        self._together(count, lambda number: self._plant(number, backend))

    def _plant(self, number, backend):
        if backend == "mixed":
            backend = BACKENDS[number % len(BACKENDS)]
        if backend == "nftables":
            return ["nft", "-f", HERE / "wall.nft"], None
        kind = backend.removeprefix("iptables-")
        return ["iptables-%s-restore" % kind, "--noflush"], HERE / "wall.iptables"

    def uproot(self, count):
        """Takes away what was planted; past all agents, too."""
        self._together(count, lambda number: ([HERE / "by-hand", "clean"], None))

    def dirty(self, count):
        """The hosts on which a rule of ours is found, by looking into each namespace, past all that is measured."""
        look = (
            "set -e; nft list ruleset; for s in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; "
            "do $s-save; done"
        )
        found = self._together(count, lambda number: (["sh", "-c", look], None))
        return [number for number, text in found.items() if "mitosis" in text.lower()]

    def _together(self, count, command):
        def one(number):
            words, source = command(number)
            with open(source or os.devnull) as given:
                done = self.inside(
                    number, words, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
                )
                text, _ = done.communicate()
            if done.returncode != 0:
                raise SystemExit("%s on %s: %s" % (words, network.host(number), text))
            return number, text

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return dict(pool.map(one, self.numbers(count)))

    # The end

    def stop_agents(self):
        for agent in self.agents.values():
            agent.signal(signal.SIGTERM)
        failed = [number for number, agent in self.agents.items() if agent.wait() != 0]
        self.agents = {}
        return failed
