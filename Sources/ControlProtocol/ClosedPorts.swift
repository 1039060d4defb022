package import Topology

/// TCP ports of this host that are closed to everybody, as a desired end: nothing gets in to them or out of them, from
/// and to every address, the host's own and loopback included; connections are ended at both ends.
///
/// Connections that this host opens to the same port numbers elsewhere are not meant, and go on.
package struct ClosedPorts: Hashable, Sendable, Codable {
    /// Sorted, unique.
    ///
    /// Never empty when valid.
    package let ports: [Port]
    /// Segments whose *other* end is this port pass: one connection of the host's own, bound to it beforehand.
    package let exception: Port?

    package init(ports: [Port], exception: Port? = nil) {
        self.ports = Array(Set(ports)).sorted()
        self.exception = exception
    }
}
