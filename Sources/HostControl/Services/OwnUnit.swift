import Subprocess

/// The agent's own unit, for `mitosis-agent provision`: systemd is told and asked, never through a shell.
package protocol UnitControl: Sendable {
    func reload() async throws(ServiceError)
    func enable() async throws(ServiceError)
    func disable() async throws(ServiceError)
    func restart() async throws(ServiceError)
    func stop() async throws(ServiceError)
    func isEnabled() async -> Bool
    func isActive() async -> Bool
}

package struct SystemdUnit: UnitControl {
    private let name: String
    private let patience: Duration

    package init(_ name: String, patience: Duration = .seconds(90)) {
        self.name = name
        self.patience = patience
    }

    package func reload() async throws(ServiceError) { _ = try await systemctl(["daemon-reload"]) }
    package func enable() async throws(ServiceError) { _ = try await systemctl(["enable", "--", name]) }
    package func disable() async throws(ServiceError) { _ = try await systemctl(["disable", "--", name]) }

    /// Also out of a failed state, whose limits are begun anew.
    package func restart() async throws(ServiceError) {
        do throws(ServiceError) { _ = try await systemctl(["reset-failed", "--", name]) } catch {
            // A unit that never failed is not known there.
        }
        _ = try await systemctl(["restart", "--", name])
    }

    package func stop() async throws(ServiceError) {
        _ = try await systemctl(["stop", "--", name])
        do throws(ServiceError) { _ = try await systemctl(["reset-failed", "--", name]) } catch {
            // As above.
        }
    }

    package func isEnabled() async -> Bool { await says("enabled", ["is-enabled", "--", name]) }
    package func isActive() async -> Bool { await says("active", ["is-active", "--", name]) }

    private func says(_ word: String, _ arguments: [String]) async -> Bool {
        do throws(ServiceError) {
            return try await systemctl(arguments).trimmed == word
        } catch {
            return false
        }
    }

    private func systemctl(_ arguments: [String]) async throws(ServiceError) -> String {
        let command = HostCommand(
            arguments: [SystemdSupervisor.program, "--no-ask-password", "--no-pager"] + arguments
        )
        let ended = try await command.capture(within: patience)
        guard ended.status == .exited(0) else {
            throw .commandFailed(
                command: command.text,
                ending: HostCommand.text(of: ended.status),
                output: ended.diagnostics
            )
        }
        return ended.output
    }
}
