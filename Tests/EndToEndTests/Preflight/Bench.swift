import FoundationEssentials
import Glibc
import LabKit
import Testing

/// Takes a fault back.
typealias Mending = @Sendable () async throws -> Void

/// What tests break on a lab that is up, each time with the way to mend it.
struct Bench: Sendable {
    let lab: Lab

    /// For instance `s2`.
    func host(_ name: String) throws -> LabHost {
        try #require(lab.configuration.hosts.first { $0.name == name })
    }

    func files(_ name: String) throws -> HostLayout { lab.layout.host(try host(name)) }

    func rewrite(_ path: String, _ change: (String) -> String) throws -> Mending {
        let intact = try Folder.read(path)
        let changed = change(intact)
        try #require(changed != intact, "nothing to change in \(path)")
        try Folder.write(changed, to: path)
        return { try Folder.write(intact, to: path) }
    }

    /// Adds a line to a server's configuration file; what runs does not read it.
    func addSetting(_ line: String, on name: String) throws -> Mending {
        try rewrite(try files(name).zooKeeperConfiguration) { $0 + line + "\n" }
    }

    func addToPlan(_ change: (String) -> String) throws -> Mending { try rewrite(lab.layout.plan, change) }

    /// Runs a program on a host; it must succeed.
    @discardableResult
    func run(_ argv: String..., on name: String) async throws -> String {
        let outcome = try await lab.run(argv, on: try host(name))
        try #require(outcome.succeeded, "\(argv): \(outcome.diagnostics)")
        return outcome.output
    }

    /// Starts a process in a host's namespace.
    func launch(_ argv: [String], on name: String) throws -> ProcessRecord {
        let log = try files(name).logs + "/test.log"
        return try Launcher(namespace: lab.namespace(of: try host(name)), log: log).launch(argv)
    }

    func end(_ process: ProcessRecord) async throws {
        process.signal(SIGKILL)
        try #require(await process.isGone(within: .seconds(30)))
    }
}

/// Servers.
extension Bench {
    /// Restarts a host's server with another command line, or the same after something else was changed.
    ///
    /// - Parameter isServing: whether it is to serve afterwards, as `srvr` tells.
    func restart(
        _ name: String,
        isServing: Bool = true,
        _ change: ([String]) -> [String] = { $0 }
    ) async throws -> Mending {
        let description = try files(name).description
        let intact = try Folder.read(description)
        let command = try command(of: name)
        try write(change(command), for: name, over: intact)
        try await restart(name, waiting: isServing)
        return {
            try Folder.write(intact, to: description)
            try await restart(name, waiting: true)
        }
    }

    func restart(_ name: String, waiting: Bool) async throws {
        let host = try host(name)
        let service = try HostService(hostDirectory: lab.layout.host(host).root)
        try await service.stop()
        try service.start()
        if waiting {
            try await lab.waitUntilServing(.source, seconds: 60)
        } else {
            try await waitForPort(2181, on: name)
        }
    }

    func command(of name: String) throws -> [String] {
        struct Description: Decodable {
            struct Program: Decodable { let command: [String] }
            let program: Program
        }
        let text = try Folder.read(try files(name).description)
        return try JSONDecoder().decode(Description.self, from: Data(text.utf8)).program.command
    }

    private func write(_ command: [String], for name: String, over text: String) throws {
        let list = try JSONEncoder().encode(command)
        let changed = text.replacing(#/"command" : \[[^\]]*\]/#) { _ in
            #""command" : \#(String(decoding: list, as: UTF8.self))"#
        }
        try Folder.write(changed, to: try files(name).description)
    }

    /// Returns when something listens, as the kernel says.
    func waitForPort(_ port: Int, on name: String) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !run("ss", "-Hltn", "sport = :\(port)", on: name).contains("LISTEN") {
            try #require(ContinuousClock.now < deadline, "nothing listens on port \(port) of \(name)")
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Moves what a server left in its data directory away, but for `myid`.
    func clear(_ name: String) throws {
        let data = try files(name).data
        for entry in try Folder.entries(data) where entry != "myid" { try Folder.remove(data + "/" + entry) }
    }
}

/// Agents.
extension Bench {
    func stopAgent(_ name: String) async throws {
        let record = try files(name).agentRecord
        let process = try #require(try RecordFile.read(ProcessRecord.self, at: record))
        process.signal(SIGTERM)
        try #require(await process.isGone(within: .seconds(40)))
    }

    /// Restarts a host's agent behind a program that changes its surroundings, or with other settings.
    func restartAgent(
        _ name: String,
        behind launcher: [String] = [],
        _ settings: (String) -> String = { $0 }
    ) async throws -> Mending {
        let host = try host(name)
        let files = lab.layout.host(host)
        let intact = try Folder.read(files.agentConfiguration)
        try await stopAgent(name)
        try Folder.write(settings(intact), to: files.agentConfiguration)
        let argv = launcher + [lab.binaries.agent, "--config", files.agentConfiguration]
        let mend: Mending = {
            try Folder.write(intact, to: files.agentConfiguration)
            try await lab.startAgent(on: host)
            try await lab.waitForAgent(on: host, seconds: 60)
        }
        do {
            let process = try Launcher(namespace: lab.namespace(of: host), log: files.agentLog).launch(argv)
            try RecordFile.write(process, at: files.agentRecord)
            try await lab.waitForAgent(on: host, seconds: 60)
        } catch {
            try await mend()
            throw error
        }
        return {
            try await stopAgent(name)
            try await mend()
        }
    }
}

/// ZooKeeper's nodes, through the source.
extension Bench {
    /// Runs lines of Python with a client `zk`; `below` is its chroot.
    func kazoo(_ lines: String, below chroot: String = "") async throws {
        let servers = lab.configuration.sourceHosts.map(\.clientAddress).joined(separator: ",") + chroot
        let script = """
            from kazoo.client import KazooClient
            from kazoo.security import ACL, Id, Permissions
            zk = KazooClient(hosts="\(servers)", timeout=10)
            zk.start(timeout=20)
            \(lines)
            zk.stop()
            """
        let outcome = try await lab.run(["/usr/bin/python3", "-c", script], on: lab.configuration.client)
        try #require(outcome.succeeded, "\(outcome.diagnostics)")
    }
}
