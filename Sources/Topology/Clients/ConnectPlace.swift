import Printable

/// Where a client's configuration file says which ZooKeeper it uses.
package enum ConnectPlace: Hashable, Sendable {
    /// A key of a file that `java.util.Properties` reads; the last that sets it is in force.
    case property(key: String)
    /// A variable of a shell's or systemd's environment: `NAME=value`, `export NAME=value`, `Environment=NAME=value`.
    case variable(name: String)
    /// This text, wherever it stands by itself.
    ///
    /// `becomes`: what replaces it; nil where it is a connect string, of which the servers are replaced.
    case text(old: String, becomes: String?)
}

extension ConnectPlace: CustomStringConvertible {
    package var description: String {
        switch self {
        case .property(let key): "property \(PrintableText(key, limit: 200))"
        case .variable(let name): "variable \(PrintableText(name, limit: 200))"
        case .text(let old, _): "text \(PrintableText(old, limit: 200))"
        }
    }
}

/// Why a client's file cannot be pointed elsewhere.
///
/// Lines count from 1; the caller names the file.
package enum ClientFileError: Error, Hashable, Sendable {
    case unreadable(ZooConfigurationError)
    case missing(ConnectPlace)
    case repeated(ConnectPlace, lines: [Int])
    /// Something in it would be worked out by a shell, or goes on where it cannot be followed.
    case notPlain(ConnectPlace, line: Int)
    case malformed(ConnectPlace, value: String, line: Int)
    case notRepresentable(ConnectPlace, String)
}

extension ClientFileError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .missing(let place):
            "it has no \(place). Correct 'connect' in the plan: a 'property', a 'variable', or the exact 'text'."
        case .repeated(let place, let lines):
            "it has the \(place) on lines \(lines.map(\.description).joined(separator: " and ")), and which counts cannot be "
                + "told. Take one out, or name the exact 'text' in the plan."
        case .notPlain(let place, let line):
            "line \(line): the value of the \(place) is worked out when it is read ($, `, \\, or a quote that does not end on "
                + "its line). Write it plainly, or name the exact 'text' in the plan."
        case .malformed(let place, let value, let line):
            "line \(line): the value of the \(place), \(PrintableText(value, limit: 200)), is no list of host:port with an "
                + "optional chroot at its end. Correct it, or name the exact 'text' in the plan, and what it 'becomes'."
        case .notRepresentable(let place, let value):
            "'\(PrintableText(value, limit: 200))' cannot be written as the \(place) so that it reads back the same. "
                + "Name the exact 'text' in the plan, and what it 'becomes'."
        }
    }
}
