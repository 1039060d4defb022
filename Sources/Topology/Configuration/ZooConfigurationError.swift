import Printable

/// Why a zoo.cfg cannot be used.
///
/// Lines count from 1; the caller names the file. Values are never repeated: agents tell everybody of these errors.
package enum ZooConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    case danglingContinuation(line: Int)
    case malformedEscape(line: Int)
    case malformedValue(key: String, expected: String, line: Int)
    case blankInKey(key: String, line: Int)
    case hierarchicalQuorum(key: String, line: Int)
    case severalAddresses(key: String, line: Int)
    case malformedServer(key: String, line: Int)
    case repeatedServer(id: ServerID, line: Int, firstLine: Int)
    case notRepresentable(Member)
    case rewriteFailed

    package var description: String {
        switch self {
        case .danglingContinuation(let line):
            "line \(line): the file ends in a backslash that continues nothing. Remove the backslash."
        case .malformedEscape(let line):
            "line \(line): \\u must be followed by four hexadecimal digits. Correct the escape."
        case .malformedValue(let key, let expected, let line):
            "line \(line): the value of '\(key)' is not \(expected). Correct it."
        case .blankInKey(let key, let line):
            "line \(line): the key '\(Self.shown(key))' begins or ends with a blank, which ZooKeeper takes in two ways. "
                + "Remove the escaped blank."
        case .hierarchicalQuorum(let key, let line):
            "line \(line): '\(Self.shown(key))' makes this a hierarchical quorum, which is not supported. "
                + "Remove group.* and weight.* first."
        case .severalAddresses(let key, let line):
            "line \(line): '\(Self.shown(key))' lists several addresses ('|'), which is not supported. "
                + "Keep one address per server."
        case .malformedServer(let key, let line):
            "line \(line): the value of '\(Self.shown(key))' is not host:quorumPort:electionPort[:role][;[address:]clientPort]. "
                + "Correct it; the id must be from 1 to 255."
        case .repeatedServer(let id, let line, let firstLine):
            "line \(line): server.\(id) stands here for the second time, first on line \(firstLine). "
                + "Remove one of them."
        case .notRepresentable(let member):
            "server \(member.id): the address '\(member.address)' cannot stand in a server line. Correct it."
        case .rewriteFailed:
            "the rewritten file does not read back as intended, so nothing was written. "
                + "Report this with the original file."
        }
    }

    /// Without what stands in the file, which may be a secret in the wrong place: the line, and the kind of mistake.
    package var withoutContent: String {
        switch self {
        case .danglingContinuation, .malformedEscape, .malformedValue, .repeatedServer, .rewriteFailed:
            description
        case .blankInKey(_, let line): "line \(line): a key begins or ends with a blank"
        case .hierarchicalQuorum(_, let line): "line \(line): it makes this a hierarchical quorum"
        case .severalAddresses(_, let line): "line \(line): a server has several addresses"
        case .malformedServer(_, let line): "line \(line): it is no server line"
        case .notRepresentable(let member): "server \(member.id): its address cannot stand in a server line"
        }
    }

    /// What somebody took for a key may be anything.
    private static func shown(_ key: String) -> String { PrintableText(key, limit: 100).description }
}
