package import ControlProtocol
import Glibc
import Printable
import Subprocess

/// Starts and stops units of the host's systemd that the agent's configuration allows.
///
/// `systemctl` is waited for, not told `--no-block`: its exit status and words are systemd's own diagnosis of
/// the job, and a state left from before the job cannot be taken for its result.
package struct SystemdSupervisor: ServiceSupervisor {
    private let allowed: Set<String>
    private let patience: Duration
    private let boots = SeenBoots()

    /// `patience`: how long one `systemctl` may take.
    package init(allowed: [String], patience: Duration = .seconds(120)) {
        self.allowed = Set(allowed)
        self.patience = patience
    }

    package let showsStopping = true

    package func state(of service: String) async throws(ServiceError) -> ServiceState {
        let properties =
            "LoadState,ActiveState,SubState,MainPID,ControlGroup,Result,UnitFileState,ExecCondition,ExecStartPre"
        let arguments = ["show", "--property=\(properties)", "--", try unit(service)]
        let shown = try await systemctl(arguments + [ProvisionedFile.lapsePath.rawValue])
        let (text, lapse) = Self.blocks(of: shown)
        boots.note(service, text, lapse: lapse)
        return Self.state(from: text)
    }

    /// What systemd says of two units, an empty line between them.
    static func blocks(of shown: String) -> (String, String) {
        let lines = shown.split(separator: "\n", omittingEmptySubsequences: false)
        guard let end = lines.firstIndex(of: "") else { return (shown, "") }
        return (lines[..<end].joined(separator: "\n"), lines[end...].joined(separator: "\n"))
    }

    package func boot(of service: String) -> UnitBoot? { boots[service] }

    /// What systemd says of an allowed unit, one `Key=value` a line.
    func show(_ properties: String, of service: String) async throws(ServiceError) -> String {
        try await systemctl(["show", "--property=\(properties)", "--", try unit(service)])
    }

    package func start(_ service: String) async throws(ServiceError) {
        let unit = try unit(service)
        _ = try await systemctl(["start", "--no-ask-password", "--", unit])
    }

    /// A unit whose process ended by our signal counts as failed for systemd; that is cleared, so that
    /// stopped reads as stopped and start-rate limits begin anew.
    package func stop(_ service: String) async throws(ServiceError) {
        let unit = try unit(service)
        _ = try await systemctl(["stop", "--no-ask-password", "--", unit])
        _ = try await systemctl(["reset-failed", "--no-ask-password", "--", unit])
    }

    /// Reads what `systemctl show` prints, one `Key=value` a line.
    static func state(from text: String, controlGroups: String = "/sys/fs/cgroup") -> ServiceState {
        var values: [Substring: Substring] = [:]
        var group: Substring?
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let value = line[line.index(after: equals)...]
            values[line[..<equals]] = word(value)
            if line[..<equals] == "ControlGroup", value.hasPrefix("/") { group = value }
        }
        let sub = values["SubState"] ?? "?"
        if values["LoadState"] != "loaded" {
            return .failed(reason: "the unit is \(values["LoadState"] ?? "unknown to systemd")")
        }
        return switch values["ActiveState"] {
        case "active", "reloading":
            if let pid = values["MainPID"].flatMap({ Int32($0) }), pid > 0 {
                .running(pid: JavaProcess.within(pid))
            } else if let pid = group.flatMap({ JavaProcess.inControlGroup($0, root: controlGroups) }) {
                .running(pid: pid)
            } else {
                .failed(
                    reason:
                        "the unit is active (\(sub)) without a main process, and not exactly one JVM is in it: let systemd know "
                        + "the server's (PIDFile= with Type=forking)"
                )
            }
        case "activating", "deactivating", "refreshing", "maintenance": .changing
        case "inactive": .stopped
        case "failed": .failed(reason: "\(values["Result"] ?? "unknown result")")
        default: .failed(reason: "systemd reports the state '\(values["ActiveState"] ?? "none")'")
        }
    }

    /// States and results are words of systemd's, pids numbers.
    private static func word(_ text: Substring) -> Substring {
        let isWord = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: byte == UInt8(ascii: "-")
            }
        }
        return isWord && text.utf8.count <= 40 ? text : PrintableText(text, limit: 40).description[...]
    }

    private func unit(_ service: String) throws(ServiceError) -> String {
        guard Self.isUnitName(service) else {
            throw .refused(.invalid(reason: "'\(service)' is not the name of a service unit"))
        }
        guard allowed.contains(service) else {
            throw .refused(.notAllowed(reason: "unit \(service) is not in the agent's list"))
        }
        return service
    }

    /// Plain unit names only: no option, no pattern, no path.
    static func isUnitName(_ text: String) -> Bool {
        guard text.hasSuffix(".service"), text.utf8.count > 8, text.utf8.count < 256, text.first != "-" else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: ":-_.@\\".utf8.contains(byte)
            }
        }
    }

    static var program: String {
        access("/usr/bin/systemctl", X_OK) == 0 ? "/usr/bin/systemctl" : "/bin/systemctl"
    }

    private func systemctl(_ arguments: [String]) async throws(ServiceError) -> String {
        let command = HostCommand(arguments: [Self.program] + arguments)
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
