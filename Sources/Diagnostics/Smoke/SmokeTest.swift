package import Logging
package import ZooKeeperClient

/// A small use of every server of an ensemble, by all of its servers' clients together.
///
/// A session with each server before anything is written; each makes an ephemeral node, each sees, after a sync, those of all,
/// each is told of every deletion, in the order of the paths; at last the root goes through the last server. Nothing of it stays.
package struct SmokeTest: Sendable {
    package struct Options: Sendable {
        package var root = "/mitosis-smoketest"
        /// For each answer.
        package var timeout = Duration.seconds(10)
        package var credentials: [Credentials] = []

        package init() {}
    }

    private let servers: [ComparedServer]
    private let options: Options
    private let log: Logger

    package init(_ servers: [ComparedServer], options: Options, log: Logger) {
        self.servers = servers
        self.options = options
        self.log = log
    }

    package func report() async -> SmokeReport {
        var run = SmokeRun(servers, options: options, log: log)
        return await run.report()
    }
}
