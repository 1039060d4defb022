import Glibc
import LabKit
import Testing

/// A division without any of our gates: walls up, every destination process killed, all started at once.
///
/// Kept as the proof that the tests of losses can fail.
struct NaiveDivision {
    let lab: Lab

    init(_ lab: Lab) { self.lab = lab }

    /// The destination's own configuration under the running joint processes.
    func restoreFiles() async throws {
        for host in lab.configuration.destinationHosts {
            let text = ZooKeeperServer.configuration(
                of: host,
                in: lab.configuration.destinationHosts,
                data: lab.view(of: host).zooKeeperData
            )
            try Folder.write(text, to: lab.layout.host(host).zooKeeperConfiguration)
        }
    }

    func divide() async throws {
        let source = lab.configuration.sourceHosts.map(\.ipv4).joined(separator: ", ")
        let rules = """
            table inet naive {
                chain input { type filter hook input priority -10; ip saddr { \(source) } meta l4proto tcp reject with tcp reset; }
                chain output { type filter hook output priority -10; ip daddr { \(source) } meta l4proto tcp reject with tcp reset; }
            }

            """
        for host in lab.configuration.destinationHosts {
            let file = lab.layout.host(host).run + "/naive.nft"
            try Folder.write(rules, to: file)
            try await Tool(["nft", "-f", file], namespace: lab.namespace(of: host)).output(step: "naive wall")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for host in lab.configuration.destinationHosts {
                group.addTask {
                    try await lab.kill(host)
                    try await lab.startZooKeeper(on: host)
                }
            }
            try await group.waitForAll()
        }
        try await lab.waitUntilServing(.destination, seconds: 60)
    }
}
