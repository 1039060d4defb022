import ControlProtocol
import Fleet
import Procedure
import Settings
import Testing
import Topology

@Suite("Who is left behind: sessions that own what moves")
struct CensusHolderTests {
    private static let old = Sight.session(1, 7)
    private static let new = Sight.session(4, 7)

    @Test("nobody owns anything, and nobody is connected to both sides: nobody is left")
    func empty() throws {
        var sight = try Sight()
        sight.seats = ["s1": [("10.0.0.7", Self.old)], "d4": [("10.0.0.8", Self.new)]]
        let census = try sight.census()
        #expect(census.isClear && census.left.isEmpty && census.undecided.isEmpty)
        #expect(census.summary.hasPrefix("7 nodes of /app: 0 sessions own ephemeral nodes there"))
        #expect(census.notes == ["connected to the destination and not known by the plan: 10.0.0.8 (d4: 1)"])
    }

    @Test("without a tree nothing can be said")
    func noTree() throws {
        let census = try Sight("").census()
        #expect(!census.isClear && census.left.isEmpty && census.undecided.isEmpty)
        #expect(census.summary == "no tree is declared: nothing can be said of clients that are left behind")
    }

    @Test("a source server's list names the session: it is left behind, with address, session and paths")
    func listedAtSource() throws {
        var sight = try Sight()
        sight.seats = ["s2": [("10.0.0.7", Self.new)]]
        sight.own(Self.new, "/app/b", "/app/a", "/app/d", "/app/c")
        let census = try sight.census()
        #expect(
            census.left == [
                "session 0x400000000000007 at 10.0.0.7, which owns /app/a, /app/b, /app/c and 1 more, is at the source (s2)"
            ]
        )
        let host = try #require(HostName("s2"))
        #expect(census.holders.map(\.place) == [.source(host)])
        #expect(census.clients.map(\.ephemerals) == [4])
        #expect(!census.isClear)
    }

    @Test(
        "a destination server's list names it: it has moved, wherever it was opened and whatever others do not tell"
    )
    func listedAtDestination() throws {
        var sight = try Sight()
        sight.seats = ["d4": [("10.0.0.7", Self.old)]]
        sight.telling = ["d4"]
        sight.own(Self.old, "/app/a")
        let census = try sight.census()
        #expect(census.holders.map(\.place) == [.destination] && census.isClear)
    }

    @Test("lists of both sides name it: that is not decided")
    func listedTwice() throws {
        var sight = try Sight()
        sight.seats = ["s1": [("10.0.0.7", Self.old)], "d5": [("10.0.0.7", Self.old)]]
        sight.own(Self.old, "/app/a")
        let census = try sight.census()
        #expect(census.undecided.count == 1 && census.undecided[0].contains("s1 and d5 at the same time"))
        #expect(!census.isClear)
    }

    @Test("opened at the source and told by nobody: not decided, and who may be meant is named")
    func openedAtSource() throws {
        var sight = try Sight()
        sight.telling = []
        sight.seats = ["s1": [("10.0.0.7", nil)], "s2": [("198.51.100.11", nil)]]
        sight.own(Self.old, "/app/a")
        let census = try sight.census()
        #expect(
            census.undecided == [
                "session 0x100000000000007, which owns /app/a, was opened at source server 1 and may still be there"
            ]
        )
        #expect(census.hints.first == "connected to the source and not known by the plan: 10.0.0.7 (s1: 1)")
        #expect(census.hints.last?.contains("3 of 3 source servers (s1: 'cons' is not allowed)") == true)
        #expect(!census.isClear)
    }

    @Test(
        "opened at the source, and no source server has it: not decided as long as no destination server has it"
    )
    func nowhere() throws {
        var sight = try Sight()
        sight.own(Self.old, "/app/a")
        let census = try sight.census()
        #expect(census.undecided.first?.contains("no server that tells has it now") == true)
        #expect(!census.isClear)
    }

    @Test("opened at no server of the plan: not decided", arguments: [Sight.session(9, 1), 1])
    func foreignOrigin(_ session: Int64) throws {
        var sight = try Sight()
        sight.own(session, "/app/a")
        #expect(try sight.census().undecided.count == 1)
    }

    @Test(
        "opened at the destination: moved where all at the source are known, or all can be where they were opened; else not decided"
    )
    func openedAtDestination() throws {
        var sight = try Sight(
            "trees: [/app]\nclients: {ignore: [{address: 10.0.0.9, reason: a tenant}]}\n"
        )
        sight.telling = []
        sight.own(Self.new, "/app/a")
        sight.own = [try #require(IPAddress("10.0.0.1"))]
        sight.seats = [
            "s1": [("198.51.100.12", nil), ("127.0.0.1", nil), ("10.0.0.1", nil), ("10.0.0.9", nil)],
            "d4": [("10.0.0.7", nil)],
        ]
        #expect(try sight.census().isClear)
        // With a stranger at the source: as long as there is a connection at the destination for each.
        sight.seats["s3"] = [("10.0.0.8", nil)]
        #expect(try sight.census().isClear)
        sight.own(Sight.session(5, 9), "/app/b")
        let census = try sight.census()
        #expect(census.undecided.count == 2)
        #expect(census.undecided.first?.contains("opened at destination server 4") == true)
        #expect(census.hints.first?.contains("10.0.0.8 (s3: 1)") == true)
        // Where the source tells all of its sessions, a stranger there is somebody else.
        sight.telling = ["s1", "s2", "s3"]
        #expect(try sight.census().isClear)
    }

    @Test("a client that the plan moves has its place at the destination, whoever else is at the source")
    func knownSeats() throws {
        var sight = try Sight(
            """
            trees: [/app]
            clients:
              move:
                - {name: one, host: c1, address: 10.0.0.9, service: one.service, config: /etc/one, connect: {property: servers}, tree: /app}

            """
        )
        sight.telling = []
        sight.own(Self.new, "/app/a")
        sight.seats = ["s1": [("10.0.0.8", nil)], "d4": [("10.0.0.9", nil)]]
        let census = try sight.census()
        #expect(census.isClear, "\(census.left) \(census.undecided)")
        sight.own(Sight.session(5, 9), "/app/b")
        #expect(try sight.census().undecided.count == 2)
        // Where a server tells its sessions, whoever is connected to it is told.
        sight.seats["d4"]?.append(("10.0.0.9", Sight.session(4, 3)))
        #expect(try sight.census().isClear)
        sight.telling = ["d4"]
        #expect(try sight.census().undecided.count == 2)
    }

    @Test("a broker's connection is its own session's, and nobody else's")
    func brokersSeat() throws {
        var sight = try Sight(Fixture.kafka)
        let path = "/kafka/brokers/ids/2"
        sight.telling = []
        sight.own(Sight.session(4, 2), path)
        sight.own(Sight.session(5, 9), "/kafka/consumers/c")
        sight.named = [path: SessionNumber(Sight.session(4, 2))]
        sight.seats = ["s1": [("10.0.0.8", nil)], "d4": [("198.51.100.32", nil)]]
        #expect(try sight.census().undecided.count == 1)
        sight.seats["d5"] = [("10.0.0.7", nil)]
        #expect(try sight.census().isClear)
    }

    @Test("what is ignored stays without being in the way: by session, and by address where a list tells it")
    func ignored() throws {
        for entry in ["session: 0x100000000000007", "address: 10.0.0.7"] {
            var sight = try Sight("trees: [/app]\nclients: {ignore: [{\(entry), reason: reads only}]}\n")
            sight.seats = ["s1": [("10.0.0.7", Self.old)]]
            sight.own(Self.old, "/app/a")
            let census = try sight.census()
            #expect(census.isClear, "\(entry): \(census.left) \(census.undecided)")
            #expect(census.holders.map(\.place) == [.ignored(reason: "reads only")])
            #expect(
                census.excused.count == 1 && census.excused[0].hasSuffix("is ignored by the plan: reads only")
            )
        }
    }

    @Test("trees that cannot be read, are not there or are too large decide nothing")
    func unknownTrees() throws {
        var silent = try Sight()
        silent.silence = "no server answers"
        #expect(try silent.census().undecided == ["the trees that move cannot be read: no server answers"])
        var absent = try Sight()
        absent.missing = ["/app"]
        #expect(try absent.census().undecided.first?.hasPrefix("/app: there is no such node") == true)
        var large = try Sight()
        large.isWhole = false
        #expect(try !large.census().isClear)
    }

    @Test("below a node that may not be read anybody may be, unless the plan ignores it or one above it")
    func closedNodes() throws {
        func census(_ paths: [String], of count: Int? = nil, ignoring ignored: String = "") throws -> Census {
            let clients = ignored.isEmpty ? "" : "clients: {ignore: [\(ignored)]}\n"
            var sight = try Sight("trees: [/app]\n" + clients)
            sight.unreadablePaths = paths
            sight.unreadable = count ?? paths.count
            return try sight.census()
        }
        let closed = try census(["/app/secret", "/app/b"])
        #expect(!closed.isClear && closed.undecided.count == 1)
        for word in ["2 nodes may not be read", "/app/secret, /app/b", "'auth'", "'clients.ignore'"] {
            #expect(closed.undecided[0].contains(word), "\(word): \(closed.undecided)")
        }
        let rule = "{path: /app/secret, reason: keys only}"
        let ignored = try census(["/app/secret", "/app/secret/a/b"], ignoring: rule)
        #expect(ignored.isClear, "\(ignored.undecided)")
        #expect(
            ignored.excused == [
                "what is below /app/secret, /app/secret/a/b, which may not be read, is ignored by the plan: keys only"
            ]
        )
        let other = try census(["/app/secret", "/app/secrets"], ignoring: rule)
        #expect(other.undecided.first?.hasPrefix("1 nodes") == true && other.excused.count == 1)
        // More than are told by name.
        let more = try census(["/app/secret"], of: 2, ignoring: rule)
        #expect(more.undecided.first?.hasPrefix("1 nodes") == true)
    }

    @Test("Kafka's own nodes at the top need not all be there")
    func topNodes() throws {
        var sight = try Sight("kafka: {brokers: [{id: 1, host: k1, address: 198.51.100.31}]}\n")
        sight.missing = ["/kafka-acl", "/consumers"]
        #expect(try sight.census().isClear)
        sight.missing = ["/brokers"]
        #expect(try !sight.census().isClear)
    }
}
