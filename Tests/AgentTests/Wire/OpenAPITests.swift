import AgentServer
import ControlProtocol
import FoundationEssentials
import Settings
import Testing
import Topology

@Suite("docs/openapi.yaml against the agent", .timeLimit(.minutes(10)))
struct OpenAPITests {
    private struct Operation {
        let path: String
        let method: String
        /// Content types by status; a reference is followed.
        var answers: [Int: [String]]
    }

    private let root: YAMLNode

    init() throws { root = try YAMLDocument.read(path: Repository.path("docs/openapi.yaml")).root }

    private func child(_ node: YAMLNode, _ keys: String...) throws -> YAMLNode {
        var node = node
        for key in keys {
            let entry = try node.entries().first { $0.key == key }
            node = try #require(entry, "\(key) is missing").value
        }
        return node
    }

    private func resolved(_ node: YAMLNode) throws -> YAMLNode {
        guard let reference = try node.entries().first(where: { $0.key == "$ref" }) else { return node }
        var target = root
        for key in try reference.value.string().split(separator: "/").dropFirst() {
            target = try child(target, String(key))
        }
        return target
    }

    private func operations() throws -> [Operation] {
        try child(root, "paths").entries().flatMap { path in
            try path.value.entries().map { method in
                var answers: [Int: [String]] = [:]
                for answer in try child(method.value, "responses").entries() {
                    let content = try child(resolved(answer.value), "content").entries().map(\.key)
                    answers[try #require(Int(answer.key))] = content
                }
                return Operation(path: path.key, method: method.key.uppercased(), answers: answers)
            }
        }
    }

    @Test("the file and the agent know the same routes")
    func routes() throws {
        let documented = try operations().map { "\($0.method) \($0.path)" }.sorted()
        #expect(documented == Route.table.map { "\($0.method.rawValue) \($0.path)" }.sorted())
    }

    @Test("every reference in the file leads somewhere")
    func references() throws {
        func walk(_ node: YAMLNode) throws {
            switch node.kind {
            case .scalar: return
            case .sequence(let items): for item in items { try walk(item) }
            case .mapping(let entries):
                _ = try resolved(node)
                for entry in entries { try walk(entry.value) }
            }
        }
        try walk(root)
    }

    @Test("every documented operation is served, with documented statuses and content types")
    func served() async throws {
        let bodies = [
            "POST /v1/lease": #"{"lease":{"runID":"r","epoch":1},"secondsToLive":60,"takeOver":false}"#,
            "DELETE /v1/lease": #"{"runID":"r","epoch":1}"#,
            "POST /v1/commands": #"{"id":"c","lease":{"runID":"r","epoch":1},"command":{"removeWall":{}}}"#,
            "POST /v1/read/file": #"{"path":"/etc/zookeeper/conf/zoo.cfg"}"#,
            "POST /v1/read/rules":
                #"{"wall":{"peers":["198.51.100.7"],"scope":{"ports":{"numbers":[2888]}}}}"#,
            "POST /v1/read/probe": #"{"targets":[{"address":"198.51.100.7","port":2181}]}"#,
            "POST /v1/read/hand-made": #"{"addresses":["198.51.100.7"]}"#,
            "POST /v1/read/parser": #"{"contents":["eD15Cg=="]}"#,
            "POST /v1/read/clients": #"{"sessions":true}"#,
            "POST /v1/read/writes": #"{"trees":["/app"],"after":"0x100000001"}"#,
            "POST /v1/read/history": #"{"zxids":["0x100000001","0x2"]}"#,
            "POST /v1/chain": #"{"lease":{"runID":"r","epoch":1},"entries":[],"replacing":false}"#,
            "POST /v1/read/chain": #"{"from":0}"#,
        ]
        try await TestAgent.with { agent in
            func check(_ operation: Operation, _ identity: String, _ body: String) async throws -> Int {
                let path = operation.path.replacing("{id}", with: "c")
                let reply = try await RawConnection.open(agent, identity).exchange(
                    "\(operation.method) \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
                        + "content-length: \(body.utf8.count)\r\n\r\n\(body)"
                )
                let status = try #require(Int(reply.dropFirst("HTTP/1.1 ".count).prefix(3)))
                let types = try #require(operation.answers[status], "\(operation.method) \(path): \(status)")
                let prefix = "content-type: "
                let line = try #require(reply.split(separator: "\r\n").first { $0.hasPrefix(prefix) })
                #expect(
                    types.contains(String(line.dropFirst(prefix.count))),
                    "\(operation.method) \(path): \(line)"
                )
                return status
            }
            let order = ["POST /v1/lease", "POST /v1/commands"]
            let all = try operations().sorted { left, right in
                let rank = { (operation: Operation) in
                    order.firstIndex(of: "\(operation.method) \(operation.path)")
                        ?? (operation.method == "DELETE" ? 9 : 5)
                }
                return rank(left) < rank(right)
            }
            for operation in all {
                let body = bodies["\(operation.method) \(operation.path)"] ?? ""
                #expect(try await check(operation, "coordinator/ops", body) == 200, "\(operation.path)")
                let isOpen = operation.path == "/v1/status" || operation.path == "/metrics"
                #expect(
                    try await check(operation, "viewer/v", body) == (isOpen ? 200 : 403),
                    "\(operation.path)"
                )
                guard !body.isEmpty else { continue }
                #expect(try await check(operation, "coordinator/ops", "{}") == 400, "\(operation.path)")
                let large = String(repeating: " ", count: 1_048_577)
                #expect(try await check(operation, "coordinator/ops", large) == 413, "\(operation.path)")
            }
        }
    }

    @Test(
        "the schemas of rules and closed ports have every field that there is, and require no more than are sent"
    )
    func rulesSchemas() throws {
        func check(_ name: String, _ full: some Encodable, _ bare: some Encodable) throws {
            let schema = try child(root, "components", "schemas", name)
            func names(_ value: some Encodable) throws -> Set<String> {
                let bytes = Array(try JSONEncoder().encode(value))
                return Set(try YAMLDocument(bytes: bytes, file: name).root.entries().map(\.key))
            }
            #expect(try names(full) == Set(child(schema, "properties").entries().map(\.key)))
            let required = Set(try child(schema, "required").strings())
            #expect(try required.isSubset(of: names(bare)), "\(name)")
        }
        let ports = try [#require(Port(2181))]
        let closed = ClosedPorts(ports: ports, exception: Port(40_000))
        func rules(_ wall: Wall?, _ closed: ClosedPorts?) -> InstalledRules {
            InstalledRules(
                backend: .nftables,
                wall: wall,
                closed: closed,
                count: 0,
                counters: [],
                listing: "",
                unreadable: wall.map { _ in "the kernel is busy" },
                isWatched: wall.map { _ in true }
            )
        }
        func report(_ line: Int?, _ saved: String?) -> HandMadeReport {
            HandMadeReport(
                count: 0,
                rules: [],
                otherCount: 0,
                others: [],
                copyCount: 1,
                copies: [HandMadeReport.FileCopy(path: "/etc/iptables/rules.v4", line: line, what: "-A")],
                cutCount: 0,
                cuts: [],
                problems: [],
                saved: saved
            )
        }
        try check("HandMadeReport", report(1, "/var/lib/mitosis/rulesets/r-1"), report(nil, nil))
        try check("ClosedPorts", closed, ClosedPorts(ports: ports))
        try check("InstalledRules", rules(Sample.wall(), closed), rules(nil, nil))
    }

    @Test("the schema of a status has every field that the agent sends, and requires no other")
    func statusSchema() async throws {
        let schema = try child(root, "components", "schemas", "HostStatus")
        let properties = Set(try child(schema, "properties").entries().map(\.key))
        let required = Set(try child(schema, "required").strings())
        try await TestAgent.with { agent in
            agent.host.ordered = OrderState(run: try #require(RunID("r")), since: 1_000, held: ["zookeeper"])
            let reply = try await RawConnection.open(agent)
                .exchange("GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            let body = try #require(reply.firstRange(of: "\r\n\r\n")).upperBound
            // JSON is YAML.
            let sent = try YAMLDocument(bytes: Array(reply[body...].utf8), file: "status").root.entries().map(
                \.key
            )
            #expect(Set(sent) == properties)
            #expect(required.isSubset(of: sent))
            #expect(required == properties.subtracting(["zookeeper", "order"]))
        }
    }
}
