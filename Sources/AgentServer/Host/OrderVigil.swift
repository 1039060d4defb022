package import ControlProtocol
import HostControl
import Logs

/// Sees to what is to come of this host's order by itself, and says when it stands with nobody to end it.
extension LocalHost {
    /// Between two words about the same.
    private static var repetition: Duration { .seconds(600) }

    /// Ends when its task is cancelled; sleeps while there is no order.
    package func watchOrder(unless isBusy: @escaping @Sendable () -> Bool) async {
        var arrivals = orders.arrivals.makeAsyncIterator()
        var told: ContinuousClock.Instant?
        while !Task.isCancelled {
            let pause: Duration
            // Whoever commands is heard again afterwards, or was the last.
            switch isBusy() ? .waits(1000) : await lapsing.step() {
            case .undone:
                await inspector?.forgetState()
                continue
            case .waits(let milliseconds): pause = .milliseconds(min(max(milliseconds, 50), 1000))
            case .stuck: pause = .seconds(5)
            case .nothing:
                guard let order = orders.state else {
                    told = nil
                    if await arrivals.next() == nil { return }
                    continue
                }
                if order.unattended != nil, told.map({ $0.duration(to: .now) >= Self.repetition }) ?? true {
                    log.error(
                        "this host is walled off, and no coordinator was heard for too long",
                        fields: ["order": order.description]
                    )
                    told = .now
                }
                pause = .seconds(2)
            }
            do { try await Task.sleep(for: pause) } catch { return }
        }
    }

    package func coordinatorWasHeard(of run: RunID) { orders.renew(for: run) }

    func keepOrder(_ restoring: [FileRestore], for run: RunID) async -> CommandOutcome {
        let placed = files
        do throws(OrderError) {
            let kept = try await orders.commit(for: run) { () throws(FileError) in
                for restore in restoring { _ = try placed.restore(restore, run: run) }
            }
            guard let order = kept else {
                return .failed(message: OrderError.nothingToKeep(run: run).description)
            }
            return .done(result: .order(order: order))
        } catch {
            return .failed(message: error.description)
        }
    }
}
