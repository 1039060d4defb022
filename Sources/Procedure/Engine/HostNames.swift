import ControlProtocol
import Settings

extension Collection where Element == HostName {
    var list: String { map(\.description).joined(separator: ", ") }
}

extension Collection where Element == PlannedServer {
    /// Their hosts, as plans and reasons name them.
    var names: String { isEmpty ? "none" : map(\.host).list }
}
