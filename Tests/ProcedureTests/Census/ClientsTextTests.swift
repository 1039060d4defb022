import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Reporting
import Settings
import Testing
import Topology

@Suite("What `mitosis clients` prints")
struct ClientsTextTests {
    private func census(_ more: String, _ paths: [String] = ["/app/lock"]) throws -> Census {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: more)
        let port = try #require(Port(2181))
        let address = try #require(IPAddress("10.0.0.7"))
        let session = SessionNumber(1 << 56 | 7)
        var clients = Dictionary(
            (plan.source + plan.seeds).map { ($0.host, ClientsAnswer.told(.stopped)) }
        ) { first, _ in first }
        clients[try #require(HostName("s2"))] = .told(
            ClientsReport(
                ports: [port],
                connections: [.init(address: address, port: port, count: 2)],
                sessions: [.init(id: session, address: address)],
                sessionsAreWhole: true
            )
        )
        clients[try #require(HostName("d4"))] = .told(
            ClientsReport(ports: [port], connections: [.init(address: address, port: port, count: 1)])
        )
        let owners = [TreeEphemerals.Owner(session, paths: paths)]
        let ensemble = EnsembleCensus(ephemerals: .found(TreeEphemerals(owners: owners, nodes: 3)))
        return Census(plan, CensusSighting(clients: clients, ensemble: ensemble))
    }

    @Test("a line for each address and server, then who is left behind, then the verdict")
    func text() throws {
        #expect(
            ClientsText(try census("trees: [/app]\n")).text == """
                host  side         connections  address   who      sessions  ephemerals
                s2    source       2            10.0.0.7  unknown  1         1         
                d4    destination  1            10.0.0.7  unknown  -         0         

                left behind: session 0x100000000000007 at 10.0.0.7, which owns /app/lock, is at the source (s2)
                left behind: 10.0.0.7 (unknown) is connected to the source (s2: 2) and to the destination (d4: 1)
                note: connected to the destination and not known by the plan: 10.0.0.7 (d4: 1)
                2 left behind, 0 not decided: 3 nodes of /app: 1 sessions own ephemeral nodes there, 0 of them at the destination

                """
        )
    }

    @Test("what is ignored is said with its reason, and nobody is left behind")
    func ignored() throws {
        let text = ClientsText(
            try census("trees: [/app]\nclients: {ignore: [{address: 10.0.0.7, reason: polls}]}\n")
        ).text
        #expect(text.contains("ignored: polls  "))
        #expect(text.contains("ignored: session 0x100000000000007 at 10.0.0.7"))
        #expect(text.split(separator: "\n").last?.hasPrefix("nobody is left behind: ") == true)
    }

    @Test("without a tree nothing is claimed")
    func noTree() throws {
        let census = try census("")
        #expect(!census.isClear)
        #expect(ClientsText(census).text.contains("no tree is declared: nothing can be said"))
    }

    @Test("a program gets the same")
    func json() throws {
        struct Document: Decodable {
            struct Holder: Decodable {
                let session: String
                let place: String
                let address: String
                let paths: [String]
            }
            let clear: Bool
            let left: [String]
            let holders: [Holder]
        }
        let json = try ClientsText(try census("trees: [/app]\n")).json()
        let read = try JSONDecoder().decode(Document.self, from: Data(json.utf8))
        #expect(!read.clear && read.left.count == 2)
        #expect(read.holders.map(\.session) == ["0x100000000000007"])
        #expect(read.holders.map(\.place) == ["source"] && read.holders.map(\.paths) == [["/app/lock"]])
    }

    @Test("a path cannot steer the terminal")
    func hostile() throws {
        let text = ClientsText(try census("trees: [/app]\n", ["/app/\u{1B}[2J"])).text
        #expect(!text.contains("\u{1B}"))
    }
}
