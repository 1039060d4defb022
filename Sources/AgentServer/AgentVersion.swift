/// The version that the agent reports in its status, its metrics and its first log line.
package enum AgentVersion {
    package static let current = "0.1.0"
}
