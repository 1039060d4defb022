import ControlProtocol
import Settings

/// The jute.maxbuffer of JVMs (trap 14): they are alike when all have the same.
///
/// Judged on the flags of the processes: files do not show them.
struct BufferSizes: CustomStringConvertible {
    private var hosts: [String: [HostName]] = [:]

    mutating func note(_ properties: [String: String], of host: HostName) {
        hosts[properties["jute.maxbuffer"] ?? "the default", default: []].append(host)
    }

    /// Nil unless there is exactly one.
    var common: String? { hosts.count == 1 ? hosts.keys.first : nil }
    var differ: Bool { hosts.count > 1 }

    /// For instance `4194304 on s2, the default on s1, s3`.
    var description: String {
        hosts.sorted { $0.key < $1.key }.map { "\($0.key) on \($0.value.list)" }
            .joined(separator: ", ")
    }
}
