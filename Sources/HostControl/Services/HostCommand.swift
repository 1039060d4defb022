import FoundationEssentials
import Glibc
import Printable
import Subprocess
import SystemCalls
import SystemPackage

/// Runs one command of a fixed argument list, in a session of its own, never through a shell.
///
/// No pipe leads to it: what it prints goes to a file. A command that leaves a daemon behind leaves it these
/// files, which neither end (a pipe would break with the agent) nor keep us reading (a pipe would not end).
struct HostCommand {
    struct Ended {
        let status: TerminationStatus
        let output: String
        let diagnostics: String
    }

    let arguments: [String]
    /// Whose it is; the agent's own where there is none.
    var account: ServerAccount?

    /// For messages: arguments can be secrets.
    var text: String { Self.shown(arguments.joined(separator: " ")) }

    /// What a program printed, in a message: on one line, without what looks like a secret.
    static func shown(_ text: some StringProtocol) -> String {
        PrintableText(SecretValues.hidden(in: String(text)), limit: 2000).description
    }

    /// Waits for the end and gives what was printed; kills the command and its process group at the deadline.
    func capture(within deadline: Duration) async throws(ServiceError) -> Ended {
        let output = try ScratchFile()
        let diagnostics = try ScratchFile()
        let status = try await end(output: output.descriptor, error: diagnostics.descriptor, within: deadline)
        return Ended(status: status, output: output.text(), diagnostics: diagnostics.text())
    }

    /// Waits for the end however long it takes.
    ///
    /// The command outlives us if need be.
    func detached(log: borrowing OpenFile) async throws(ServiceError) -> TerminationStatus {
        try await end(output: log.descriptor, error: log.descriptor, within: nil)
    }

    /// Words for an error: how the command ended.
    static func text(of status: TerminationStatus) -> String {
        switch status {
        case .exited(let code): "ended with exit status \(code)"
        case .signaled(let signal): "was ended by signal \(signal)"
        }
    }

    private func end(
        output: Int32,
        error: Int32,
        within deadline: Duration?
    ) async throws(ServiceError) -> TerminationStatus {
        guard let program = arguments.first, program.utf8.first == UInt8(ascii: "/") else {
            throw .notRun(command: text, reason: "the program is not an absolute path")
        }
        let arguments = arguments
        let account = account.flatMap { $0.user == geteuid() ? nil : $0 }
        let work = { @Sendable () async -> Result<TerminationStatus, any Error> in
            var options = PlatformOptions()
            options.createSession = true
            if let account {
                options.userID = account.user
                options.groupID = account.group
                options.supplementaryGroups = [account.group]
            }
            options.teardownSequence = [
                .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(100))
            ]
            do {
                return .success(
                    try await Subprocess.run(
                        .path(FilePath(program)),
                        arguments: Arguments(Array(arguments.dropFirst())),
                        environment: Self.environment,
                        platformOptions: options,
                        input: .none,
                        output: .fileDescriptor(
                            FileDescriptor(rawValue: output),
                            closeAfterSpawningProcess: false
                        ),
                        error: .fileDescriptor(
                            FileDescriptor(rawValue: error),
                            closeAfterSpawningProcess: false
                        )
                    ).terminationStatus
                )
            } catch {
                return .failure(error)
            }
        }
        let ending: Result<TerminationStatus, any Error>
        if let deadline {
            guard let ended = await Deadline.cancelling(after: deadline, work) else {
                throw .commandSilent(command: text, seconds: deadline.seconds)
            }
            ending = ended
        } else {
            ending = await work()
        }
        do {
            return try ending.get()
        } catch {
            throw .notRun(command: text, reason: "\(error)")
        }
    }

    /// The agent's own, without what its service manager meant for the agent alone.
    private static var environment: Environment {
        .inherit.updating([
            "NOTIFY_SOCKET": nil, "LISTEN_PID": nil, "LISTEN_FDS": nil, "LISTEN_FDNAMES": nil,
            "WATCHDOG_PID": nil, "WATCHDOG_USEC": nil, "INVOCATION_ID": nil, "JOURNAL_STREAM": nil,
            "LC_ALL": "C",
        ])
    }
}

/// A file without a name that a command prints to.
private struct ScratchFile: ~Copyable {
    private static let limit = 65_536
    /// `O_TMPFILE`, which the C library's overlay leaves out.
    private static let unnamed: Int32 = 0o20_000_000 | O_DIRECTORY

    let descriptor: Int32

    init() throws(ServiceError) {
        // In memory, where the agent's sandbox always lets it write; without a name from the beginning.
        descriptor = open("/dev/shm", O_RDWR | O_CLOEXEC | Self.unnamed, 0o600)
        guard descriptor >= 0 else {
            throw .notRun(command: "open a file in /dev/shm", reason: systemReason())
        }
    }

    deinit { close(descriptor) }

    /// The first part of what was printed, without the white space around it.
    func text() -> String {
        var buffer = [UInt8](repeating: 0, count: Self.limit)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).trimmed
    }
}

extension String {
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return String(text)
    }
}
