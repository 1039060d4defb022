import FoundationEssentials
import Glibc
import LabKit
import Synchronization
import Testing
import Topology

/// The released programs as an attacker meets them: one agent in a namespace of its own, its authority, and curl.
///
/// Nothing in it knows how the programs are made, so that it runs against those of any commit: MITOSIS_BIN says which.
struct AttackBench {
    struct Answer: CustomStringConvertible {
        let code: String
        let body: String
        let seconds: Double

        var description: String { "\(code) after \(seconds) s: \(body.prefix(400))" }
    }

    static let hosts = (1...6).map { "h\($0)" }

    let folder: String
    let network: TestNetwork
    let binaries: Binaries

    var pki: String { folder + "/pki" }
    var state: String { folder + "/state" }
    var log: String { folder + "/agent.log" }
    private var namespace: String { network.namespace(of: "a") }

    /// Everything is gone afterwards but the folder of a test that failed.
    static func with(_ body: (AttackBench) async throws -> Void) async throws {
        let number = UInt32.random(in: 0..<1_000_000)
        let addresses = try (1...6).map { try #require(IPAddress(Self.address($0))) }
        let bench = AttackBench(
            folder: "/tmp/mitosis-attack-\(number)",
            network: TestNetwork(
                prefix: "attack\(number)",
                hosts: [TestNetwork.Host(name: "a", addresses: addresses)]
            ),
            binaries: try Binaries.find()
        )
        let before = IssueCount.count.withLock { $0 }
        try FileManager.default.createDirectory(atPath: bench.state, withIntermediateDirectories: true)
        try await bench.network.up()
        do {
            try await bench.issue()
            try await body(bench)
        } catch {
            Issue.record("logs are in \(bench.folder)")
            await bench.network.down()
            throw error
        }
        await bench.network.down()
        guard IssueCount.count.withLock({ $0 }) == before else { return }
        try FileManager.default.removeItem(atPath: bench.folder)
    }

    static func address(_ number: Int) -> String { "198.51.100.\(70 + number)" }

    private func issue() async throws {
        try await mitosis(["pki", "init", "--directory", pki])
        for (number, host) in Self.hosts.enumerated() {
            let name = ["--san", Self.address(number + 1)]
            try await mitosis(["pki", "issue", "agent", host, "--directory", pki] + name)
        }
        try await mitosis(["pki", "issue", "coordinator", "ops", "--directory", pki])
        for viewer in ["eve", "spare"] {
            try await mitosis(["pki", "issue", "viewer", viewer, "--directory", pki])
        }
        // Older programs write no list before the first revocation.
        try await mitosis(["pki", "revoke", "viewer/spare", "--directory", pki])
    }

    @discardableResult
    func mitosis(_ arguments: [String], succeeding: Bool = true) async throws -> Tool.Outcome {
        let outcome = try await Tool([binaries.coordinator] + arguments, namespace: namespace).outcome()
        if succeeding { try #require(outcome.succeeded, "\(arguments): \(outcome.diagnostics)") }
        return outcome
    }

    /// Writes agent.yaml for h1 and starts its agent; the caller ends it.
    ///
    /// - Parameter status: the program that says how its service "slow" is.
    func start(status: [String] = ["/bin/false"], zooKeeper: String? = nil) throws -> ProcessRecord {
        let list = { (words: [String]) in "[" + words.map { "\"\($0)\"" }.joined(separator: ", ") + "]" }
        try Folder.write(
            """
            host: h1
            listen: {address: "0.0.0.0", port: 9760}
            tls:
              certificate: \(pki)/agents/h1.pem
              key: \(pki)/agents/h1.key
              authority: \(pki)/ca.pem
              revoked: \(pki)/ca.crl
              trust_domain: mitosis
            state: \(state)
            firewall: {backend: nftables, protected_ports: [22], peers: [198.51.100.0/24]}
            files: [\(zooKeeper ?? "")]
            services:
              manager: command
              commands:
                slow: {start: [/bin/true], stop: [/bin/true], status: \(list(status))}
            \(zooKeeper.map { "zookeeper: {service: slow, config: \($0)}" } ?? "")

            """,
            to: folder + "/agent.yaml"
        )
        return try Launcher(namespace: namespace, log: log)
            .launch([binaries.agent, "--config", folder + "/agent.yaml"])
    }

    /// Starts the agent and waits until it answers; it is gone at the end.
    func serving(
        status: [String] = ["/bin/false"],
        zooKeeper: String? = nil,
        _ body: () async throws -> Void
    ) async throws {
        let agent = try start(status: status, zooKeeper: zooKeeper)
        do {
            try await answers(agent)
            try await body()
        } catch {
            try await agent.end(grace: .seconds(20))
            throw error
        }
        try await agent.end(grace: .seconds(20))
    }

    private func answers(_ agent: ProcessRecord) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await curl("/v1/status", as: "coordinators/ops").code != "200" {
            let said = try Folder.read(log).suffix(800)
            try #require(agent.isRunning && ContinuousClock.now < deadline, "no answer: \(said)")
        }
    }

    func curl(
        _ path: String,
        as identity: String,
        posting body: String? = nil,
        seconds: Double = 30
    ) async throws -> Answer {
        var argv = ["/usr/bin/curl", "--silent", "--max-time", "\(seconds)", "--cacert", pki + "/ca.pem"]
        argv += ["--cert", "\(pki)/\(identity).pem", "--key", "\(pki)/\(identity).key"]
        argv += body.map { ["--data", $0, "-H", "Content-Type: application/json"] } ?? []
        argv += ["--write-out", "\n%{http_code}", "https://\(Self.address(1)):9760" + path]
        let begin = ContinuousClock.now
        let outcome = try await Tool(argv, namespace: namespace).outcome()
        let spent = (ContinuousClock.now - begin) / .seconds(1)
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        return Answer(
            code: lines.last.map(String.init) ?? "",
            body: lines.dropLast().joined(separator: "\n"),
            seconds: spent
        )
    }

    func lease(epoch: Int) async throws {
        let answer = try await curl(
            "/v1/lease",
            as: "coordinators/ops",
            posting: #"{"lease":{"runID":"attack","epoch":\#(epoch)},"secondsToLive":60,"takeOver":false}"#
        )
        try #require(answer.code == "200", "\(answer)")
    }

    func command(_ id: String, _ command: String, epoch: Int, seconds: Double = 30) async throws -> Answer {
        let lease = #"{"runID":"attack","epoch":\#(epoch)}"#
        return try await curl(
            "/v1/commands",
            as: "coordinators/ops",
            posting: #"{"id":"\#(id)","lease":\#(lease),"command":\#(command)}"#,
            seconds: seconds
        )
    }

    /// Six agents in one process, each with a certificate of its own, that all answer with this text.
    func lying(_ status: String, _ body: () async throws -> Void) async throws {
        try Folder.write(status, to: folder + "/status.json")
        try Folder.write(Self.liar, to: folder + "/liar.py")
        // One of its own: the end of an earlier one would pass for this one's beginning.
        let log = folder + "/liar-\(UInt32.random(in: 0 ... .max)).log"
        let argv = ["/usr/bin/python3", folder + "/liar.py", pki, folder + "/status.json"] + Self.hosts
        let liar = try Launcher(namespace: namespace, log: log).launch(argv)
        do {
            let deadline = ContinuousClock.now + .seconds(30)
            while true {
                let said = try Folder.read(log)
                if said.contains("ready") { break }
                try #require(ContinuousClock.now < deadline && liar.isRunning, "\(said)")
                try await Task.sleep(for: .milliseconds(20))
            }
            try await body()
        } catch {
            try await liar.end(grace: .seconds(10))
            throw error
        }
        try await liar.end(grace: .seconds(10))
    }

    /// A plan whose six hosts are the liar's.
    func plan() throws -> String {
        let server = { (number: Int) in
            "{id: \(number), host: h\(number), address: \(Self.address(number))}"
        }
        let path = folder + "/plan.yaml"
        try Folder.write(
            """
            version: 1
            name: attack
            pki: {directory: \(pki), coordinator: ops}
            source: {servers: [\((1...3).map(server).joined(separator: ", "))]}
            destination: {servers: [\((4...6).map(server).joined(separator: ", "))]}

            """,
            to: path
        )
        return path
    }

    private static let liar = #"""
        import http.server, json, ssl, sys, threading
        pki, status, hosts = sys.argv[1], open(sys.argv[2]).read(), sys.argv[3:]
        def serve(number, host):
            class Handler(http.server.BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"
                def answer(self):
                    self.rfile.read(int(self.headers.get("content-length") or 0))
                    body = status.replace('"host":"h1"', '"host":"%s"' % host).encode()
                    self.send_response(200)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                do_GET = do_POST = answer
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain("%s/agents/%s.pem" % (pki, host), "%s/agents/%s.key" % (pki, host))
            context.load_verify_locations(pki + "/ca.pem")
            context.verify_mode = ssl.CERT_REQUIRED
            server = http.server.ThreadingHTTPServer(("198.51.100.%d" % (71 + number), 9760), Handler)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            threading.Thread(target=server.serve_forever).start()
        for number, host in enumerate(hosts):
            serve(number, host)
        print("ready", flush=True)
        """#
}
