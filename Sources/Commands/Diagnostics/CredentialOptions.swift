import ArgumentParser
import Fleet
import Settings
import SystemCalls
import ZooKeeperClient

/// What the sessions with ZooKeeper authenticate with.
struct CredentialOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file of mode 0600 with user:password on each line, for ZooKeeper's digest scheme; else what the plan names under auth.",
            valueName: "file"
        ),
        completion: .file()
    )
    var authFile: String?

    func read(for plan: MigrationPlan?) throws -> [Credentials] {
        if let authFile { return try EnsembleCredentials.digests(in: authFile, believing: .operator) }
        return try plan.map { try EnsembleCredentials.read(of: $0, believing: .operator) } ?? []
    }
}
