import AgentServer
import ControlProtocol
import Foundation
import Testing

/// Exchanges that were recorded between the programs of a release: what either of them said then must still be understood, as it
/// was meant, because a fleet is upgraded host by host.
///
/// Tests/WireExamples has a file for each release; a line is one exchange with an agent of it.
@Suite("What the former release says and understands", .timeLimit(.minutes(10)))
struct FormerReleaseTests {
    private static let releases = ["0.1.0"]

    private struct Exchange {
        let name: String
        let route: String
        let body: Any?
        let answer: [Any]
    }

    private func exchanges(_ release: String) throws -> [Exchange] {
        let path = Repository.path("Tests/WireExamples/\(release).jsonl")
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        return try lines.map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            let exchange = try #require(object)
            let path = try #require(exchange["path"] as? String)
            return Exchange(
                name: try #require(exchange["name"] as? String),
                route: "\(try #require(exchange["method"] as? String)) "
                    + (path.hasPrefix("/v1/commands/") ? "/v1/commands/{id}" : path),
                body: exchange["body"],
                answer: try #require(exchange["answer"] as? [Any])
            )
        }
    }

    /// Read as `type` and written again, it says all that it said: more may be there, nothing less and nothing else.
    private func expect<Value: Codable & Bounded>(_ type: Value.Type, keeps said: Any, _ name: String) throws
    {
        let value = try WireJSON.decode(type, from: JSONSerialization.data(withJSONObject: said))
        let again = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
        let lost = Self.missing(said, in: again, at: "")
        #expect(lost.isEmpty, "\(name): \(lost.joined(separator: ", "))")
    }

    /// Where `said` has what `again` has not, or has otherwise.
    private static func missing(_ said: Any, in again: Any, at place: String) -> [String] {
        switch (said, again) {
        case (let said as [String: Any], let again as [String: Any]):
            return said.sorted { $0.key < $1.key }.flatMap { key, value in
                again[key].map { missing(value, in: $0, at: "\(place).\(key)") } ?? [
                    "\(place).\(key) is lost"
                ]
            }
        case (let said as [Any], let again as [Any]) where said.count == again.count:
            return zip(said, again).enumerated().flatMap { missing($1.0, in: $1.1, at: "\(place)[\($0)]") }
        case (let said as NSObject, let again as NSObject) where said == again:
            return []
        default:
            return ["\(place) was \(said), is \(again)"]
        }
    }

    private func check(_ exchange: Exchange, body: Bool) throws {
        let sayings = body ? [try #require(exchange.body)] : exchange.answer
        for said in sayings {
            let keys = Set((said as? [String: Any] ?? [:]).keys)
            if !body, keys == ["error"] || keys == ["error", "refusal"] {
                try expect(ErrorReply.self, keeps: said, exchange.name)
                continue
            }
            switch (exchange.route, body) {
            case ("GET /v1/status", _), ("GET /v1/status/serving", _):
                try expect(HostStatus.self, keeps: said, exchange.name)
            case ("POST /v1/lease", true): try expect(LeaseRequest.self, keeps: said, exchange.name)
            case ("DELETE /v1/lease", true): try expect(Lease.self, keeps: said, exchange.name)
            case ("POST /v1/lease", false), ("DELETE /v1/lease", false):
                try expect(LeaseState.self, keeps: said, exchange.name)
            case ("POST /v1/commands", true): try expect(CommandRequest.self, keeps: said, exchange.name)
            case ("POST /v1/commands", false): try expect(CommandEvent.self, keeps: said, exchange.name)
            case ("GET /v1/commands/{id}", _): try expect(CommandOutcome.self, keeps: said, exchange.name)
            case ("POST /v1/read/file", true): try expect(FileReadRequest.self, keeps: said, exchange.name)
            case ("POST /v1/read/file", false): try expect(FileContent.self, keeps: said, exchange.name)
            case ("POST /v1/read/rules", true):
                try expect(RulesPreviewRequest.self, keeps: said, exchange.name)
            case ("POST /v1/read/rules", false): try expect(RulesPreview.self, keeps: said, exchange.name)
            case ("POST /v1/read/probe", true): try expect(ProbeRequest.self, keeps: said, exchange.name)
            case ("POST /v1/read/probe", false): try expect(ProbeReply.self, keeps: said, exchange.name)
            case ("POST /v1/read/history", true): try expect(HistoryRequest.self, keeps: said, exchange.name)
            case ("POST /v1/read/history", false): try expect(HistoryReply.self, keeps: said, exchange.name)
            case ("POST /v1/read/hand-made", true):
                try expect(HandMadeRequest.self, keeps: said, exchange.name)
            case ("POST /v1/read/hand-made", false):
                try expect(HandMadeReport.self, keeps: said, exchange.name)
            default: Issue.record("\(exchange.name): no type is known for \(exchange.route)")
            }
        }
    }

    @Test("a coordinator understands every answer of its agents", arguments: releases)
    func answers(release: String) throws {
        for exchange in try exchanges(release) { try check(exchange, body: false) }
    }

    @Test(
        "an agent understands every request of its coordinator, and would be sent the same today",
        arguments: releases
    )
    func requests(release: String) throws {
        for exchange in try exchanges(release) where exchange.body != nil { try check(exchange, body: true) }
    }

    @Test("every kind of command is among the recorded, and every route is still there", arguments: releases)
    func complete(release: String) throws {
        let exchanges = try exchanges(release)
        let commands = exchanges.compactMap { exchange in
            ((exchange.body as? [String: Any])?["command"] as? [String: Any])?.keys.first
        }
        let kinds = [
            "installWall", "removeWall", "sever", "writeFile", "restoreFile", "service", "detach",
            "discardCopy",
            "setAside", "pilotWall", "removeHandMadeRules",
        ]
        #expect(Set(commands) == Set(kinds))
        let routes = Set(exchanges.map(\.route))
        #expect(routes.count == 11)
        #expect(routes.isSubset(of: Route.table.map { "\($0.method.rawValue) \($0.path)" }), "\(routes)")
    }

    @Test("what is missing or changed is noticed")
    func noticed() {
        let said: [String: Any] = ["a": 1, "b": ["c": [true, "x"]]]
        let other: [String: Any] = ["a": 2, "b": ["c": [true, "x"], "d": 0]]
        #expect(Self.missing(said, in: other, at: "") == [".a was 1, is 2"])
        #expect(Self.missing(other, in: said, at: "") == [".a was 2, is 1", ".b.d is lost"])
        #expect(Self.missing(["e": [1, 2]], in: ["e": [1]], at: "").count == 1)
    }
}
