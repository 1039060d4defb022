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
        package var failures: [FleetError] = []
    }

    /// One host's part of a step.
    private struct Part: Sendable {
        let host: HostName
        var commands: [(index: Int, command: Command)]
    }

    private struct PartAnswer: Sendable {
        var results: [CommandResult] = []
        var failure: FleetError?
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
        do throws(FleetError) {
            for (index, command) in part.commands {
                // With the epoch: who took a run over may not know of an attempt that was the last word of who had it before.
                let id = "\(lease.runID)-\(lease.epoch)-\(step)-\(attempt)-\(index)-\(part.host)"
                guard let commandID = CommandID(id) else {
                    throw .broken(host: part.host, reason: "'\(id)' is no command id")
                }
                let request = CommandRequest(id: commandID, lease: lease, command: command)
                answer.results.append(try await follow(request, on: part.host))
            }
        } catch {
            answer.failure = error
        }
        return answer
    }

    private func follow(_ request: CommandRequest, on host: HostName) async throws(FleetError)
        -> CommandResult
    {
        let signs = Signs(timing.monotonic())
        let end = timing.monotonic() + request.command.ceiling
        while true {
            let hindrance: FleetError
            do throws(FleetError) {
                return try await fleet.perform(request, on: host) { event in
                    let now = timing.monotonic()
                    signs.note(now)
                    if case .progress(let message, let milliseconds) = event, !message.isEmpty,
                        let untold = signs.tell(now)
                    {
                        let left = untold > 0 ? "; \(untold) more came too fast to be told" : ""
                        progress(host, "\(message) (\(milliseconds) ms)\(left)")
                    }
                }
            } catch {
                hindrance = try await overcome(error, on: host)
            }
            // A task that was cancelled does not even pause.
            guard !Task.isCancelled, timing.monotonic() < signs.last + patience else {
                throw .gaveUp(hindrance, after: patience)
            }
            // An agent in other hands may let each connection break, and say before each time that it is at it.
            guard timing.monotonic() < end else { throw .gaveUp(hindrance, after: request.command.ceiling) }
            progress(host, "\(Self.said(of: hindrance)); asking again under the same command id")
            await timing.sleep(.milliseconds(500))
        }
    }

    /// Returns what another attempt may get over, and throws what it cannot; a lease that lapsed is asked for anew.
    private func overcome(_ error: FleetError, on host: HostName) async throws(FleetError) -> FleetError {
        switch error {
        case .unreachable, .replyLost: return error
        case .refused(_, .noLease):
            do throws(FleetError) {
                try await renew(on: host)
                return error
            } catch {
                switch error {
                case .unreachable, .replyLost: return error
                case .refused, .failed, .broken, .gaveUp: throw error
                }
            }
        case .refused, .failed, .broken, .gaveUp: throw error
        }
    }

    private static func said(of hindrance: FleetError) -> String {
        switch hindrance {
        case .refused: "its lease had lapsed"
        case .unreachable, .replyLost, .failed, .broken, .gaveUp: "\(hindrance)"
        }
    }

    private func renew(on host: HostName) async throws(FleetError) {
        _ = try await fleet.acquire(LeaseRequest(lease: lease, secondsToLive: leaseSeconds), on: host)
    }
}

/// When an agent was last heard of within a command (a long restart is not an absent agent), and how much of what it says is told:
/// it may be in other hands, and must not drown what others say.
private final class Signs: Sendable {
    private struct State {
        var last: Duration
        var second: Duration
        var told = 0
        var untold = 0
    }

    /// Messages that are told in a second.
    private static let most = 20

    private let state: Mutex<State>

    init(_ moment: Duration) { state = Mutex(State(last: moment, second: moment)) }

    var last: Duration { state.withLock(\.last) }

    func note(_ time: Duration) { state.withLock { $0.last = time } }

    /// Nil for a message that is not told, else how many were not since the last that was.
    func tell(_ time: Duration) -> Int? {
        state.withLock { state in
            if time - state.second >= .seconds(1) { (state.second, state.told) = (time, 0) }
            guard state.told < Self.most else {
                state.untold += 1
                return nil
            }
            defer { (state.told, state.untold) = (state.told + 1, 0) }
            return state.untold
        }
    }
}
