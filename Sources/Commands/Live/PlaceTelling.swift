import ControlProtocol
import Fleet
import Procedure
import Synchronization
import SystemCalls

/// Tells agents what the run is at, with a renewal of its lease, for whoever watches from elsewhere.
///
/// At most every other second, and never within the window; nothing waits for it, and an agent that does not take it is told
/// the next one.
final class PlaceTelling: Sendable {
    private static let pause = Duration.seconds(2)

    private struct State {
        var isWindowOpen = false
        var window: Int?
    }

    private let lease: Lease
    private let hosts: [HostName]
    private let fleet: any Fleet
    private let timing: Timing
    private let places: AsyncStream<RunPlace>
    private let next: AsyncStream<RunPlace>.Continuation
    private let state = Mutex(State())

    init(_ lease: Lease, on hosts: [HostName], through fleet: any Fleet, timing: Timing = .system) {
        self.lease = lease
        self.hosts = hosts
        self.fleet = fleet
        self.timing = timing
        (places, next) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func take(_ facts: RunFacts) {
        state.withLock { $0.window = facts.window?.window ?? $0.window }
    }

    /// Waits for nobody.
    func take(_ event: RunEvent) {
        let window = state.withLock { state in
            switch event.windowChange {
            case .opens: state.isWindowOpen = true
            case .closes: state.isWindowOpen = false
            case nil: break
            }
            return state.window
        }
        switch event.what {
        case .stepStarted(let subject):
            guard let stage = subject.stage else { return }
            next.yield(
                RunPlace(
                    stage: stage.rawValue,
                    step: subject.step?.description,
                    title: subject.title,
                    since: event.at,
                    window: window
                )
            )
        case .runStarted, .runResumed, .stageStarted, .stepProgress, .stepWaiting, .warning, .stepFinished,
            .stageFinished, .confirmationNeeded, .runStopped, .runFinished, .probed:
            break
        }
    }

    /// Until it is cancelled.
    func work() async {
        for await place in places {
            guard !Task.isCancelled else { return }
            if !state.withLock({ $0.isWindowOpen }) { await tell(place) }
            await timing.sleep(Self.pause)
        }
    }

    private func tell(_ place: RunPlace) async {
        let request = LeaseRequest(lease: lease, secondsToLive: Leases.secondsToLive, place: place)
        _ = await mapHosts(hosts) { [fleet] host -> Bool in
            do throws(FleetError) {
                _ = try await fleet.acquire(request, on: host)
                return true
            } catch {
                // It is told the next one; whether the lease holds is seen by those who command.
                return false
            }
        }
    }
}
