import ControlProtocol
import FoundationEssentials
import Glibc
import LabKit
import SystemCalls
import Testing

@testable import HostControl

/// Processes whose program is called java and whose command line is a ZooKeeper server's, under a shell of each kind.
private final class Wrapped {
    let scratch: Scratch
    let config: String
    let pid: Int32

    private static let main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"

    /// `script` calls the server as `"$@"`, in the scratch directory.
    init(_ script: String) throws {
        scratch = try Scratch()
        config = try scratch.file("zoo.cfg", Array("dataDir=/x\n".utf8))
        let java = try scratch.file("java", try content(of: "/usr/bin/python3"), mode: 0o755)
        let server = [
            java, "-c", "import time; time.sleep(600)", "-Djute.maxbuffer=7", Self.main, config,
        ]
        pid = try RealZooKeeper.spawn(
            ["/bin/sh", "-c", "cd \(scratch.path) && \(script)", "sh"] + server,
            log: scratch("log")
        )
    }

    var supervisor: CommandSupervisor {
        let status = ServiceCommands(
            start: ["/bin/false"],
            stop: ["/bin/false"],
            status: ["/bin/echo", "\(pid)"]
        )
        return CommandSupervisor(services: ["zk": status])
    }

    var inspector: ZooKeeperInspector {
        ZooKeeperInspector(
            service: "zk",
            configPath: "/nonexistent/zoo.cfg",
            allowed: [config],
            stateDirectory: scratch("state"),
            supervisor: supervisor
        )
    }

    /// As the kernel tells of them, however deep.
    var servers: [Int32] {
        var found: [Int32] = []
        var left = [pid]
        let children = ProcessList.children()
        while let next = left.popLast() {
            left += children[next] ?? []
            if JavaProcess.isJava(next) { found.append(next) }
        }
        return found
    }

    func begun(_ count: Int = 1) async -> [Int32] {
        _ = await eventually { servers.count == count }
        return servers
    }

    deinit {
        var all = [pid]
        var index = 0
        let children = ProcessList.children()
        while index < all.count {
            all += children[all[index]] ?? []
            index += 1
        }
        for pid in all { kill(pid, SIGKILL) }
        waitpid(pid, nil, 0)
    }
}

@Suite("The JVM behind a service", .serialized)
struct JavaProcessTests {
    @Test(
        "under a shell, or a shell's shell, the server is the JVM: its process, its file, its properties",
        arguments: [
            #""$@"; true"#, #"/bin/sh -c '"$@"; true' sh "$@"; true"#, #"exec "$@""#,
        ]
    )
    func wrapped(_ script: String) async throws {
        let wrapped = try Wrapped(script)
        let servers = await wrapped.begun()
        try #require(servers.count == 1)
        #expect((servers[0] == wrapped.pid) == script.hasPrefix("exec"))
        #expect(try await wrapped.supervisor.state(of: "zk") == .running(pid: servers[0]))
        let status = await wrapped.inspector.status()
        #expect(status.state == .running(pid: servers[0]))
        #expect(status.configPath == wrapped.config)
        #expect(status.javaProperties == ["jute.maxbuffer": "7"])
    }

    @Test("a shell that starts its JVM later is looked through again, and one whose JVM has gone is itself")
    func later() async throws {
        let wrapped = try Wrapped(
            #"while [ ! -e go ]; do sleep 0.01; done; "$@"; while [ ! -e end ]; do sleep 0.01; done"#
        )
        let inspector = wrapped.inspector
        let before = await inspector.status()
        #expect(before.state == .running(pid: wrapped.pid))
        #expect(before.javaProperties == nil && before.configPath == "/nonexistent/zoo.cfg")
        try wrapped.scratch.file("go", [])
        let servers = await wrapped.begun()
        try #require(servers.count == 1)
        let after = await inspector.status()
        #expect(after.state == .running(pid: servers[0]) && after.configPath == wrapped.config)
        kill(servers[0], SIGKILL)
        // Told as a process that is no server, which no preflight lets pass.
        #expect(await eventually { await inspector.status().state == .running(pid: wrapped.pid) })
        #expect(await inspector.status().javaProperties == nil)
    }

    @Test("of two JVMs under one process neither is taken")
    func ambiguous() async throws {
        let wrapped = try Wrapped(#""$@" & "$@"; true"#)
        #expect(await wrapped.begun(2).count == 2)
        #expect(try await wrapped.supervisor.state(of: "zk") == .running(pid: wrapped.pid))
        #expect(await wrapped.inspector.status().javaProperties == nil)
    }

    @Test("a JDK that was upgraded under the server is one still")
    func upgraded() async throws {
        let wrapped = try Wrapped(#"exec "$@""#)
        try #require(await wrapped.begun() == [wrapped.pid])
        try #require(unlink(wrapped.scratch("java")) == 0)
        let program = try #require(KernelLink.target(of: "/proc/\(wrapped.pid)/exe"))
        #expect(program.hasSuffix("/java (deleted)"))
        #expect(await wrapped.inspector.status().javaProperties == ["jute.maxbuffer": "7"])
        for program in ["/bin/bash", "/opt/java/bin/bash (deleted)", "/usr/bin/java.old", "", "(deleted)"] {
            #expect(!JavaProcess.isJava(program: program), "\(program)")
        }
    }

    @Test("of a unit without a main process the control group tells the JVM", arguments: ["", "/systemd"])
    func controlGroup(_ hierarchy: String) async throws {
        let wrapped = try Wrapped(#""$@"; true"#)
        let servers = await wrapped.begun()
        try #require(servers.count == 1)
        let scratch = try Scratch()
        let group = "\(hierarchy)/system.slice/zookeeper.service"
        try FileManager.default.createDirectory(
            atPath: scratch.path + group,
            withIntermediateDirectories: true
        )
        let shown = { (group: String) in
            "MainPID=0\nResult=success\nLoadState=loaded\nActiveState=active\nSubState=running\nControlGroup=\(group)\n"
        }
        let state = { (group: String) in
            SystemdSupervisor.state(from: shown(group), controlGroups: scratch.path)
        }
        let name = "/system.slice/zookeeper.service"
        for (pids, isKnown) in [
            ([wrapped.pid, servers[0]], true), ([wrapped.pid], false), ([servers[0], servers[0]], false),
            ([], false),
        ] {
            try scratch.file(group + "/cgroup.procs", Array(pids.map { "\($0)\n" }.joined().utf8))
            if isKnown {
                #expect(state(name) == .running(pid: servers[0]))
            } else if case .failed(let reason) = state(name) {
                #expect(
                    reason.hasPrefix(
                        "the unit is active (running) without a main process, and not exactly one JVM"
                    )
                )
            } else {
                Issue.record("\(pids): \(state(name))")
            }
        }
        for nothing in ["", "/elsewhere", "relative"] {
            guard case .failed = state(nothing) else {
                Issue.record("\(nothing): \(state(nothing))")
                continue
            }
        }
    }

    @Test("a server in a network of its own is said so", .needsNamespaces)
    func network() async throws {
        #expect(NetworkNamespace.isForeign(toProcess: getpid()) == false)
        #expect(NetworkNamespace.isForeign(toProcess: .max) == nil)
        let wrapped = try Wrapped(#"exec /usr/bin/unshare --net "$@""#)
        try #require(await wrapped.begun() == [wrapped.pid])
        #expect(NetworkNamespace.isForeign(toProcess: wrapped.pid) == true)
        #expect(await wrapped.inspector.status().hasOwnNetwork == true)
        let near = try Wrapped(#"exec "$@""#)
        #expect(await near.inspector.status().hasOwnNetwork == false)
    }
}
