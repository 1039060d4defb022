import ControlProtocol
import Fleet
import SystemCalls

/// Looks at all hosts again and again, over connections of its own: who looks holds up nobody who works.
struct LiveLooks: Sendable {
    /// Between two looks.
    static let pause = Duration.seconds(2)
    /// The same within the window, where nothing but the run itself is to ask.
    private static let pauseWithinWindow = Duration.seconds(10)
    /// For one host; those that answer are not waited for by the rest.
    private static let limit = Duration.seconds(5)

    let hosts: [HostName]
    let fleet: any Fleet

    /// One look; hosts are handed over all together, at the latest when the slowest has had its time.
    func look() async -> [HostName: Observation] {
        let answers = await mapHosts(hosts) { host in await fleet.look(at: host, within: Self.limit) }
        return Dictionary(zip(hosts, answers)) { first, _ in first }
    }

    /// Until it is cancelled.
    ///
    /// - Parameter isWithinWindow: asked before each look.
    func work(
        timing: Timing,
        isWithinWindow: @Sendable () -> Bool,
        seen: @Sendable ([HostName: Observation]) -> Void
    ) async {
        var last: Duration?
        while !Task.isCancelled {
            let now = timing.monotonic()
            let isDue = last.map { now - $0 >= Self.pauseWithinWindow } ?? true
            if isDue || !isWithinWindow() {
                last = now
                let look = await look()
                if Task.isCancelled { return }
                seen(look)
            }
            await timing.sleep(Self.pause)
        }
    }
}
