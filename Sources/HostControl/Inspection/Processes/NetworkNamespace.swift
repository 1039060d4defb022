import SystemCalls

/// The network that a process uses: a host's own, or a container's.
package enum NetworkNamespace {
    /// `self`, or a pid; nil when it is not known.
    static func of(_ process: String) -> String? { KernelLink.target(of: "/proc/\(process)/ns/net") }

    /// Whether a process uses another network than the agent, whose rules do not reach it; nil when it is not known.
    package static func isForeign(toProcess pid: Int32) -> Bool? {
        guard let own = of("self"), let its = of("\(pid)") else { return nil }
        return own != its
    }
}
