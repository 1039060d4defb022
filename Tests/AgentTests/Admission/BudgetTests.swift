import Testing

@testable import AgentServer

@Suite("Budgets of requests")
struct BudgetTests {
    @Test("an identity asks so often at once, then at its pace, and is sent away when it would wait too long")
    func pace() {
        let pace = RequestPace(RequestPace.Limits(burst: 3, perSecond: 2, patience: .seconds(1)))
        let start = ContinuousClock.now
        for _ in 0..<3 { #expect(pace.take("v", at: start) == .now) }
        #expect(pace.take("v", at: start) == .after(wait: .milliseconds(500)))
        #expect(pace.take("v", at: start) == .after(wait: .milliseconds(1000)))
        #expect(pace.take("v", at: start) == .tooMany)
        #expect(pace.take("w", at: start) == .now)
        #expect(pace.take("v", at: start + .milliseconds(500)) == .after(wait: .milliseconds(1000)))
        for _ in 0..<3 { #expect(pace.take("v", at: start + .seconds(60)) == .now) }
    }

    @Test("bodies have a budget of an identity and one of all, small ones are free, and all is given back")
    func bodies() {
        let budget = BodyBudget(BodyBudget.Limits(free: 10, perIdentity: 100, total: 150))
        let first = budget.open(for: "a")
        #expect(first.grow(to: 90))
        let second = budget.open(for: "a")
        #expect(!second.grow(to: 11))
        #expect(second.grow(to: 10))
        let third = budget.open(for: "b")
        #expect(third.grow(to: 60))
        #expect(!third.grow(to: 61))
        first.giveBack()
        #expect(third.grow(to: 100))
        #expect(!third.grow(to: 101))
        do { #expect(second.grow(to: 50)) }
        second.giveBack()
        third.giveBack()
        let last = budget.open(for: "c")
        #expect(last.grow(to: 100))
    }

    @Test("each phase of a request has its deadline, and a refused body gets the shortest")
    func clock() {
        var clock = RequestClock()
        #expect(clock.phase == .idle)
        clock.bytesCame()
        clock.bytesCame()
        #expect(clock.phase == .head)
        clock.headEnded()
        #expect(clock.phase == .body)
        clock.bytesCame()
        #expect(clock.phase == .body)
        clock.requestEnded()
        #expect(clock.phase == .answering)
        clock.bytesCame()
        #expect(clock.phase == .answering)
        clock.answerEnded()
        #expect(clock.phase == .idle)
        clock.headEnded()
        clock.answerEnded()
        #expect(clock.phase == .farewell)
        clock.requestEnded()
        #expect(clock.phase == .idle)
    }

    @Test(
        "what repeats is logged at once and then once a minute, counted, by kind, and not beyond so many kinds"
    )
    func refusals() {
        let capture = LogCapture()
        let log = RefusalLog(capture.logger, every: .seconds(60), mostKinds: 2)
        let start = ContinuousClock.now
        for count in 0..<1000 {
            log.warning("request denied", key: "denied v", fields: ["peer": "p\(count)", "reason": "r"])
        }
        #expect(capture.lines == ["warning request denied peer=p0 reason=r"])
        let long = String(repeating: "x", count: 10_000)
        log.info("connection closed", key: "b", fields: ["reason": long])
        #expect(capture.lines.count == 2 && capture.lines[1].utf8.count < 500)
        for key in 0..<100 { log.warning("not HTTP", key: "\(key)", fields: ["peer": "q"]) }
        #expect(capture.lines.count == 3)

        #expect(log.tellKept(at: start + .seconds(59)))
        #expect(capture.lines.count == 3)
        #expect(log.tellKept(at: start + .seconds(70)))
        let told = Set(capture.lines.dropFirst(3))
        #expect(
            told == [
                "warning request denied again=999 seconds=70 peer=p999 reason=r",
                "warning refusals of many kinds again=99 seconds=70 peer=q",
            ]
        )
        // What stopped is forgotten, and told at once when it comes again.
        #expect(!log.tellKept(at: start + .seconds(140)))
        log.warning("request denied", key: "denied v", fields: ["peer": "p", "reason": "r"])
        #expect(capture.lines.count == 6)
    }
}
