import Procedure
import Testing

@Suite("The source's own clients, left unserved")
struct SourceHarmTests {
    private func sample(_ gap: Int, _ side: ProbedSide = .source) -> ProbeSample {
        ProbeSample(side: side, at: 0, writes: 0, gap: gap)
    }

    @Test("longer than the plan allows is said once, and stays the reason; the destination's window is none")
    func limit() {
        var harm = SourceHarm(limit: .seconds(5))
        #expect(harm.take(sample(60_000, .destination)) == nil)
        #expect(harm.take(sample(5000)) == nil && harm.reason == nil)
        let said = harm.take(sample(5070))
        #expect(said?.contains("for 5.1 s") == true && said?.contains("source_unserved_seconds is 5") == true)
        #expect(harm.take(sample(9000)) == nil)
        #expect(harm.reason == said)
    }

    @Test("without a limit nothing is made of it")
    func none() {
        var harm = SourceHarm(limit: nil)
        #expect(harm.take(sample(3_600_000)) == nil && harm.reason == nil)
    }
}
