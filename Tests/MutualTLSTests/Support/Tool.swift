import Subprocess
import Testing

/// One run of a program of this machine.
struct Tool {
    let succeeded: Bool
    let output: String
    let errors: String

    static func run(_ name: String, _ arguments: [String], variables: [String: String] = [:])
        async throws -> Tool
    {
        let changes = Dictionary(
            uniqueKeysWithValues: variables.map { (Environment.Key(stringLiteral: $0), Optional($1)) }
        )
        let result = try await Subprocess.run(
            .name(name),
            arguments: Arguments(arguments),
            environment: .inherit.updating(changes),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        return Tool(
            succeeded: result.terminationStatus.isSuccess,
            output: result.standardOutput,
            errors: result.standardError
        )
    }

    /// For steps of a test's preparation.
    static func openssl(_ arguments: String...) async throws {
        let tool = try await run("openssl", arguments)
        try #require(tool.succeeded, "openssl \(arguments): \(tool.errors)")
    }
}
