import Diagnostics
import Procedure
import Testing
import Topology

@Suite("A probe's answers, added up")
struct ProbeTallyTests {
    private let zxid = Zxid(0x1_0000_0007)

    @Test("before the first acknowledged write nothing is said, whatever failed")
    func nothing() {
        var tally = ProbeTally(.destination)
        tally.fail()
        #expect(tally.sample(1_000_000, at: .seconds(1)) == nil)
        tally.acknowledge(.milliseconds(3), at: .milliseconds(1500), zxid)
        #expect(
            tally.sample(1_001_000, at: .seconds(2))
                == ProbeSample(side: .destination, at: 1_001_000, writes: 1, worst: 3, zxid: zxid)
        )
    }

    @Test("the longest answer and the longest time between two are an interval's own")
    func interval() {
        var tally = ProbeTally(.source)
        tally.acknowledge(.milliseconds(3), at: .milliseconds(100), zxid)
        tally.acknowledge(.milliseconds(40), at: .milliseconds(400), zxid)
        tally.acknowledge(.milliseconds(5), at: .milliseconds(600), zxid)
        tally.fail()
        #expect(
            tally.sample(1_000_000, at: .seconds(1))
                == ProbeSample(
                    side: .source,
                    at: 1_000_000,
                    writes: 3,
                    failures: 1,
                    worst: 40,
                    gap: 300,
                    zxid: zxid
                )
        )
        // The time since the last answer of the interval before counts here, where it ends.
        tally.acknowledge(.milliseconds(4), at: .milliseconds(1100), zxid)
        #expect(tally.sample(1_001_000, at: .seconds(2))?.gap == 500)
    }

    @Test("a program that was suspended itself does not say that the side was silent meanwhile")
    func suspended() {
        var tally = ProbeTally(.source)
        tally.acknowledge(.milliseconds(3), at: .milliseconds(900), zxid)
        _ = tally.sample(1_000_000, at: .seconds(1))
        tally.acknowledge(.milliseconds(3), at: .milliseconds(45_000), zxid)
        #expect(tally.sample(1_044_100, at: .milliseconds(45_100))?.gap == 0)
        // Suspended again, and the sampler is the first to go on.
        let sample = tally.sample(1_099_000, at: .seconds(100))
        #expect(sample?.writes == 0 && sample?.gap == 0)
        #expect(tally.sample(1_100_000, at: .seconds(101))?.gap == 1000)
    }

    @Test("a side that does not answer is unavailable since its last answer, until the next one")
    func silence() {
        var tally = ProbeTally(.source)
        tally.acknowledge(.milliseconds(3), at: .milliseconds(900), zxid)
        _ = tally.sample(1_000_000, at: .seconds(1))
        tally.fail()
        let second = tally.sample(1_001_000, at: .seconds(2))
        #expect(second?.writes == 0 && second?.failures == 1)
        #expect(second?.gap == 1100 && second?.unavailableSince == 999_900)
        #expect(tally.sample(1_002_000, at: .seconds(3))?.unavailableSince == 999_900)
        tally.acknowledge(.milliseconds(3), at: .milliseconds(3400), zxid)
        let last = tally.sample(1_003_000, at: .seconds(4))
        #expect(last?.unavailableSince == nil && last?.gap == 2500)
    }
}
