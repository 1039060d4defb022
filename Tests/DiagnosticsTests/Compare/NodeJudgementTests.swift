import FoundationEssentials
import Testing
import Topology

@testable import Diagnostics
@testable import ZooKeeperClient

@Suite("what may differ of a node, and what may not")
struct NodeJudgementTests {
    @Test(
        "an ephemeral node that only the destination has went with its session, and its parent's count with it"
    )
    func ended() {
        let node = Self.node(owner: 7)
        #expect(Self.sides(nil, node).isEnded)
        #expect(!Self.sides(node, nil).isEnded)
        let before = Self.node(childrenVersion: 3, children: 3)
        let after = Self.node(pzxid: Zxid(epoch: 5, counter: 200), childrenVersion: 6, children: 0)
        #expect(Self.sides(after, before).isEnded)
        // One more was made on the source.
        let written = Self.node(pzxid: Zxid(epoch: 5, counter: 200), childrenVersion: 7, children: 1)
        #expect(!Self.sides(written, before).isEnded)
    }

    @Test("every field is seen to differ, and only what a transaction dates can be newer")
    func fields() {
        let base = Self.node()
        let dated = Self.node(mzxid: Zxid(epoch: 6, counter: 1), version: 1, data: "y")
        #expect(Self.sides(base, dated).since == Zxid(epoch: 6, counter: 1))
        #expect(Self.sides(base, Self.node(data: "y")).isDifferent)
        #expect(Self.sides(base, Self.node(version: 1)).isDifferent)
        #expect(Self.sides(base, Self.node(aclVersion: 1)).isDifferent)
        #expect(Self.sides(base, Self.node(access: .readable)).isDifferent)
        #expect(Self.sides(base, Self.node(owner: 7)).isDifferent)
        #expect(Self.sides(base, Self.node(childrenVersion: 2)).isDifferent)
        #expect(Self.sides(base, Self.node(mzxid: Zxid(epoch: 6, counter: 1), access: .readable)).isDifferent)
        let anew = Self.node(czxid: Zxid(epoch: 6, counter: 9), access: .readable)
        #expect(Self.sides(base, anew).since == Zxid(epoch: 6, counter: 9))
    }

    @Test("the replica that is alone with what it shows is the one that is named")
    func majority() {
        let judged = NodeJudgement(
            [Self.node(data: "y"), Self.node(), Self.node()],
            sides: [[0, 1, 2]],
            parent: nil
        )
        #expect(judged.withinSides.map(\.replicas) == [[0]])
        #expect(judged.withinSides.map(\.against) == [1])
        let lacking = NodeJudgement([Self.node(), nil, Self.node()], sides: [[0, 1, 2]], parent: nil)
        #expect(lacking.withinSides.map(\.kind) == [.missing])
        let alone = NodeJudgement([nil, nil, Self.node()], sides: [[0, 1, 2]], parent: nil)
        #expect(alone.withinSides.map(\.kind) == [.extra])
        #expect(!lacking.isEqual && !alone.isEqual)
    }

    @Test("a node that the destination lacks is excused by its parent's later change only")
    func missing() {
        let later = Zxid(epoch: 6, counter: 3)
        #expect(
            NodeJudgement([Self.node(), nil], sides: [[0], [1]], parent: later).betweenSides?.since == later
        )
        #expect(Self.sides(Self.node(), nil).isDifferent)
        #expect(Self.sides(nil, Self.node()).since == Self.node().stat.czxid)
    }

    private static func sides(_ source: WholeNode?, _ destination: WholeNode?) -> NodeJudgement.Sides {
        NodeJudgement([source, destination], sides: [[0], [1]], parent: nil).betweenSides ?? .alike(nil)
    }

    private static func node(
        czxid: Zxid = Zxid(epoch: 1, counter: 1),
        mzxid: Zxid = Zxid(epoch: 1, counter: 1),
        pzxid: Zxid = Zxid(epoch: 1, counter: 1),
        version: Int32 = 0,
        childrenVersion: Int32 = 0,
        aclVersion: Int32 = 0,
        owner: Int64 = 0,
        children: Int = 0,
        data: String = "x",
        access: AccessList = .open
    ) -> WholeNode {
        WholeNode(
            stat: NodeStat(
                czxid: czxid,
                mzxid: mzxid,
                pzxid: pzxid,
                ctime: 1,
                mtime: 1,
                version: version,
                childrenVersion: childrenVersion,
                aclVersion: aclVersion,
                ephemeralOwner: owner == 0 ? nil : SessionID(owner),
                ownerField: owner,
                dataLength: data.utf8.count,
                childCount: children
            ),
            data: Data(data.utf8),
            access: access
        )
    }
}

extension NodeJudgement.Sides {
    fileprivate var isEnded: Bool { if case .ended = self { true } else { false } }
    fileprivate var isDifferent: Bool { if case .differ = self { true } else { false } }
    fileprivate var since: Zxid? { if case .newer(_, let since) = self { since } else { nil } }
}
