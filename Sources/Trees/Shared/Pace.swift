import SystemCalls

/// Lets so many nodes a second through, few at a time, as other tenants' requests wait behind them.
struct Pace {
    private static let allowance = Duration.milliseconds(50)

    private let rate: Int
    private let timing: Timing
    private var due = Duration.zero

    init(rate: Int, timing: Timing) {
        self.rate = max(1, rate)
        self.timing = timing
    }

    /// What goes on its way together: a hundredth of a second's, and 16 at most.
    var batch: Int { max(1, min(16, rate / 100)) }

    /// What stands in a file by one transaction: the disk may be that of a server's log, which each makes wait.
    var share: Int { max(1, min(250, rate / 2)) }

    /// What was not done in time is not caught up with.
    mutating func wait(for count: Int) async {
        let now = timing.monotonic()
        if due > now { await timing.sleep(due - now) }
        due = max(due, now - Self.allowance) + .seconds(Double(count) / Double(rate))
    }

    /// Does something with all items, a batch at a time; what comes of them is in their order.
    mutating func through<Item, Value>(_ items: [Item], _ body: ([Item]) async -> [Value]) async -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(items.count)
        for part in items.chunks(of: batch) {
            await wait(for: part.count)
            values += await body(part)
        }
        return values
    }
}

extension Array {
    func chunks(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
