import ControlProtocol

extension Collection where Element == HostName {
    var list: String { map(\.description).joined(separator: ", ") }
}
