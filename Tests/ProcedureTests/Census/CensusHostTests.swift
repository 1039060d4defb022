import ControlProtocol
import Fleet
import Procedure
import Settings
import Testing
import Topology

@Suite("Who is left behind: brokers and hosts")
struct CensusHostTests {
    private static let path = "/kafka/brokers/ids/2"
    private static let session = Sight.session(4, 2)

    private func broker(_ seats: [String: [(address: String, session: Int64?)]]) throws -> Sight {
        var sight = try Sight(Fixture.kafka)
        sight.telling = []
        sight.seats = seats
        sight.own(Self.session, Self.path, "/kafka/controller")
        sight.named = [Self.path: SessionNumber(Self.session)]
        return sight
    }

    @Test("a broker is where its host's connections are")
    func brokers() throws {
        let moved = try broker(["d4": [("198.51.100.32", nil)], "s1": [("10.0.0.9", nil)]]).census()
        #expect(moved.isClear, "\(moved.left) \(moved.undecided)")
        #expect(moved.holders.map(\.name.description) == ["broker 2 (k2)"])
        let stayed = try broker(["s3": [("198.51.100.32", nil)]]).census()
        #expect(
            stayed.left == [
                "session 0x400000000000002, broker 2 (k2), at 198.51.100.32, which owns /kafka/brokers/ids/2, "
                    + "/kafka/controller, is at the source (s3)"
            ]
        )
        let torn = try broker(["s3": [("198.51.100.32", nil)], "d4": [("198.51.100.32", nil)]]).census()
        #expect(torn.undecided.first?.contains("has connections to both sides") == true)
        #expect(torn.left.first?.contains("198.51.100.32 (broker 2 (k2)) is connected to the source") == true)
        let gone = try broker([:]).census()
        #expect(gone.undecided.first?.contains("has no connection to any server") == true)
    }

    @Test(
        "a host of the inventory that the plan does not name is called by its name, and is no more known than before"
    )
    func listed() throws {
        var sight = try Sight(inventory: "- {host: registry7, address: 10.0.0.7, addresses: [10.0.1.7]}")
        sight.seats = [
            "s2": [("10.0.0.7", nil), ("10.0.0.9", nil)],
            "d4": [("10.0.1.7", nil)],
        ]
        sight.telling = []
        sight.own(Sight.session(1, 7), "/app/a")
        let census = try sight.census()
        #expect(!census.isClear)
        #expect(
            census.newcomers == ["10.0.1.7 (registry7 of the inventory) (d4: 1)"]
        )
        #expect(
            census.hints.first
                == "connected to the source and not known by the plan: 10.0.0.7 (registry7 of the inventory) (s2: 1), 10.0.0.9 (s2: 1)"
        )
        #expect(Set(census.clients.map(\.name.description)) == ["registry7 of the inventory", "unknown"])
    }

    @Test("what is not known of a source server leaves a broker undecided")
    func gap() throws {
        var sight = try broker(["d4": [("198.51.100.32", nil)]])
        sight.answers = ["s2": .silent(reason: "nobody is there")]
        let census = try sight.census()
        #expect(census.undecided.first == "s2: nobody is there")
        #expect(census.undecided.last?.contains("may have connections to the source") == true)
    }

    @Test("an agent that is too old, silent, or cannot tell is named, and decides nothing")
    func agents() throws {
        for host in ["s1", "d5"] {
            let unknown = ClientsReport(ports: [], connections: nil, obstacle: "no client port")
            for (answer, word) in [
                (ClientsAnswer.tooOld, "its agent is too old to tell its clients"),
                (.silent(reason: "nobody is there"), "nobody is there"), (.told(unknown), "no client port"),
            ] {
                var sight = try Sight()
                sight.answers = [host: answer]
                let census = try sight.census()
                #expect(census.undecided.count == 1 && census.undecided[0].hasPrefix("\(host): "))
                #expect(census.undecided[0].contains(word) && !census.isClear)
            }
        }
    }

    @Test("an agent that had to leave clients out is named, and decides nothing")
    func truncated() throws {
        let port = try #require(Port(2181))
        let address = try #require(IPAddress("10.0.0.7"))
        var sight = try Sight()
        let connections = [ClientsReport.Connections](
            repeating: .init(address: address, port: port, count: 1),
            count: ClientsReport.mostConnections + 1
        )
        sight.answers = ["s1": .told(ClientsReport(ports: [port], connections: connections))]
        #expect(try sight.census().undecided == ["s1: has clients at more than 20000 addresses"])
    }

    @Test("a host that is connected to both sides is left behind, unless it is one of ours or ignored")
    func bothSides() throws {
        func census(_ address: String, _ more: String = "", own: Bool = false) throws -> Census {
            var sight = try Sight("trees: [/app]\n" + more)
            if own { sight.own = [try #require(IPAddress(address))] }
            sight.seats = ["s1": [(address, nil), (address, nil)], "d4": [(address, nil)]]
            return try sight.census()
        }
        #expect(
            try census("10.0.0.7").left == [
                "10.0.0.7 (unknown) is connected to the source (s1: 2) and to the destination (d4: 1)"
            ]
        )
        #expect(try census("10.0.0.7", own: true).isClear)
        #expect(try census("198.51.100.12").isClear)
        // On each server it is another host.
        #expect(try census("127.0.0.1").isClear)
        #expect(try census("10.0.0.7", "clients: {ignore: [{address: 10.0.0.7, reason: polls}]}\n").isClear)
    }

    @Test("ignored sessions excuse a host where they are all that it has at the source")
    func ignoredSessions() throws {
        var sight = try Sight(
            "trees: [/app]\nclients: {ignore: [{session: 0x100000000000007, reason: polls}]}\n"
        )
        let (old, new) = (Sight.session(1, 7), Sight.session(4, 7))
        sight.seats = ["s1": [("10.0.0.7", old)], "d4": [("10.0.0.7", new)]]
        #expect(try sight.census().isClear)
        sight.seats["s1"]?.append(("10.0.0.7", Sight.session(1, 8)))
        #expect(try sight.census().left.count == 1)
        sight.seats["s1"] = [("10.0.0.7", old), ("10.0.0.7", nil)]
        #expect(try sight.census().left.count == 1)
    }
}
