package import ControlProtocol
package import Logging
import Logs
import SystemCalls

/// Brings a service into the state asked for, and proves it by observation.
///
/// Whatever becomes of the caller, what was begun is carried through.
package struct ServiceController: Sendable {
    let supervisor: any ServiceSupervisor
    let stopDeadline: Duration
    let log: Logger
    private let startDeadline: Duration
    /// How long a start command is left alone before the supervisor is asked what has come of it: asking takes a program,
    /// and its processor time is what the server that starts needs.
    private static let eagerness = Duration.milliseconds(150)
    /// How long a service may count as stopped after it was started.
    private static let settling = Duration.seconds(1)
    /// How long a stop command may go on when the service has stopped.
    static let lingering = Duration.seconds(5)

    package init(
        supervisor: any ServiceSupervisor,
        stopDeadline: Duration = .seconds(30),
        startDeadline: Duration = .seconds(30),
        log: Logger = .silent
    ) {
        self.log = log
        self.supervisor = supervisor
        self.stopDeadline = stopDeadline
        self.startDeadline = startDeadline
    }

    /// `progress` is told each part as it begins and ends.
    package func perform(
        _ request: ServiceRequest,
        progress: @escaping @Sendable (String) -> Void
    ) async throws(ServiceError) -> ServiceReport {
        let work = Task { () async -> Result<ServiceReport, ServiceError> in
            do throws(ServiceError) {
                return .success(try await carryThrough(request, progress))
            } catch {
                return .failure(error)
            }
        }
        return try await work.value.get()
    }

    private func carryThrough(
        _ request: ServiceRequest,
        _ progress: @escaping @Sendable (String) -> Void
    ) async throws(ServiceError) -> ServiceReport {
        let service = request.service
        let state = try await settled(request, progress)
        let before = state.pid
        var stopped: Duration?
        var started: (pid: Int32, took: Duration)?
        switch request.action {
        case .start:
            if before == nil { started = try await start(service, progress) }
        case .stop:
            if state != .stopped { stopped = try await stop(service, from: state, progress) }
        case .restart:
            if let replacing = request.replacing, let before, before != replacing {
                progress("\(service) already runs with pid \(before) instead of \(replacing)")
                return ServiceReport(
                    service: service,
                    oldPID: replacing,
                    newPID: before,
                    stopMilliseconds: nil,
                    startMilliseconds: nil
                )
            }
            if before != nil { stopped = try await stop(service, from: state, progress) }
            started = try await start(service, progress)
        }
        let kept = request.action == .start ? before : nil
        return ServiceReport(
            service: service,
            oldPID: before ?? request.replacing,
            newPID: started?.pid ?? kept,
            stopMilliseconds: stopped?.milliseconds,
            startMilliseconds: started?.took.milliseconds
        )
    }

    /// The state once nobody else is changing it.
    private func settled(
        _ request: ServiceRequest,
        _ progress: @Sendable (String) -> Void
    ) async throws(ServiceError) -> ServiceState {
        let deadline = request.action == .stop ? stopDeadline : startDeadline
        let begin = ContinuousClock.now
        var told = false
        while true {
            let state = try await supervisor.state(of: request.service)
            guard state == .changing else { return state }
            if !told { progress("\(request.service) is being started or stopped already; waiting for that") }
            told = true
            guard begin.duration(to: .now) < deadline else {
                throw .deadline(
                    service: request.service,
                    action: request.action,
                    seconds: deadline.seconds,
                    found: state
                )
            }
            await pause()
        }
    }

    /// Done when the supervisor says stopped *and* the process has gone.
    ///
    /// The stop command never outlives this: it could stop what a later command starts.
    private func stop(
        _ service: String,
        from state: ServiceState,
        _ progress: @Sendable (String) -> Void
    ) async throws(ServiceError) -> Duration {
        let process = state.pid.flatMap { ProcessIdentity(pid: $0) }
        progress("stopping \(service)\(process.map { " (pid \($0.pid))" } ?? "")")
        log.debug("stopping a service", fields: ["service": service])
        let begin = ContinuousClock.now
        let command = AskedCommand { () async throws(ServiceError) in try await supervisor.stop(service) }
        do throws(ServiceError) {
            let took = try await untilStopped(service, process, command, since: begin)
            await command.end(within: Self.lingering)
            progress("stopped \(service) after \(took.milliseconds) ms")
            log.info(
                "service stopped",
                fields: [
                    "service": service, "pid": process.map { String($0.pid) } ?? "-",
                    "ms": String(took.milliseconds),
                ]
            )
            return took
        } catch {
            await command.end(within: .zero)
            throw error
        }
    }

    func untilStopped(
        _ service: String,
        _ process: ProcessIdentity?,
        _ command: AskedCommand,
        since begin: ContinuousClock.Instant
    ) async throws(ServiceError) -> Duration {
        while true {
            let verdict = command.verdict
            let alive = process.map { ProcessIdentity(pid: $0.pid) == $0 } ?? false
            // Asking is costly while the process is there; without one, the command comes first.
            if !alive, process != nil || verdict != nil {
                let state = try await supervisor.state(of: service)
                if state == .stopped { return begin.duration(to: .now) }
            }
            if case .failure(let error) = verdict { throw error }
            guard begin.duration(to: .now) < stopDeadline else {
                let found: ServiceState
                if alive, let process {
                    found = .running(pid: process.pid)
                } else {
                    found = try await supervisor.state(of: service)
                }
                throw .deadline(
                    service: service,
                    action: .stop,
                    seconds: stopDeadline.seconds,
                    found: found
                )
            }
            await pause()
        }
    }

    /// Done when the supervisor names the new process, which need not serve yet.
    private func start(
        _ service: String,
        _ progress: @Sendable (String) -> Void
    ) async throws(ServiceError) -> (pid: Int32, took: Duration) {
        progress("starting \(service)")
        log.debug("starting a service", fields: ["service": service])
        let begin = ContinuousClock.now
        let command = AskedCommand { () async throws(ServiceError) in try await supervisor.start(service) }
        var stoppedSince: ContinuousClock.Instant?
        while true {
            // Taken before the state is read: a state from before the command is no verdict on it.
            let verdict = command.verdict
            if verdict == nil, begin.duration(to: .now) < Self.eagerness {
                await pause(.milliseconds(5))
                continue
            }
            let state = try await supervisor.state(of: service)
            if case .running(let pid) = state {
                let took = begin.duration(to: .now)
                progress("\(service) runs with pid \(pid) after \(took.milliseconds) ms")
                log.info(
                    "service started",
                    fields: ["service": service, "pid": String(pid), "ms": String(took.milliseconds)]
                )
                return (pid, took)
            }
            if case .failure(let error) = verdict { throw error }
            if case .success = verdict {
                if case .failed(let reason) = state { throw .startFailed(service: service, reason: reason) }
                // Not one look alone: a supervisor may name the process a moment after its command has ended.
                let since = state == .stopped ? stoppedSince ?? .now : nil
                stoppedSince = since
                if let since, since.duration(to: .now) >= Self.settling {
                    throw .startFailed(
                        service: service,
                        reason: "its process ended as soon as it was started"
                    )
                }
            }
            guard begin.duration(to: .now) < startDeadline else {
                throw .deadline(
                    service: service,
                    action: .start,
                    seconds: startDeadline.seconds,
                    found: state
                )
            }
            await pause()
        }
    }

    /// Between two looks.
    private func pause(_ time: Duration = .milliseconds(20)) async {
        do {
            try await Task.sleep(for: time)
        } catch {
            // Only a cancelled task gets here, and nobody can cancel this one.
        }
    }
}
