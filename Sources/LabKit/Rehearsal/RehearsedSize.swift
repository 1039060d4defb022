internal import Rehearsals

/// How much data a rehearsal has, and how much memory for it.
struct RehearsedSize: Sendable, Hashable {
    /// Megabytes of a JVM that has next to no data.
    private static let leastHeap = 128
    private static let mostHeap = 65_536
    /// Bytes that a node takes besides its data, and how many times a server needs all of it: tree, snapshot, young objects.
    private static let overhead = 500
    private static let times = 3

    let nodes: Int
    /// Of each node's data.
    let bytes: Int
    /// Megabytes.
    let heap: Int
    let remarks: [String]

    init(of setup: RehearsedSetup, on machine: RehearsalMachine, servers: Int, mostNodes: Int) {
        let seen = setup.source.compactMap(\.nodes).max()
        let wanted = seen ?? 0
        // On disk are the names, too; what a log repeats is counted with it.
        let size = setup.source.compactMap(\.bytes).max() ?? 0
        bytes = wanted == 0 ? 100 : min(max(size / wanted, 1), 100_000)
        let room = min(max(Self.leastHeap, machine.memory / 2 / max(1, servers)), Self.mostHeap)
        let perNode = (bytes + Self.overhead) * Self.times
        let fitting = (room - Self.leastHeap / 2) * (1 << 20) / perNode
        nodes = max(0, min(wanted, mostNodes, fitting, 2_000_000))
        heap = min(room, Self.leastHeap + (nodes * perNode) / (1 << 20))
        var remarks: [String] = []
        if seen == nil {
            remarks.append("an empty tree: how many nodes the source has was not seen")
        } else if nodes < wanted {
            let why =
                nodes == mostNodes ? "as --nodes says" : "there is no memory for more in \(servers) servers"
            remarks.append(
                "\(nodes) of \(wanted) nodes, of \(bytes) bytes each: \(why); the window grows with the data"
            )
        } else {
            remarks.append("\(nodes) nodes of \(bytes) bytes each, as on average there")
        }
        remarks.append("each ZooKeeper has \(heap) MB of heap here")
        self.remarks = remarks
    }
}
