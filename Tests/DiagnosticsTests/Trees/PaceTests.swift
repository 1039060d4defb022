import FoundationEssentials
import Synchronization
import SystemCalls
import Testing

@testable import Trees

@Suite("how fast old copies are dealt with")
struct PaceTests {
    /// Time that passes only where somebody sleeps, or works.
    private final class Passing: Sendable {
        let time = Mutex(Duration.zero)

        var timing: Timing {
            Timing(
                now: { 0 },
                monotonic: { self.time.withLock { $0 } },
                sleep: { duration in self.time.withLock { $0 += duration } }
            )
        }
    }

    @Test(
        "a few at a time, evenly, in their order",
        arguments: [(100, 1), (500, 5), (2000, 16), (50_000, 16)]
    )
    func even(rate: Int, together: Int) async {
        let passing = Passing()
        var (pace, most) = (Pace(rate: rate, timing: passing.timing), 0)
        let items = Array(0..<1000)
        let done = await pace.through(items) { part in
            most = max(most, part.count)
            return part
        }
        #expect(done == items && most == together)
        let least = Duration.seconds(Double(1000 - together) / Double(rate)) - .milliseconds(50)
        #expect(passing.time.withLock { $0 } >= least)
    }

    @Test("after a stop no more than a twentieth of a second's is caught up with")
    func stopped() async {
        let passing = Passing()
        var pace = Pace(rate: 500, timing: passing.timing)
        _ = await pace.through(Array(0..<100)) { $0 }
        passing.time.withLock { $0 += .seconds(5) }
        var times: [Duration] = []
        _ = await pace.through(Array(0..<250)) { part in
            times.append(passing.time.withLock { $0 })
            return part
        }
        let first = times.filter { $0 == times.first }.count
        #expect(first * pace.batch <= 30, "\(first) at once")
    }
}
