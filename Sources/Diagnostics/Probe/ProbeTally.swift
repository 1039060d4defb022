package import Procedure
import SystemCalls
package import Topology

/// What one side has answered to its probe, added up: requests in, samples out.
package struct ProbeTally: Sendable {
    /// Between two samples of a program that goes on, on a machine that is very busy.
    private static let longestBeat = Duration.seconds(5)

    private let side: ProbedSide
    /// When the last write was acknowledged, by the clock that never goes back; nil before the first.
    private var last: Duration?
    /// Of the sample before: who was not even able to look was held up itself, by a suspension or a machine that stood still.
    private var beat: Duration?
    private var zxid: Zxid?
    private var writes = 0
    private var failures = 0
    private var worst = Duration.zero
    private var gap = Duration.zero

    package init(_ side: ProbedSide) { self.side = side }

    /// - Parameters:
    ///   - took: from the request until its answer.
    ///   - moment: of the answer, by the clock that never goes back.
    package mutating func acknowledge(_ took: Duration, at moment: Duration, _ zxid: Zxid) {
        if let last, !wasHeld(until: moment) { gap = max(gap, moment - last) }
        last = moment
        self.zxid = zxid
        writes += 1
        worst = max(worst, took)
    }

    package mutating func fail() { failures += 1 }

    /// What came since the sample before; nil before the first acknowledged write: nobody knows yet whether the side serves at all.
    ///
    /// - Parameters:
    ///   - now: Unix milliseconds.
    ///   - moment: the same by the clock that never goes back.
    package mutating func sample(_ now: Int64, at moment: Duration) -> ProbeSample? {
        defer { beat = moment }
        if last != nil, writes == 0, wasHeld(until: moment) { last = moment }
        guard let last else {
            failures = 0
            return nil
        }
        let silence = max(.zero, moment - last)
        let sample = ProbeSample(
            side: side,
            at: now,
            writes: writes,
            failures: failures,
            worst: worst.milliseconds,
            gap: (writes == 0 ? silence : gap).milliseconds,
            unavailableSince: writes == 0 ? now - Int64(silence.milliseconds) : nil,
            zxid: zxid
        )
        (writes, failures, worst, gap) = (0, 0, .zero, .zero)
        return sample
    }

    private func wasHeld(until moment: Duration) -> Bool {
        beat.map { moment - $0 > Self.longestBeat } ?? false
    }
}
