import Subprocess
import SystemCalls
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs the packet filter's programs: by absolute path, without a shell, bounded in time.
struct PacketTools: Sendable {
    struct Answer: Sendable {
        let command: String
        let status: TerminationStatus
        /// As it came; `output` is made printable where it is no UTF-8.
        let content: [UInt8]
        let output: String
        let diagnostics: String

        var failure: FirewallError {
            .commandFailed(command: command, status: "\(status)", diagnostics: diagnostics)
        }
    }

    static let directories = ["/usr/sbin", "/sbin", "/usr/bin"]
    /// Enough for the filter table of a host with tens of thousands of rules.
    private static let outputLimit = 64 << 20

    /// Prefixed to every command; empty but in tests, which enter another network namespace with it.
    let launcher: [String]
    let seconds: Int

    init(launcher: [String] = [], seconds: Int = 10) {
        self.launcher = launcher
        self.seconds = seconds
    }

    /// Where a program is, nil when this host does not have it.
    static func path(of program: String) -> String? {
        directories.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    /// Any exit status is an answer; not starting, not ending in time, or endless output is an error.
    func run(
        _ path: String,
        _ arguments: [String],
        input: String = ""
    ) async throws(FirewallError) -> Answer {
        let argv = launcher + [path] + arguments
        let command = ([path] + arguments).joined(separator: " ")
        let limit = Duration.seconds(seconds)
        // Unstructured: a caller that is cancelled must not leave one family changed and the other not.
        let ending = await Task { await Self.ending(of: argv, input: input, within: limit) }.value
        switch ending {
        case .ended(let status, let output, let diagnostics):
            return Answer(
                command: command,
                status: status,
                content: output,
                output: String(decoding: output, as: UTF8.self),
                diagnostics: Self.trimmed(String(decoding: diagnostics, as: UTF8.self))
            )
        case .failed(let reason):
            throw .commandFailed(command: command, status: "no exit status", diagnostics: reason)
        case .expired: throw .timedOut(command: command, seconds: seconds)
        }
    }

    private enum Ending: Sendable {
        case ended(status: TerminationStatus, output: [UInt8], diagnostics: [UInt8])
        case failed(reason: String)
        case expired
    }

    private static func ending(of argv: [String], input: String, within limit: Duration) async -> Ending {
        // Kills the child when the time is up first.
        await Deadline.cancelling(after: limit) {
            do {
                let result = try await Subprocess.run(
                    .path(FilePath(argv[0])),
                    arguments: Arguments(Array(argv.dropFirst())),
                    environment: .custom(["PATH": directories.joined(separator: ":"), "LC_ALL": "C"]),
                    input: .fileDescriptor(try WrittenInput.open(input), closeAfterSpawningProcess: true),
                    output: .bytes(limit: outputLimit),
                    error: .bytes(limit: outputLimit)
                )
                return .ended(
                    status: result.terminationStatus,
                    output: result.standardOutput,
                    diagnostics: result.standardError
                )
            } catch {
                return .failed(reason: "\(error)")
            }
        } ?? .expired
    }

    private static func trimmed(_ text: String) -> String {
        text.split(separator: "\n").filter { !$0.allSatisfy(\.isWhitespace) }.joined(separator: "\n")
    }
}
