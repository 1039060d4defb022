import Settings
import Testing
import Topology

@Suite("trees and clients in plan files")
struct PlannedCensusTests {
    private static func kafka(_ chroot: String) -> String {
        "kafka: {\(chroot)brokers: [{id: 1, host: k1, address: 198.51.100.31}]}\n"
    }

    private func read(_ text: String) throws -> PlannedCensus {
        let bytes = Array((PlanText.servers + text).utf8)
        return try PlanReader.read(try YAMLDocument(bytes: bytes, file: "plan.yaml")).census
    }

    @Test("without any of it nothing moves that is known, and nobody is ignored")
    func nothing() throws {
        let census = try read("")
        #expect(census.trees.isEmpty && census.ignored.isEmpty)
    }

    @Test("Kafka's chroot is a tree without being named, and its own nodes are where it has none")
    func implied() throws {
        #expect(try read(Self.kafka("chroot: /kafka/a, ")).trees == ["/kafka/a"])
        let top = try read(Self.kafka("") + "trees: [/app]\n")
        #expect(top.implied == KafkaTopNodes.paths && top.trees == KafkaTopNodes.paths + ["/app"])
        #expect(Set(["/brokers", "/controller", "/config", "/kafka-acl"]).isSubset(of: top.implied))
    }

    @Test("trees and clients are read in their order, with their reasons and lines")
    func keys() throws {
        let census = try read(
            """
            trees: [/app, /app2, /b/c]
            clients:
              ignore:
                - {address: 10.0.0.7, reason: only reads}
                - {address: "2001:db8::7", reason: the same}
                - {session: 0x1000A8c5b9d0000, reason: ends on Monday}
                - {path: /app/secret, reason: keys only}
            """
        )
        #expect(census.trees == ["/app", "/app2", "/b/c"] && census.implied.isEmpty)
        #expect(census.ignored.map(\.line) == [17, 18, 19, 20])
        let address = try #require(IPAddress("2001:db8::7"))
        #expect(census.reason(toIgnore: .address(address)) == "the same")
        #expect(census.reason(toIgnore: .session(SessionNumber(0x0100_0a8c_5b9d_0000))) == "ends on Monday")
        #expect(census.reason(toIgnore: .session(SessionNumber(1))) == nil)
        #expect(census.reason(toLeaveUnread: "/app/secret") == "keys only")
        #expect(census.reason(toLeaveUnread: "/app/secret/a") == "keys only")
        #expect(census.reason(toLeaveUnread: "/app/secrets") == nil)
        #expect(census.reason(toLeaveUnread: "/app") == nil)
    }

    @Test(
        "a tree that is none, everything, twice, or inside another is a mistake with its line",
        arguments: [
            ("", "[app]", "no path of a node"), ("", "[/app/]", "no path of a node"),
            ("", "[/a//b]", "no path"),
            ("", "[/a/../b]", "no path"), ("", "[\"/a\\u0007\"]", "control characters"),
            ("", "[/]", "not everything"),
            ("", "[/app, /app]", "'/app' on line 14"), ("", "[/app, /app/x]", "'/app' on line 14"),
            ("", "[/app/x, /app]", "'/app/x' on line 14"), ("", "/app", "trees"),
            ("", "[{path: /a}]", "trees"),
            ("chroot: /kafka, ", "[/kafka]", "moves with 'kafka'"),
            ("chroot: /kafka, ", "[/kafka/brokers]", "moves with 'kafka'"),
            ("chroot: /kafka/a, ", "[/kafka]", "moves with 'kafka'"),
            ("chroot: '', ", "[/config/x]", "/config"),
        ]
    )
    func badTrees(_ chroot: String, _ trees: String, _ word: String) throws {
        let text =
            "trees: \(trees)\n" + (chroot.isEmpty ? "" : Self.kafka(chroot == "chroot: '', " ? "" : chroot))
        do {
            _ = try read(text)
            Issue.record("\(trees) was taken")
        } catch {
            #expect("\(error)".contains(":14: ") && "\(error)".contains(word), "\(error)")
        }
    }

    @Test(
        "a client that is none, both or ignored without a good reason is a mistake with its line",
        arguments: [
            ("{reason: r}", "one client"), ("{address: 10.0.0.7}", "reason"),
            ("{address: 10.0.0.7, session: 0x1, reason: r}", "one client"),
            ("{address: 10.0.0.7, path: /app, reason: r}", "one client"),
            ("{path: app, reason: r}", "no path of a node"), ("{path: /, reason: r}", "no path of a node"),
            ("{path: \"/a\\u0007\", reason: r}", "control characters"),
            ("{address: app7, reason: r}", "no IP address"),
            ("{address: 10.0.0.0/8, reason: r}", "no IP address"),
            ("{session: 4711, reason: r}", "no session"), ("{session: 0x, reason: r}", "no session"),
            ("{session: 0x0, reason: r}", "no session"),
            ("{session: 0x11112222333344445, reason: r}", "no session"),
            ("{session: 0x+1, reason: r}", "no session"),
            ("{address: 10.0.0.7, reason: ' '}", "without a reason"),
            ("{address: 10.0.0.7, reason: \"a\\nb\"}", "on one line"),
            ("{address: 10.0.0.7, reason: \"\(String(repeating: "x", count: 301))\"}", "300 characters"),
            ("{host: h, address: 10.0.0.7, reason: r}", "host"), ("10.0.0.7", "ignore"),
            ("{address: 10.0.0.7, reason: r}, {address: 10.0.0.7, reason: s}", "on line 14 already"),
        ]
    )
    func badClients(_ item: String, _ word: String) throws {
        do {
            _ = try read("clients: {ignore: [\(item)]}\n")
            Issue.record("\(item) was taken")
        } catch {
            #expect("\(error)".contains(":14: ") && "\(error)".contains(word), "\(error)")
        }
    }

    @Test("more trees or clients than anybody means are refused as a whole")
    func many() throws {
        let trees = (0...100).map { "/t\($0)" }.joined(separator: ", ")
        #expect(throws: PlanError.self) { try read("trees: [\(trees)]\n") }
        let ignored = (0...1000).map { "{session: \(SessionNumber(Int64($0 + 1))), reason: r}" }
        #expect(throws: PlanError.self) {
            try read("clients: {ignore: [\(ignored.joined(separator: ", "))]}\n")
        }
    }
}
