import ControlProtocol
import Glibc
import Logs
import SystemCalls

extension ServiceController {
    /// How long a supervisor that does not show it is given to take the stop in.
    private static let notice = Duration.milliseconds(30)

    /// A service whose process has gone, and whose supervisor has still to say so.
    package struct Ending: Sendable {
        private let saying: @Sendable () async throws(ServiceError) -> Void

        fileprivate init(_ saying: @escaping @Sendable () async throws(ServiceError) -> Void) {
            self.saying = saying
        }

        /// Returns when the supervisor says stopped, and its stop command has come to its end.
        package func confirmed() async throws(ServiceError) { try await saying() }
    }

    /// Stops a service whose process has nothing left to do: its supervisor is told to stop it, so that it is not
    /// started again, and the process is killed in place of waiting until it has ended in its own way.
    ///
    /// A JVM takes a third of a second to end on a SIGTERM. Returns as soon as the process has gone; until the ending is
    /// confirmed the supervisor may still be at work.
    package func end(_ service: String, pid: Int32) async throws(ServiceError) -> Ending {
        guard let process = ProcessIdentity(pid: pid) else {
            _ = try await perform(ServiceRequest(service: service, action: .stop)) { _ in }
            return Ending { () async throws(ServiceError) in }
        }
        let supervisor = supervisor
        let begin = ContinuousClock.now
        let command = AskedCommand { () async throws(ServiceError) in try await supervisor.stop(service) }
        do throws(ServiceError) {
            try await untilStopping(service, process, command, since: begin)
            // Whoever may not stop it must not kill it either: it would be started again.
            if case .failure(let error) = command.verdict { throw error }
            // Still that very process: a pid is not handed out again while it is there.
            if ProcessIdentity(pid: pid) == process { kill(pid, SIGKILL) }
            // What becomes of one that does not go is for the confirmation to tell.
            while ProcessIdentity(pid: pid) == process, begin.duration(to: .now) < stopDeadline {
                do { try await Task.sleep(for: .milliseconds(2)) } catch { break }
            }
            log.info("service ended", fields: ["service": service, "pid": String(pid)])
        } catch {
            await command.end(within: .zero)
            throw error
        }
        let ending = Ending { () async throws(ServiceError) in
            do throws(ServiceError) {
                _ = try await untilStopped(service, process, command, since: begin)
                await command.end(within: Self.lingering)
            } catch {
                await command.end(within: .zero)
                throw error
            }
        }
        // Only a process that has gone may be taken for ended.
        if ProcessIdentity(pid: pid) == process { try await ending.confirmed() }
        return ending
    }

    private func untilStopping(
        _ service: String,
        _ process: ProcessIdentity,
        _ command: AskedCommand,
        since begin: ContinuousClock.Instant
    ) async throws(ServiceError) {
        while command.verdict == nil, ProcessIdentity(pid: process.pid) == process {
            if supervisor.showsStopping {
                guard case .running = try await supervisor.state(of: service) else { return }
            } else if begin.duration(to: .now) >= Self.notice {
                return
            }
            do { try await Task.sleep(for: .milliseconds(5)) } catch { return }
        }
    }
}
