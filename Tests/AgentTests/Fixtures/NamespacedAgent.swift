import ControlProtocol
import FoundationEssentials
import Glibc
import HostControl
import LabKit
import MutualTLS
import Subprocess
import SystemPackage
import Testing
import Topology

/// The agent's own program, on a host that is a network namespace, asked with curl from that host.
final class NamespacedAgent {
    static let agent = directory + "/mitosis-agent"
    private static let ip = "/usr/sbin/ip"

    /// Where this test's own program is.
    private static var directory: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer[..<max(length, 0)].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return "/" + path.split(separator: "/").dropLast().joined(separator: "/")
    }

    static func requirement() -> Bool {
        if getenv("CI").map({ String(cString: $0) }) == "true" { return true }
        let programs = [agent, ip, "/usr/sbin/nft", "/usr/bin/curl"]
        return geteuid() == 0 && programs.allSatisfy { (path: String) in access(path, X_OK) == 0 }
    }

    let network: TestNetwork
    let firewall: HostFirewall
    private let authority: TestAuthority
    let configuration: String
    private(set) var pid: Int32?

    private init(_ network: TestNetwork) throws {
        self.network = network
        authority = try TestAuthority()
        firewall = HostFirewall(
            backend: .nftables,
            protectedPorts: try [22, 9760].map { try #require(Port($0)) },
            launcher: [Self.ip, "netns", "exec", network.namespace(of: "s1")]
        )
        let files = try authority.issue("agent/s1")
        let text = """
            host: s1
            listen: {address: "198.51.100.1", port: 9760}
            tls: {certificate: \(files.certificate), key: \(files.key), authority: \(files.authority), trust_domain: mitosis}
            state: \(authority.directory.path)/state
            firewall: {backend: nftables, protected_ports: [22], peers: [198.51.100.0/24]}
            files: [\(authority.directory.path)/zoo.cfg]
            services: {manager: systemd, allow: [zookeeper.service]}
            """
        configuration = try authority.directory.write("agent.yaml", Array(text.utf8))
        try authority.issue("coordinator/ops", files: "ops")
    }

    /// Makes the host, without an agent yet, runs the body, and takes everything down whatever happened.
    static func with(_ body: (NamespacedAgent) async throws -> Void) async throws {
        let addresses = try ["198.51.100.1", "198.51.100.7"].map { try #require(IPAddress($0)) }
        let network = TestNetwork(
            prefix: "ag\(getpid())",
            hosts: [
                TestNetwork.Host(name: "s1", addresses: [addresses[0]]),
                TestNetwork.Host(name: "peer", addresses: [addresses[1]]),
            ]
        )
        try await network.up()
        do {
            let host = try NamespacedAgent(network)
            do {
                try await body(host)
            } catch {
                host.end(SIGKILL)
                throw error
            }
            host.end(SIGKILL)
        } catch {
            await network.down()
            throw error
        }
        await network.down()
    }

    /// Returns when it serves.
    func start() async throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let log = authority.directory.path + "/log"
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let enter = [Self.ip, "netns", "exec", network.namespace(of: "s1")]
        let argv = (enter + [Self.agent, "--config", configuration]).map { strdup($0) }
        defer { for argument in argv { free(argument) } }
        var child: pid_t = 0
        try #require(posix_spawn(&child, Self.ip, &actions, nil, argv + [nil], environ) == 0)
        pid = child
        let deadline = ContinuousClock.now + .seconds(20)
        while try await !ask("/v1/status").contains(#""host":"s1""#) {
            try #require(ContinuousClock.now < deadline, "\(log)")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Sends the signal and waits for the end.
    func end(_ signal: Int32) {
        guard let pid else { return }
        var status: Int32 = 0
        kill(pid, signal)
        waitpid(pid, &status, 0)
        self.pid = nil
    }

    func log() throws -> [String] {
        try authority.directory.read("log").split(separator: "\n").map(String.init)
    }

    func audit() throws -> String { try authority.directory.read("state/audit.jsonl") }

    /// Whether the trail of reads and refusals has such a line of root's.
    func hasRequest(_ command: String, _ outcome: String, allowed: Bool) throws -> Bool {
        try authority.directory.read("state/audit-requests.jsonl").split(separator: "\n").contains {
            $0.contains(#""command":"\#(command)""#) && $0.contains(#""outcome":"\#(outcome)"#)
                && $0.contains(#""allowed":\#(allowed)"#) && $0.contains(#""identity":"root on this host"#)
        }
    }

    /// User and system time of the process and of its children that have ended, in milliseconds.
    func processorTime() throws -> Int {
        let pid = try #require(pid)
        let stat = String(decoding: try Data(contentsOf: URL(filePath: "/proc/\(pid)/stat")), as: UTF8.self)
        let fields = try #require(stat.split(separator: ")").last).split(separator: " ")
        return fields[11...14].reduce(0) { $0 + (Int($1) ?? 0) } * 1000 / sysconf(Int32(_SC_CLK_TCK))
    }

    /// The body of the answer; empty when there was none.
    func ask(_ path: String, _ body: String? = nil) async throws -> String {
        let directory = authority.directory.path
        return try await run(
            [
                "/usr/bin/curl", "--silent", "--max-time", "10", "--cacert", directory + "/ca.pem", "--cert",
                directory + "/ops.pem", "--key", directory + "/ops.key", "--resolve", "s1:9760:198.51.100.1",
            ] + (body.map { ["--data", $0] } ?? []) + ["https://s1:9760" + path]
        )
    }

    /// The agent's program on the host, by hand.
    func byHand(_ words: [String]) async throws -> Told {
        let argv =
            ["netns", "exec", network.namespace(of: "s1"), Self.agent] + words + ["--config", configuration]
        let result = try await Subprocess.run(
            .path(FilePath(Self.ip)),
            arguments: Arguments(argv),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        return Told(
            isSuccess: result.terminationStatus.isSuccess,
            output: result.standardOutput,
            diagnostics: result.standardError
        )
    }

    struct Told {
        let isSuccess: Bool
        let output: String
        let diagnostics: String
    }

    /// What a program on the host prints.
    func run(_ argv: [String]) async throws -> String {
        let result = try await Subprocess.run(
            .path(FilePath(Self.ip)),
            arguments: Arguments(["netns", "exec", network.namespace(of: "s1")] + argv),
            output: .string(limit: 1 << 20),
            error: .discarded
        )
        return result.standardOutput
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips, visibly, where an agent cannot be run on a host of its own; never in CI.
    static var needsAgentHost: Self {
        .enabled("needs root, iproute2, nft, curl and the agent's program beside the tests") {
            NamespacedAgent.requirement()
        }
    }
}
