import ControlProtocol

extension Collection where Element == HostName {
    var list: String { listed() }
}
