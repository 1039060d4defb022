import ControlProtocol
import Synchronization

/// Sends the commands of one step to all their hosts at once, those of one host in order, and follows each to its
/// end.
///
/// A connection that breaks is not a failure: the same command id is sent again until it is answered, and the
/// agent gives the stored outcome if it had acted before.
struct CommandDispatch: Sendable {
    let fleet: any Fleet
    let lease: Lease
    let leaseSeconds: Int
    let timing: Timing
    /// How long an agent may stay out of reach within one command.
    let patience: Duration
    let progress: @Sendable (HostName, String) -> Void

    enum Result: Hashable, Sendable {
        case done([HostName: CommandResult])
        case failed(reason: String)
    }

    func send(_ commands: [HostCommand], step: StepID, attempt: Int) async -> Result {
        var byHost: [(host: HostName, items: [(index: Int, command: Command)])] = []
        for (index, item) in commands.enumerated() {
            if let known = byHost.firstIndex(where: { $0.host == item.host }) {
                byHost[known].items.append((index, item.command))
            } else {
                byHost.append((item.host, [(index, item.command)]))
            }
        }
        return await withTaskGroup(of: (HostName, Swift.Result<CommandResult, DispatchFailure>).self) {
            group in
            for (host, items) in byHost {
                group.addTask {
                    do throws(DispatchFailure) {
                        var last: CommandResult?
                        for (index, command) in items {
                            let id = "\(lease.runID)-\(step)-\(attempt)-\(index)-\(host)"
                            guard let commandID = CommandID(id) else {
                                throw DispatchFailure(reason: "'\(id)' is no command id")
                            }
                            let request = CommandRequest(id: commandID, lease: lease, command: command)
                            last = try await follow(request, on: host)
                        }
                        guard let last else { throw DispatchFailure(reason: "\(host): nothing to do") }
                        return (host, .success(last))
                    } catch {
                        return (host, .failure(error))
                    }
                }
            }
            var results: [HostName: CommandResult] = [:]
            var failures: [String] = []
            for await (host, result) in group {
                switch result {
                case .success(let value): results[host] = value
                case .failure(let failure): failures.append(failure.reason)
                }
            }
            return failures.isEmpty
                ? .done(results) : .failed(reason: failures.sorted().joined(separator: "\n"))
        }
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

struct DispatchFailure: Error {
    let reason: String
}
