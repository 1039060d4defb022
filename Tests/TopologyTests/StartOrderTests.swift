import Testing
import Topology

/// Whoever leads, it needs the votes of a majority: no majority may lack a freshest server.
@Suite("the order of starting")
struct StartOrderTests {
    private static func ends(_ counters: [UInt32?]) throws -> [(id: ServerID, end: HistoryEnd?)] {
        try counters.enumerated().map { index, counter in
            let id = try #require(ServerID(index + 4))
            return (id, counter.map { HistoryEnd(epoch: 5, zxid: Zxid(epoch: 5, counter: $0)) })
        }
    }

    private static func order(_ counters: [UInt32?]) throws -> StartOrder {
        try #require(StartOrder(try ends(counters)))
    }

    private static func ids(_ numbers: Int...) throws -> [ServerID] {
        try numbers.map { try #require(ServerID($0)) }
    }

    @Test("all equal: all at once")
    func equal() throws {
        let order = try Self.order([7, 7, 7])
        #expect(try order.first == Self.ids(4, 5, 6))
        #expect(order.rest == [])
    }

    @Test("one is ahead: it and the next freshest, the last one afterwards")
    func oneAhead() throws {
        let order = try Self.order([7, 9, 8])
        #expect(try order.first == Self.ids(5, 6))
        #expect(try order.rest == Self.ids(4))
        #expect(try order.freshest == Self.ids(5))
    }

    @Test("two of three are ahead: the two")
    func twoAhead() throws {
        let order = try Self.order([9, 3, 9])
        #expect(try order.first == Self.ids(4, 6))
        #expect(try order.isSafe(Set(Self.ids(4, 5, 6))))
    }

    @Test("empty servers come last, in the order given, and only as many as a majority needs")
    func empty() throws {
        let order = try Self.order([7, 9, nil, nil, nil])
        #expect(try order.first == Self.ids(5, 4, 6))
        #expect(try order.rest == Self.ids(7, 8))
        #expect(try !order.isSafe(Set(Self.ids(4, 6, 7))))
        #expect(try order.isSafe(Set(Self.ids(4, 5, 6))))
    }

    @Test("a later epoch is fresher than any transaction of an earlier one")
    func epochs() throws {
        let (four, five, six) = (try Self.ids(4)[0], try Self.ids(5)[0], try Self.ids(6)[0])
        let order = try #require(
            StartOrder([
                (four, HistoryEnd(epoch: 5, zxid: Zxid(epoch: 5, counter: 900))),
                (five, HistoryEnd(epoch: 6, zxid: Zxid(epoch: 5, counter: 3))),
                (six, nil),
            ])
        )
        #expect(order.freshest == [five])
        #expect(order.first == [five, four])
    }

    @Test("without any history there is no order")
    func nothing() throws {
        #expect(StartOrder(try Self.ends([nil, nil, nil])) == nil)
    }

    @Test("no majority of those started first lacks a freshest one", arguments: [3, 5, 7])
    func everyMajority(servers: Int) throws {
        // Every way to give each server no history or one of three ends.
        let choices: [UInt32?] = [nil, 1, 2, 3]
        var code = 1
        let last = (0..<servers).reduce(1) { product, _ in product * choices.count }
        while code < last {
            var rest = code
            let counters = (0..<servers).map { _ in
                defer { rest /= choices.count }
                return choices[rest % choices.count]
            }
            let order = try #require(StartOrder(try Self.ends(counters)))
            let behind = order.first.filter { !order.freshest.contains($0) }
            let majority = Ensemble.majority(of: servers)
            #expect(behind.count < majority && order.first.count >= majority, "\(counters)")
            #expect(order.isSafe(Set(order.first)) && order.first.count + order.rest.count == servers)
            code += servers == 7 ? 7 : 1
        }
    }
}
