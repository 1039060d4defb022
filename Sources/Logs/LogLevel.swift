package import Logging

/// From which severity on events are logged, in the words of `--log-level` and of `log_level` in agent.yaml.
package enum LogLevel: String, CaseIterable, Hashable, Sendable {
    case debug
    case info
    case warning
    case error

    package var threshold: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}
