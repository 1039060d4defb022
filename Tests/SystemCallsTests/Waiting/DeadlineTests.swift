import SystemCalls
import Testing

@Suite("Work that is waited for only so long", .timeLimit(.minutes(10)))
struct DeadlineTests {
    private static func endless() async {
        for await _ in AsyncStream<Void>.makeStream().stream {}
    }

    @Test("work that ends in time gives its value, and nothing waits for the rest of the time")
    func inTime() async {
        let begin = ContinuousClock.now
        #expect(await Deadline.cancelling(after: .seconds(600)) { 7 } == 7)
        #expect(await Deadline.abandoning(after: .seconds(600)) { 7 } == 7)
        #expect(ContinuousClock.now - begin < .seconds(30))
    }

    @Test("work that is late is cancelled; its end is awaited, or it is left behind")
    func late() async {
        let ended = Kept(0)
        let cancelled = await Deadline.cancelling(after: .milliseconds(10)) {
            await Self.endless()
            ended.change { $0 += 1 }
            return true
        }
        #expect(cancelled == nil && ended.now == 1)

        let (gate, opening) = AsyncStream<Void>.makeStream()
        let (ends, told) = AsyncStream<Bool>.makeStream()
        let left = await Deadline.abandoning(after: .milliseconds(10)) {
            // Deaf to the cancellation, as a call of the system is.
            await Task.detached { for await _ in gate { break } }.value
            told.yield(Task.isCancelled)
            return true
        }
        #expect(left == nil)
        opening.yield()
        #expect(await ends.first { _ in true } == true)
    }

    @Test("a caller that is cancelled gets what its work makes of that, not an expiry")
    func interrupted() async {
        let task = Task {
            await Deadline.cancelling(after: .seconds(600)) {
                await Self.endless()
                return Task.isCancelled
            }
        }
        task.cancel()
        #expect(await task.value == true)
    }
}
