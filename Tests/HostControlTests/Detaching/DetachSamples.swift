import ControlProtocol
import Topology

@testable import HostControl

extension Serving {
    static func serving(_ zxid: Zxid) -> Serving {
        .yes(
            stats: ServerStats(
                version: ServerVersion(3, 8, 0),
                role: .follower,
                zxid: zxid,
                connections: 1,
                outstanding: 0,
                nodeCount: 5,
                syncedFollowers: nil
            )
        )
    }
}

extension LogWriter.Sample {
    private static let begin = ContinuousClock.now

    /// So many milliseconds after the first; `turns` is how often the thread has run, nil when there is none.
    static func at(
        _ milliseconds: Int,
        turns: UInt64?,
        call: LogWriter.Call = .endlessWait,
        isServer: Bool = true
    ) -> LogWriter.Sample {
        let threads = turns.map {
            [LogWriter.Writer(id: 7, state: "S", call: call, switches: $0, ticks: 1)]
        }
        return LogWriter.Sample(
            takenAt: begin + .milliseconds(milliseconds),
            threads: threads ?? [],
            isServer: isServer
        )
    }
}

extension DetachRequest {
    static let peers = Wall(peers: [address("198.51.100.2")], scope: .allTCP)
    /// One that stood before: of the same peers and one more.
    static let older = Wall(peers: [address("198.51.100.2"), address("198.51.100.9")], scope: .allTCP)

    /// Without any time the server is looked at once.
    static func of(pid: Int32? = 41, seconds: Int = 30) -> DetachRequest {
        DetachRequest(service: "zookeeper", pid: pid, wall: peers, seconds: seconds)
    }
}
