import Diagnostics
import FoundationEssentials
import Testing
import Topology
import ZooKeeperClient

@Suite(
    "trees of real servers compared",
    .serialized,
    .enabled(if: ServerGroup.isInstalled, "ZooKeeper or Java is not installed"),
    .timeLimit(.minutes(10))
)
struct TreeComparisonTests {
    @Test(
        "a byte, an ACL, a counter and a missing node are each found, and what the destination has newer is not"
    )
    func faults() async throws {
        let first = try ServerGroup(1)
        defer { withExtendedLifetime(first) {} }
        let writer = try await first.session()
        try await fill(writer)
        await writer.close()
        first.stop(0)
        let second = try ServerGroup(1, copying: first)
        defer { withExtendedLifetime(second) {} }
        try first.start(0)
        let source = try await first.session()
        let destination = try await second.session()
        let sides = ComparedSides(source: try first.compared, destination: try second.compared)

        let equal = await compare(sides, newer: .nothing)
        #expect(equal.isEqual, "\(ComparisonText(equal).text)")
        #expect(equal.nodes == 3 + 1 + 22 + 22 * 20)
        let absent = await compare(sides, path: "/typo")
        #expect(absent.isAbsent && !absent.isEqual && !absent.isComplete && absent.different == 0)
        #expect(ComparisonText(absent).text.contains("NOT DECIDED: no server has /typo\n"))
        // A node with nothing below it is there.
        #expect(await compare(sides, path: "/t/d1/n1").isEqual)

        _ = try await destination.set("/t/d3/n7", data: Data("data 0f 7".utf8))
        _ = try await destination.create("/t/d4/new")
        try await destination.delete("/t/d5/n5")
        let newer = await compare(sides)
        #expect(newer.isEqual, "\(ComparisonText(newer).text)")
        // The node set, the node made and its parent, the node deleted and its parent.
        #expect(newer.newer == 5)
        let exact = await compare(sides, newer: .nothing)
        #expect(exact.different == 5)
        #expect(
            exact.findings.first { $0.path == "/t/d3/n7" }?.fields.first?.seen.hasSuffix("byte 5") == true
        )

        // On the source nothing may be newer.
        _ = try await source.set("/t/d6/n7", data: Data("data 0f 7".utf8))
        #expect(await paths(sides) == ["/t/d6/n7"])
        try await source.setAccess("/t/d7/n3", .readable)
        #expect(await paths(sides) == ["/t/d6/n7", "/t/d7/n3"])
        _ = try await source.create("/t/d8/n4/child")
        try await source.delete("/t/d8/n4/child")
        #expect(await paths(sides) == ["/t/d6/n7", "/t/d7/n3", "/t/d8/n4"])
        try await source.delete("/t/d9/n0")
        #expect(await paths(sides) == ["/t/d6/n7", "/t/d7/n3", "/t/d8/n4", "/t/d9/n0"])
        // An ACL's change leaves no transaction id on the node: it is told, whoever made it.
        try await destination.setAccess("/t/d1/n1", .readable)
        #expect(await paths(sides).contains("/t/d1/n1"))
        let rest = await compare(sides, except: ["/t/d1", "/t/d6", "/t/d7", "/t/d8", "/t/d9"])
        #expect(rest.isEqual, "\(ComparisonText(rest).text)")

        // Where the destination deleted, too, and set the same node, the division tells what the source wrote since.
        let split = try #require(try await source.exists("/t/d21/n19")).mzxid
        _ = try await source.create("/t/d5/late")
        _ = try await source.set("/t/d3/n7", data: Data("data of 9".utf8))
        #expect(await paths(sides).allSatisfy { $0 != "/t/d5/late" && $0 != "/t/d3/n7" })
        let divided = await compare(sides, newer: .above(split)).findings.map(\.path)
        #expect(divided.contains("/t/d5/late") && divided.contains("/t/d3/n7"))
        #expect(!divided.contains("/t/d4/new") && !divided.contains("/t/d5/n5"))
        await source.close()
        await destination.close()
    }

    @Test(
        "nodes that the whole destination lost are told, though its clients make and delete nodes beside them"
    )
    func lost() async throws {
        let first = try ServerGroup(1)
        defer { withExtendedLifetime(first) {} }
        let writer = try await first.session()
        for path in ["/q", "/q/n-1", "/q/n-2", "/q/n-3", "/r", "/r/n-1"] { _ = try await writer.create(path) }
        await writer.close()
        first.stop(0)
        let second = try ServerGroup(1, copying: first)
        defer { withExtendedLifetime(second) {} }
        try first.start(0)
        let source = try await first.session()
        let last = try #require(try await source.exists(try await source.create("/q/n-5"))).czxid
        await source.close()
        // Each start begins an epoch: what its clients do is later than what the source made.
        await (try await second.session()).close()
        second.stop(0)
        try second.start(0)
        let destination = try await second.session()
        _ = try await destination.create("/q/n-6")
        _ = try await destination.create("/r/n-2")
        try await destination.delete("/r/n-1")
        let sides = ComparedSides(source: try first.compared, destination: try second.compared)
        let report = await compare(sides, newer: .above(last))
        #expect(report.findings.map(\.path) == ["/q"], "\(ComparisonText(report).text)")
        #expect(
            report.findings.first?.fields.map(\.seen) == ["1 of the source's are gone (n-5)"],
            "\(ComparisonText(report).text)"
        )
        // One more is gone, and one was deleted.
        try await destination.delete("/q/n-1")
        let more = await compare(sides, newer: .above(last)).findings.first?.fields.first
        #expect(more?.seen == "2 of the source's are gone (n-1, n-5)" && more?.against == "1 deleted since")
        let except = await compare(sides, newer: .above(last), except: ["/q/n-5"])
        #expect(except.isEqual, "\(ComparisonText(except).text)")
        await destination.close()
    }

    private func paths(_ sides: ComparedSides) async -> [String] {
        await compare(sides).findings.map(\.path).sorted()
    }

    @Test("one replica that lacks nodes at an equal transaction id is found and named")
    func laggingReplica() async throws {
        let group = try ServerGroup(3)
        defer { withExtendedLifetime(group) {} }
        let writer = try await group.session(0)
        try await fill(writer)
        let whole = await compare(ComparedSides(replicas: try group.compared))
        #expect(whole.isEqual, "\(ComparisonText(whole).text)")

        let last = try #require(try await writer.exists(try await writer.create("/t/last"))).czxid
        group.stop(2)
        try olderSnapshot(in: group.data(2) + "/version-2", named: last)
        try group.start(2)
        let third = try await group.session(2)
        #expect(try await third.exists("/t/d21/n19") == nil)
        await third.close()

        let report = await compare(ComparedSides(replicas: try group.compared))
        #expect(report.different >= 22 * 20 + 22 + 1)
        #expect(report.findings.allSatisfy { $0.servers == ["z3"] && $0.isWithinSide })
        #expect(report.findings.contains { $0.kind == .missing })
        await writer.close()
    }

    /// The server then takes the last transaction for done, and has only what the snapshot holds.
    private func olderSnapshot(in directory: String, named last: Zxid) throws {
        let files = FileManager.default
        let names = try files.contentsOfDirectory(atPath: directory)
        let snapshots = names.filter { $0.hasPrefix("snapshot.") }
        let oldest = try #require(
            snapshots.min {
                (Int($0.dropFirst(9), radix: 16) ?? 0) < (Int($1.dropFirst(9), radix: 16) ?? 0)
            }
        )
        for name in names where name.hasPrefix("log.") || name.hasPrefix("snapshot.") && name != oldest {
            try files.removeItem(atPath: "\(directory)/\(name)")
        }
        try files.moveItem(
            atPath: "\(directory)/\(oldest)",
            toPath: "\(directory)/snapshot.\(String(last.value, radix: 16))"
        )
    }

    @Test(
        "replicas that are written to are alike; a node for its owner needs credentials; a dead server is named"
    )
    func livingEnsemble() async throws {
        let group = try ServerGroup(3)
        defer { withExtendedLifetime(group) {} }
        let owner = Credentials.digest(user: "kafka", password: "secret")
        let session = try await group.session(0, [owner])
        try await fill(session)
        let sides = ComparedSides(replicas: try group.compared)

        let writer = Task {
            var number = 0
            while !Task.isCancelled {
                number += 1
                _ = try await session.create(
                    "/t/d1/s-",
                    data: Data("\(number)".utf8),
                    mode: .persistentSequential
                )
                _ = try await session.set("/t/d\(number % 22)/n\(number % 20)", data: Data("\(number)".utf8))
            }
        }
        var reports: [ComparisonReport] = []
        for _ in 0..<3 { reports.append(await compare(sides)) }
        writer.cancel()
        _ = await writer.result
        for report in reports { #expect(report.different == 0, "\(ComparisonText(report).text)") }

        _ = try await session.create("/t/private", data: Data("x".utf8), access: .creatorAll)
        _ = try await session.create("/t/private/below", access: .creatorAll)
        let refused = await compare(sides)
        #expect(refused.different == 0)
        #expect(!refused.isComplete)
        #expect(Set(refused.unjudged.map(\.path)) == ["/t/private"])
        #expect(refused.unjudged.map(\.reason).contains(.childrenNotAllowed))
        let allowed = await compare(sides, [owner])
        #expect(allowed.isEqual, "\(ComparisonText(allowed).text)")
        #expect(allowed.nodes == refused.nodes + 1)

        group.stop(2)
        let two = await compare(sides, patience: .seconds(2), [owner])
        #expect(two.lost.map(\.server) == ["z3"])
        #expect(two.different == 0 && !two.isEqual)
        #expect(two.nodes == allowed.nodes)
        await session.close()
    }
}
