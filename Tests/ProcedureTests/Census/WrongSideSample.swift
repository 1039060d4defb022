import ControlProtocol
import Fleet
import Procedure
import Settings
import Testing
import Topology

/// Writes on the source, made up.
enum WrongSideSample {
    static let split = Zxid(0x1_0000_0005)

    static var facts: RunFacts {
        var facts = RunFacts()
        facts.detached["d4"] = RunFacts.Detached(
            pid: 1,
            end: HistoryEnd(epoch: 1, zxid: split),
            proof: .idle
        )
        return facts
    }

    static func plan(_ more: String = "trees: [/app]\n") throws -> MigrationPlan {
        try Fixture.plan(source: 3, destination: 3, kafka: more)
    }

    static func write(_ counter: UInt32, _ path: String = "/app/n", at address: String? = nil)
        -> WritesReport.Write
    {
        WritesReport.Write(
            zxid: Zxid(epoch: 2, counter: counter),
            at: 1_700_000_000_000,
            kind: .create,
            path: path,
            session: SessionNumber(0x1_0000_0007),
            address: address.flatMap { IPAddress($0) }
        )
    }

    static func report(_ writes: [WritesReport.Write], gap: String? = nil, unread: Int = 0) -> WritesAnswer {
        .told(
            WritesReport(
                first: writes.first?.zxid,
                last: writes.last?.zxid,
                gap: gap,
                count: writes.count,
                unread: unread,
                writes: writes
            )
        )
    }

    /// What source servers tell of sessions; at most one is connected.
    static func clients(
        silent: [String] = [],
        session: SessionNumber? = nil
    ) throws -> [HostName: ClientsAnswer] {
        let address = try #require(IPAddress("10.0.0.7"))
        let hosts = try ["s1", "s2", "s3"].map { ($0, try #require(HostName($0))) }
        return Dictionary(
            uniqueKeysWithValues: hosts.map { name, host in
                let told = session.map { [ClientsReport.Session(id: $0, address: address)] } ?? []
                let isSilent = silent.contains(name)
                let report = ClientsReport(
                    ports: [],
                    connections: [],
                    sessions: isSilent ? nil : name == "s2" ? told : [],
                    sessionsAreWhole: !isSilent
                )
                return (host, .told(report))
            }
        )
    }

    static func answers(_ answers: [String: WritesAnswer]) throws -> [HostName: WritesAnswer] {
        Dictionary(uniqueKeysWithValues: try answers.map { (try #require(HostName($0.key)), $0.value) })
    }
}
