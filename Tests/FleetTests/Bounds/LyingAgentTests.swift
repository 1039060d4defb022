import CertificateAuthority
import ControlProtocol
import Fleet
import FoundationEssentials
import Logs
import MutualTLS
import Settings
import Testing

/// One agent of a fleet says what cannot be; the coordinator's own client asks all of them.
@Suite("An agent that lies", .timeLimit(.minutes(10)))
struct LyingAgentTests {
    private struct Fixture {
        let directory: String
        let domain: TrustDomain
        let pki: PKIDirectory

        init() throws {
            directory =
                FileManager.default.temporaryDirectory.path + "/mitosis-liar-\(UInt64.random(in: 0 ... .max))"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            domain = try #require(TrustDomain("mitosis"))
            pki = PKIDirectory(path: directory + "/pki")
            _ = try pki.create(trustDomain: domain, now: Date())
            _ = try pki.issue(.coordinator(try #require(PeerName("test"))), now: Date())
        }

        func files(of host: String) throws -> TLSFiles {
            let issued = try pki.issue(.agent(try #require(PeerName(host))), now: Date())
            return TLSFiles(
                certificate: issued.certificate,
                key: issued.key,
                authority: directory + "/pki/ca.pem",
                revoked: nil
            )
        }

        func fleet(_ ports: [String: Int]) throws -> AgentFleet {
            let server = { (id: Int, host: String) in
                "    - {id: \(id), host: \(host), address: 198.51.100.\(id), agent_address: 127.0.0.1, "
                    + "agent_port: \(ports[host] ?? 1)}"
            }
            let text = """
                version: 1
                name: model
                strategy: participants
                pki: {directory: ./pki, coordinator: test, trust_domain: mitosis}
                source:
                  servers:
                \(server(1, "s1"))
                \(server(2, "s2"))
                \(server(3, "s3"))
                destination:
                  servers:
                \(server(4, "d1"))
                \(server(5, "d2"))
                \(server(6, "d3"))

                """
            let path = directory + "/plan-\(UInt64.random(in: 0 ... .max)).yaml"
            try Data(text.utf8).write(to: URL(filePath: path))
            return try AgentFleet(plan: try PlanReader.read(path: path), log: .silent) {
                Issue.record("\($0)")
            }
        }
    }

    private static func text(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    @Test(
        "whatever number its status has at the edge, the host and the field are named, and the other host is seen"
    )
    func status() async throws {
        let fixture = try Fixture()
        defer {
            do { try FileManager.default.removeItem(atPath: fixture.directory) } catch { Issue.record(error) }
        }
        let (honest, lying) = (try #require(HostName("s1")), try #require(HostName("s2")))
        let (honestFiles, files) = (try fixture.files(of: "s1"), try fixture.files(of: "s2"))
        let truth = try await LyingAgent(
            honestFiles,
            in: fixture.domain,
            saying: try Self.text(try Sample.fullStatus("s1"))
        )
        for (number, place) in try EdgeNumbers.places(in: try Sample.fullStatus("s2")).enumerated() {
            let literal = EdgeNumbers.literals[number % EdgeNumbers.literals.count]
            let liar = try await LyingAgent(
                files,
                in: fixture.domain,
                saying: String(decoding: place.saying(literal), as: UTF8.self)
            )
            let fleet = try fixture.fleet(["s1": truth.port, "s2": liar.port])
            let view = await fleet.observe([honest, lying])
            if case .status(let status)? = view[honest] {
                #expect(status.host == honest)
            } else {
                Issue.record("\(view)")
            }
            if case .silent(let reason)? = view[lying] {
                #expect(
                    reason.hasPrefix("s2: ") && reason.contains(place.key),
                    "\(place.key) \(literal): \(reason)"
                )
            } else {
                Issue.record("\(place.key) \(literal) is believed")
            }
            try await liar.end()
        }
        try await truth.end()
    }

    @Test("an answer that nests without end, or never ends, is this host's failure alone")
    func shapes() async throws {
        let fixture = try Fixture()
        defer {
            do { try FileManager.default.removeItem(atPath: fixture.directory) } catch { Issue.record(error) }
        }
        let lying = try #require(HostName("s2"))
        let files = try fixture.files(of: "s2")
        for text in [String(repeating: "[", count: 1_000_000), String(repeating: " ", count: 17 << 20)] {
            let liar = try await LyingAgent(files, in: fixture.domain, saying: text)
            let fleet = try fixture.fleet(["s2": liar.port])
            guard case .silent(let reason)? = await fleet.observe([lying])[lying] else {
                Issue.record("believed")
                continue
            }
            #expect(reason.contains("nested 1000000 deep") || reason.contains("larger than"), "\(reason)")
            let request = CommandRequest(
                id: try #require(CommandID("c")),
                lease: try Sample.lease(),
                command: .removeWall
            )
            await #expect(throws: FleetError.self) { try await fleet.perform(request, on: lying) { _ in } }
            try await liar.end()
        }
    }

    @Test("the outcome of a command with a number at the edge is no outcome")
    func outcomes() async throws {
        let fixture = try Fixture()
        defer {
            do { try FileManager.default.removeItem(atPath: fixture.directory) } catch { Issue.record(error) }
        }
        let lying = try #require(HostName("s2"))
        let files = try fixture.files(of: "s2")
        let event = CommandEvent.finished(outcome: .done(result: .detached(report: try Sample.fullReport())))
        let request = CommandRequest(
            id: try #require(CommandID("c")),
            lease: try Sample.lease(),
            command: .removeWall
        )
        for (number, place) in try EdgeNumbers.places(in: event).enumerated() {
            let literal = EdgeNumbers.literals[number % EdgeNumbers.literals.count]
            let line = String(decoding: place.saying(literal), as: UTF8.self) + "\n"
            let liar = try await LyingAgent(files, in: fixture.domain, saying: line)
            let fleet = try fixture.fleet(["s2": liar.port])
            let error = await #expect(throws: FleetError.self) {
                try await fleet.perform(request, on: lying) { _ in }
            }
            #expect(
                error?.host == lying && error?.description.contains(place.key) == true,
                "\(place.key) \(literal)"
            )
            try await liar.end()
        }
    }
}
