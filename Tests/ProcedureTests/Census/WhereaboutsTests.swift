import ControlProtocol
import Fleet
import Procedure
import Settings
import Testing
import Topology

@Suite("Where sessions of an old copy are")
struct WhereaboutsTests {
    private static let address = "10.0.0.7"

    /// What one server's agent says.
    private func report(_ sessions: [Int64]?, isWhole: Bool = true) throws -> ClientsAnswer {
        let address = try #require(IPAddress(Self.address))
        let port = try #require(Port(2181))
        return .told(
            ClientsReport(
                ports: [port],
                connections: [.init(address: address, port: port, count: 1)],
                sessions: sessions?.map { .init(id: SessionNumber($0), address: address) },
                sessionsAreWhole: isWhole,
                sessionsObstacle: sessions == nil ? "cons is not allowed" : nil
            )
        )
    }

    private func places(
        _ answers: [String: ClientsAnswer],
        _ side: EnsembleSide = .source
    ) throws -> Whereabouts {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: "trees: [/app]\n")
        let clients = Dictionary(
            uniqueKeysWithValues: try answers.map { (try #require(HostName($0.key)), $0.value) }
        )
        return Whereabouts(plan, side, clients: clients)
    }

    @Test("at this side, at the other, or at none where every server of this side tells all of its sessions")
    func told() throws {
        let places = try places([
            "s1": try report([1]), "s2": try report([]), "s3": try report([]), "d4": try report([2]),
        ])
        let here = places.place(of: SessionNumber(1))
        #expect(here.isInUse && "\(here)" == "is connected to s1 from 10.0.0.7")
        let moved = places.place(of: SessionNumber(2))
        #expect(!moved.isInUse && "\(moved)".contains("has its client at d4"))
        let gone = places.place(of: SessionNumber(3))
        #expect(gone == .nowhere && "\(gone)".contains("connected to no server here"))
    }

    @Test("of the destination's copies, the destination is this side")
    func destination() throws {
        let answers = ["s1": try report([1]), "d4": try report([2])]
        #expect(try places(answers, .destination).place(of: SessionNumber(2)).isInUse)
        #expect(try !places(answers, .destination).place(of: SessionNumber(1)).isInUse)
    }

    @Test("one server that does not tell, or not all, leaves it open, with the reason")
    func untold() throws {
        let none = try report([])
        for (silent, word) in [
            (try report(nil), "s3: cons is not allowed"), (try report([], isWhole: false), "s3: "),
            (.tooOld, "s3: its agent is too old"), (.silent(reason: "gone"), "s3: gone"),
        ] {
            let place = try places(["s1": none, "s2": none, "s3": silent]).place(of: SessionNumber(1))
            #expect(!place.isInUse && "\(place)".contains(word), "\(place)")
        }
        #expect("\(try places(["s1": none]).place(of: SessionNumber(1)))".contains("s2: was not asked"))
    }
}
