import Printable

/// Why a broker's server.properties or meta.properties cannot be used.
///
/// Lines count from 1; the caller names the file.
package enum KafkaFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(ZooConfigurationError)
    case malformedValue(key: String, value: String, expected: String, line: Int)
    case missing(key: String)
    case chrootInTheMiddle(ConnectString, line: Int)
    case withoutZooKeeper(key: String, line: Int)
    case notRepresentable(ConnectString)

    package var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .malformedValue(let key, let value, let expected, let line):
            "line \(line): \(key)=\(PrintableText(value, limit: 200)) is not \(expected). Correct it."
        case .chrootInTheMiddle(let connect, let line):
            "line \(line): Kafka reads \(ServerProperties.connectKey) as the servers "
                + "\(connect.servers.map(\.description).joined(separator: ",")) and the one chroot "
                + "'\(PrintableText(connect.chroot, limit: 200))'. Write the chroot once, after the last server."
        case .missing(let key): "'\(key)' is missing. Is this a broker's file?"
        case .withoutZooKeeper(let key, let line):
            "line \(line): '\(key)' makes this a broker without ZooKeeper (KRaft): there is nothing to move. "
                + "Take it out of the plan."
        case .notRepresentable(let connect):
            "'\(PrintableText(connect.description, limit: 200))' cannot be written so that it reads back the same. Correct the plan's addresses or chroot."
        }
    }
}
