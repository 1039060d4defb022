import Testing
import Topology

@testable import Diagnostics
@testable import ZooKeeperClient

@Suite("nodes that no deletion explains")
struct LostChildrenTests {
    private static let names = ["a", "b", "c", "d"]

    @Test("no more of the source's nodes may be gone than were deleted on the destination")
    func bound() {
        let source = Self.listing(Self.names, created: 6)
        #expect(Self.lost(source, Self.listing(Self.names, created: 6)) == nil)
        // Two deleted; then one deleted, and of two that were made there another one.
        #expect(Self.lost(source, Self.listing(["a", "b"], created: 6)) == nil)
        #expect(Self.lost(source, Self.listing(["a", "b", "c", "e"], created: 8)) == nil)
        // One made beside, and one gone that nobody deleted.
        let gone = Self.lost(source, Self.listing(["a", "b", "c", "e"], created: 6))
        #expect(gone?.missing == ["d"] && gone?.deleted == 0)
        let two = Self.lost(source, Self.listing(["a", "b", "e"], created: 6))
        #expect(two?.missing == ["c", "d"] && two?.deleted == 1)
        #expect(two?.field.seen == "2 of the source's are gone (c, d)")
        #expect(two?.field.against == "1 deleted since")
        // Its creations are lost, too, and all counts with them.
        #expect(Self.lost(source, Self.listing(["a", "e"], created: 4))?.missing == ["b", "c", "d"])
    }

    @Test("what is not certain is not said")
    func uncertain() {
        let source = Self.listing(Self.names, created: 6)
        let lacking = Self.listing(["a", "b", "c", "e"], created: 6)
        // Made anew there: its counts begin at none.
        #expect(Self.lost(source, Self.listing(["a"], created: 1, czxid: 9)) == nil)
        // One replica that shows it whole, or does not tell, on either side.
        let whole = Self.listing(Self.names, created: 6)
        #expect(LostChildren([source, lacking, whole], sides: [[0], [1, 2]]) { _ in true } == nil)
        #expect(LostChildren([source, lacking, nil], sides: [[0], [1, 2]]) { _ in true } == nil)
        #expect(LostChildren([source, nil, lacking], sides: [[0, 1], [2]]) { _ in true } == nil)
        #expect(LostChildren([source, lacking], sides: [[0, 1]]) { _ in true } == nil)
        #expect(LostChildren([source, lacking], sides: [[0], [1]]) { $0 != "d" } == nil)
        // 2^31 changes and more: servers count on below zero.
        let wrapped = Self.listing(["a", "b", "c", "e"], childrenVersion: .min + 8)
        #expect(Self.lost(source, wrapped) == nil && Self.lost(wrapped, source) == nil)
        #expect(Self.lost(source, Self.listing(["a", "b", "c", "e"], childrenVersion: 9)) == nil)
        // The root counts the servers' own node as a child that nobody made.
        let root = Self.listing(["zookeeper", "a"], created: 1)
        #expect(Self.lost(root, root) == nil)
        #expect(Self.lost(root, Self.listing(["zookeeper", "b"], created: 1))?.missing == ["a"])
    }

    @Test("without a split it is a difference if both sides had the directory's latest change")
    func settled() {
        var report = ComparisonReport(servers: [["s"], ["d"]], path: "/", limit: 1)
        let finding = { (path: String) in
            ComparisonReport.Finding(
                path: path,
                kind: .changed,
                servers: ["d"],
                against: "s",
                isWithinSide: false,
                fields: []
            )
        }
        report.add(finding("/a"), ifCommon: Zxid(5))
        report.add(finding("/b"), ifCommon: Zxid(7))
        report.add(finding("/c"), ifCommon: Zxid(4))
        var without = report
        without.settle()
        #expect(without.different == 0 && without.isEqual)
        report.common(Zxid(6))
        report.settle()
        #expect(report.different == 2 && report.findings.map(\.path) == ["/a"])
    }

    private static func lost(_ source: NodeChildren, _ destination: NodeChildren) -> LostChildren? {
        LostChildren([source, destination], sides: [[0], [1]]) { _ in true }
    }

    private static func listing(_ names: [String], created: Int, czxid: UInt64 = 1) -> NodeChildren {
        listing(names, childrenVersion: Int32(2 * created - names.count), czxid: czxid)
    }

    private static func listing(
        _ names: [String],
        childrenVersion: Int32,
        czxid: UInt64 = 1
    ) -> NodeChildren {
        NodeChildren(
            names: names,
            stat: NodeStat(
                czxid: Zxid(czxid),
                mzxid: Zxid(1),
                pzxid: Zxid(3),
                ctime: 1,
                mtime: 1,
                version: 0,
                childrenVersion: childrenVersion,
                aclVersion: 0,
                ephemeralOwner: nil,
                ownerField: 0,
                dataLength: 0,
                childCount: names.count
            )
        )
    }
}
