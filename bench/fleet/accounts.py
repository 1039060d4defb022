"""Who used how much processor time and memory: one control group for the hosts' processes, one for the operator's."""
import os
import pathlib
import signal
import threading
import time

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def _root():
    """Where control groups count processor time: version 1's cpuacct, else version 2."""
    first = pathlib.Path("/sys/fs/cgroup/cpuacct")
    return first if first.is_dir() else pathlib.Path("/sys/fs/cgroup")


class Group:
    """Processes and all their descendants, also those that have ended or become daemons."""

    def __init__(self, name):
        self.path = _root() / ("mfleet-" + name)
        self.path.mkdir(exist_ok=True)

    def enter(self):
        """This process, from now on."""
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def processes(self):
        try:
            return [int(line) for line in (self.path / "cgroup.procs").read_text().split()]
        except FileNotFoundError:
            return []

    def seconds(self):
        """Of processor time, user and system."""
        usage = self.path / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text()) / 1e9
        for line in (self.path / "cpu.stat").read_text().splitlines():
            if line.startswith("usage_usec "):
                return int(line.split()[1]) / 1e6
        raise RuntimeError("no processor time in %s/cpu.stat" % self.path)

    def end(self):
        """Every process in it, and in what it has become meanwhile."""
        deadline = time.monotonic() + 60
        while processes := self.processes():
            for process in processes:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if time.monotonic() > deadline:
                raise RuntimeError("processes of %s do not end: %s" % (self.path, processes[:5]))
            time.sleep(0.02)

    def remove(self):
        self.end()
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.path.rmdir()
            except OSError:
                # What has just been killed still counts as there.
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.02)


class MemoryWatch(threading.Thread):
    """The highest sum of resident memory, less what is shared, of a group's processes; looks five times a second."""

    def __init__(self, group):
        super().__init__(daemon=True)
        self.group, self.peak, self._over = group, 0, threading.Event()

    def run(self):
        while not self._over.wait(0.2):
            total = 0
            for process in self.group.processes():
                try:
                    fields = pathlib.Path("/proc/%d/statm" % process).read_text().split()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                total += (int(fields[1]) - int(fields[2])) * _PAGE
            self.peak = max(self.peak, total)

    def over(self):
        self._over.set()
        self.join()
        return self.peak


def busy():
    """Seconds of processor time that this machine has spent on anything."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / _TICKS
