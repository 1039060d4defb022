internal import Subprocess
internal import SystemPackage

/// A program that is run to its end.
package struct Tool: Sendable {
    /// What a run ended in.
    package struct Outcome: Sendable {
        /// The exit status; 128 + N when signal N ended it.
        package let status: Int32
        package let output: String
        package let errors: String

        package var succeeded: Bool { status == 0 }
        /// Whatever the program said, for a message.
        package var diagnostics: String {
            let said = errors.isEmpty ? output : errors
            return "status \(status): \(said.isEmpty ? "(no output)" : said)"
        }
    }

    package let argv: [String]
    /// The namespace that `ip netns` knows, or nil for the one this process is in.
    package let namespace: String?

    package init(_ argv: [String], namespace: String? = nil) {
        self.argv = argv
        self.namespace = namespace
    }

    private var command: [String] {
        (namespace.map { ["/usr/bin/nsenter", "--net=/run/netns/\($0)", "--"] } ?? []) + argv
    }

    private var executable: Executable {
        let program = command[0]
        return program.contains("/") ? .path(FilePath(program)) : .name(program)
    }

    /// Runs it with its output kept.
    package func outcome() async throws(LabError) -> Outcome {
        do {
            let result = try await run(
                executable,
                arguments: Arguments(Array(command.dropFirst())),
                output: .string(limit: 64 << 20),
                error: .string(limit: 1 << 20)
            )
            let status = Self.status(result.terminationStatus)
            CommandTrace.note(argv, status: status)
            return Outcome(
                status: status,
                output: result.standardOutput,
                errors: result.standardError
            )
        } catch {
            throw .failed(step: command.joined(separator: " "), diagnostics: "\(error)")
        }
    }

    /// Runs it and requires that it succeeds; returns its output.
    @discardableResult
    package func output(step: String) async throws(LabError) -> String {
        let outcome = try await outcome()
        guard outcome.succeeded else { throw .failed(step: step, diagnostics: outcome.diagnostics) }
        return outcome.output
    }

    /// Runs it with its output passed through live; returns its exit status.
    package func passThrough() async throws(LabError) -> Int32 {
        do {
            let result = try await run(
                executable,
                arguments: Arguments(Array(command.dropFirst())),
                output: .currentStandardOutput,
                error: .currentStandardError
            )
            let status = Self.status(result.terminationStatus)
            CommandTrace.note(argv, status: status)
            return status
        } catch {
            throw .failed(step: command.joined(separator: " "), diagnostics: "\(error)")
        }
    }

    private static func status(_ status: TerminationStatus) -> Int32 {
        switch status {
        case .exited(let code): code
        case .signaled(let number): 128 + number
        }
    }
}
