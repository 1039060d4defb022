/// Where a server's history on disk ends.
///
/// Ordered as an election orders candidates (`FastLeaderElection.totalOrderPredicate`): first by the epoch of the last
/// leader that the server followed, the file `currentEpoch`, then by its last transaction.
package struct HistoryEnd: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let epoch: Int64
    package let zxid: Zxid

    package init(epoch: Int64, zxid: Zxid) {
        self.epoch = epoch
        self.zxid = zxid
    }

    package var description: String { "epoch \(epoch), \(zxid)" }

    package static func < (left: HistoryEnd, right: HistoryEnd) -> Bool {
        (left.epoch, left.zxid) < (right.epoch, right.zxid)
    }
}
