import Glibc
import HostControl
import Testing

/// A real daemon under a start/stop/status program, as an init script would be, kept in a scratch directory.
///
/// The daemon holds on to the standard output and error it was given: whoever reads those from a pipe until its
/// end waits for as long as the daemon lives.
struct DaemonScript {
    let scratch: Scratch
    let commands: ServiceCommands

    /// `flavor`: `plain`, `stubborn` (ignores SIGTERM), `failing` (start ends with 1), `dying` (the daemon ends at
    /// once), `hanging` (the start command never ends), `slow-stop` (the stop command takes 3 s), or `foreground` (the start command is the service).
    init(_ flavor: String) throws {
        scratch = try Scratch()
        let program = try scratch.file("service.py", Array(Self.text.utf8), mode: 0o755)
        let arguments = { (verb: String) in ["/usr/bin/python3", program, verb, flavor] }
        commands = ServiceCommands(
            start: arguments("start"),
            stop: arguments("stop"),
            status: arguments("status")
        )
        try scratch.directory("logs")
    }

    var supervisor: CommandSupervisor {
        CommandSupervisor(services: ["daemon": commands], logs: scratch("logs"))
    }

    var pid: Int32? { get throws { try number(in: "pid") } }

    var stopPID: Int32? { get throws { try number(in: "stop-pid") } }

    private func number(in name: String) throws -> Int32? {
        guard access(scratch(name), F_OK) == 0 else { return nil }
        return Int32(String(decoding: try content(of: scratch(name)), as: UTF8.self))
    }

    /// Ends whatever runs, by its pid.
    func clean() throws {
        for name in ["pid", "hanging-pid", "stop-pid"] {
            if let pid = try number(in: name) { kill(pid, SIGKILL) }
        }
    }

    private static let text = """
        import os, signal, sys, time
        here = os.path.dirname(os.path.abspath(__file__))
        verb, flavor = sys.argv[1], sys.argv[2]
        pidfile = os.path.join(here, "pid")

        def running():
            try:
                pid = int(open(pidfile).read())
                os.kill(pid, 0)
                if open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z":
                    return None
                return pid
            except (OSError, ValueError):
                return None

        def serve():
            if flavor == "stubborn":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            with open(pidfile + ".new", "w") as f:
                f.write(str(os.getpid()))
            os.rename(pidfile + ".new", pidfile)
            print("serving", flush=True)
            while True:
                time.sleep(60)

        if verb == "status":
            pid = running()
            if os.path.exists(os.path.join(here, "broken")):
                sys.stderr.write("status is broken\\n")
                sys.exit(4)
            if pid is None:
                sys.exit(3)
            print(pid)
        elif verb == "stop" and flavor == "slow-stop":
            with open(os.path.join(here, "stop-pid"), "w") as f:
                f.write(str(os.getpid()))
            time.sleep(3)
            if running() is not None:
                os.kill(running(), signal.SIGKILL)
        elif verb == "stop":
            pid = running()
            if pid is not None:
                os.kill(pid, signal.SIGTERM)
                end = time.time() + 10
                while flavor != "stubborn" and running() and time.time() < end:
                    time.sleep(0.01)
        elif flavor == "failing":
            sys.stderr.write("no such configuration\\n")
            sys.exit(1)
        elif flavor == "foreground":
            serve()
        elif flavor == "hanging":
            with open(os.path.join(here, "hanging-pid"), "w") as f:
                f.write(str(os.getpid()))
            time.sleep(600)
        elif flavor == "dying":
            sys.exit(0)
        elif os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                serve()
            os._exit(0)
        else:
            end = time.time() + 10
            while running() is None and time.time() < end:
                time.sleep(0.01)

        """
}
