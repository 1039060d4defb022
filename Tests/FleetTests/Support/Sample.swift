import ControlProtocol
import Fleet
import Testing

/// Values that the tests are full of.
enum Sample {
    static let done = CommandOutcome.done(result: .service(report: report))

    static let report = ServiceReport(
        service: "zookeeper",
        oldPID: nil,
        newPID: 7,
        stopMilliseconds: nil,
        startMilliseconds: 12
    )

    static func hosts(_ count: Int) throws -> [HostName] {
        try (1...count).map { try #require(HostName("s\($0)")) }
    }

    static func lease(_ epoch: UInt64 = 1) throws -> Lease {
        Lease(runID: try #require(RunID("run")), epoch: FencingEpoch(epoch))
    }

    static func commands(_ hosts: [HostName]) -> [HostCommand] {
        hosts.map { host in
            HostCommand(host, .service(request: ServiceRequest(service: "zookeeper", action: .start)))
        }
    }
}
