package import ControlProtocol
import FoundationEssentials
import Glibc
import Subprocess
import SystemCalls

/// How a service is handled on a host without systemd: three argument lists, each with an absolute program.
package struct ServiceCommands: Hashable, Sendable {
    package let start: [String]
    package let stop: [String]
    package let status: [String]

    package init(start: [String], stop: [String], status: [String]) {
        self.start = start
        self.stop = stop
        self.status = status
    }
}

/// Starts and stops services with commands of the agent's configuration.
///
/// `status` ends with exit status 0 and the pid on its first line when the service runs, with 3 when it is
/// stopped; anything else is a failure. `start` may leave a daemon and end, or be the service itself.
/// Nothing it starts is tied to the agent: own session, no pipe, input from `/dev/null`.
package struct CommandSupervisor: ServiceSupervisor {
    private let services: [String: ServiceCommands]
    private let logs: String?
    private let patience: Duration

    /// Nothing is run yet.
    ///
    /// `logs`: an existing directory where what a service's commands print is kept, in `NAME.log`; without
    /// one it is discarded. `patience`: how long `status` may take.
    package init(
        services: [String: ServiceCommands],
        logs: String? = nil,
        patience: Duration = .seconds(5)
    ) {
        self.services = services
        self.logs = logs
        self.patience = patience
    }

    package let showsStopping = false

    package func state(of service: String) async throws(ServiceError) -> ServiceState {
        let command = HostCommand(arguments: try commands(of: service).status)
        let ended = try await command.capture(within: patience)
        switch ended.status {
        case .exited(0):
            let line = ended.output.prefix { !$0.isNewline }
            guard let pid = Int32(String(line).trimmed), pid > 0 else {
                return .failed(
                    reason:
                        "'\(command.text)' ended with 0, but its first line is no pid: '\(HostCommand.shown(line))'"
                )
            }
            guard ProcessIdentity.isAlive(pid) else {
                return .failed(reason: "'\(command.text)' names pid \(pid), which does not exist")
            }
            return .running(pid: JavaProcess.within(pid))
        case .exited(3): return .stopped
        case .exited, .signaled:
            let words = ended.diagnostics.isEmpty ? ended.output : ended.diagnostics
            return .failed(
                reason: "'\(command.text)' \(HostCommand.text(of: ended.status)): \(HostCommand.shown(words))"
            )
        }
    }

    package func start(_ service: String) async throws(ServiceError) {
        try await run(try commands(of: service).start, service)
    }

    package func stop(_ service: String) async throws(ServiceError) {
        try await run(try commands(of: service).stop, service)
    }

    private func commands(of service: String) throws(ServiceError) -> ServiceCommands {
        guard let commands = services[service] else {
            throw .refused(.notAllowed(reason: "service '\(service)' is not in the agent's list"))
        }
        return commands
    }

    private func run(_ arguments: [String], _ service: String) async throws(ServiceError) {
        let command = HostCommand(arguments: arguments)
        let log = try openLog(of: service, for: command)
        let begin = lseek(log.descriptor, 0, SEEK_END)
        let status = try await command.detached(log: log)
        guard status != .exited(0) else { return }
        var output = [UInt8](repeating: 0, count: 2000)
        let count = pread(log.descriptor, &output, output.count, max(0, begin))
        throw .commandFailed(
            command: command.text,
            ending: HostCommand.text(of: status),
            output: logs == nil
                ? "its output was discarded"
                : String(decoding: output.prefix(max(0, count)), as: UTF8.self).trimmed
        )
    }

    private func openLog(of service: String, for command: HostCommand) throws(ServiceError) -> OpenFile {
        let path = logs.map { "\($0)/\(service).log" } ?? "/dev/null"
        do throws(FileError) {
            return try OpenFile(path, O_RDWR | O_CREAT | O_APPEND, mode: 0o640)
        } catch {
            throw .notRun(command: command.text, reason: error.description)
        }
    }
}
