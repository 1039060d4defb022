/// A node that hears nothing new: what comes from the source's quorum port vanishes.
///
/// It goes on serving with what it has until a heartbeat is missed for too long. What it sends itself gets out, a reset
/// too. The rules are the lab's own, in a table of their own.
package struct QuorumLag: Sendable {
    private static let table = "lab_lag"

    let lab: Lab

    package init(_ lab: Lab) { self.lab = lab }

    package func begin(on host: LabHost) async throws(LabError) {
        let source = lab.configuration.sourceHosts.map(\.ipv4).joined(separator: ", ")
        let rules = """
            table inet \(Self.table) {
                chain input {
                    type filter hook input priority -300
                    ip saddr { \(source) } tcp sport 2888 drop
                }
            }
            """
        let file = lab.layout.host(host).run + "/lag.nft"
        try Folder.write(rules + "\n", to: file)
        try await Tool(["nft", "-f", file], namespace: lab.namespace(of: host)).output(
            step: "cutting \(host.name) off the leader"
        )
    }

    /// Success also when nothing was begun.
    package func end(on host: LabHost) async throws(LabError) {
        _ = try await Tool(
            ["nft", "delete", "table", "inet", Self.table],
            namespace: lab.namespace(of: host)
        ).outcome()
    }
}
