package import ControlProtocol
import Synchronization
package import SystemCalls

/// Sends the commands of one step to all their hosts at once, those of one host in order, and follows each to its
/// end.
///
/// A connection that breaks is not a failure: the same command id is sent again until it is answered, and the
/// agent gives the stored outcome if it had acted before.
package struct CommandDispatch: Sendable {
    let fleet: any Fleet
    let lease: Lease
    let leaseSeconds: Int
    let timing: Timing
    /// How long an agent may stay out of reach within one command.
    let patience: Duration
    let progress: @Sendable (HostName, String) -> Void

    package init(
        fleet: any Fleet,
        lease: Lease,
        leaseSeconds: Int,
        timing: Timing,
        patience: Duration,
        progress: @escaping @Sendable (HostName, String) -> Void
    ) {
        self.fleet = fleet
        self.lease = lease
        self.leaseSeconds = leaseSeconds
        self.timing = timing
        self.patience = patience
        self.progress = progress
    }

    /// What came of it, host by host: also of a host where a later command failed.
    package struct Answer: Hashable, Sendable {
        package var results: [HostName: [CommandResult]] = [:]
        package var failures: [String] = []
    }

    /// One host's part of a step.
    private struct Part: Sendable {
        let host: HostName
        var commands: [(index: Int, command: Command)]
    }

    private struct PartAnswer: Sendable {
        var results: [CommandResult] = []
        var failure: String?
    }

    package func send(_ commands: [HostCommand], step: String, attempt: Int) async -> Answer {
        var parts: [Part] = []
        for (index, item) in commands.enumerated() {
            if let known = parts.firstIndex(where: { $0.host == item.host }) {
                parts[known].commands.append((index, item.command))
            } else {
                parts.append(Part(host: item.host, commands: [(index, item.command)]))
            }
        }
        let answers = await mapHosts(parts) { part in await send(part, step: step, attempt: attempt) }
        var answer = Answer()
        for (part, came) in zip(parts, answers) {
            answer.results[part.host] = came.results
            if let failure = came.failure { answer.failures.append(failure) }
        }
        return answer
    }

    private func send(_ part: Part, step: String, attempt: Int) async -> PartAnswer {
        var answer = PartAnswer()
        do throws(DispatchFailure) {
            for (index, command) in part.commands {
                let id = "\(lease.runID)-\(step)-\(attempt)-\(index)-\(part.host)"
                guard let commandID = CommandID(id) else {
                    throw DispatchFailure(reason: "'\(id)' is no command id")
                }
                let request = CommandRequest(id: commandID, lease: lease, command: command)
                answer.results.append(try await follow(request, on: part.host))
            }
        } catch {
            answer.failure = error.reason
        }
        return answer
    }

    private func follow(
        _ request: CommandRequest,
        on host: HostName
    ) async throws(DispatchFailure) -> CommandResult {
        let lastSign = LastSign(timing.monotonic())
        while true {
            let reason: String
            do throws(FleetError) {
                let outcome = try await fleet.perform(request, on: host) { event in
                    lastSign.note(timing.monotonic())
                    if case .progress(let message, let milliseconds) = event, !message.isEmpty {
                        progress(host, "\(message) (\(milliseconds) ms)")
                    }
                }
                switch outcome {
                case .done(let result): return result
                case .refused(.noLease):
                    try await renew(on: host)
                    reason = "its lease had lapsed"
                case .refused(let refusal): throw FleetError.refused(host: host, refusal: refusal)
                case .failed(let message): throw FleetError.broken(host: host, reason: message)
                }
            } catch {
                switch error {
                case .unreachable, .replyLost: reason = "\(error)"
                case .refused(_, .noLease):
                    reason = "its lease had lapsed"
                    do throws(FleetError) { try await renew(on: host) } catch {
                        throw DispatchFailure(reason: "\(error)")
                    }
                case .refused, .broken, .kafkaUnreadable: throw DispatchFailure(reason: "\(error)")
                }
            }
            guard timing.monotonic() < lastSign.time + patience else {
                throw DispatchFailure(reason: "\(reason); gave up after \(patience)")
            }
            progress(host, "\(reason); asking again under the same command id")
            await timing.sleep(.milliseconds(500))
        }
    }

    private func renew(on host: HostName) async throws(FleetError) {
        _ = try await fleet.acquire(LeaseRequest(lease: lease, secondsToLive: leaseSeconds), on: host)
    }
}

/// When an agent was last heard of within a command; a long restart is not an absent agent.
private final class LastSign: Sendable {
    private let moment: Mutex<Duration>

    init(_ moment: Duration) { self.moment = Mutex(moment) }

    var time: Duration { moment.withLock { $0 } }

    func note(_ time: Duration) { moment.withLock { $0 = time } }
}

package struct DispatchFailure: Error {
    package let reason: String

    package init(reason: String) { self.reason = reason }
}
