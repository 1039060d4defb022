import Glibc

/// Writes one line an event, `level message key=value ...`, to standard error, where journald reads it.
package struct LineLogger: Sendable {
    package enum Level: String, Sendable {
        case info
        case warning
        case error
    }

    private let write: @Sendable (String) -> Void

    package init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    /// One `write(2)` a line, so that lines of different threads never mix.
    package static let standardError = LineLogger { line in
        var bytes = Array((line + "\n").utf8)
        bytes.withUnsafeMutableBytes { buffer in
            _ = Glibc.write(STDERR_FILENO, buffer.baseAddress, buffer.count)
        }
    }

    package func info(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        log(.info, message, fields)
    }

    package func warning(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        log(.warning, message, fields)
    }

    package func error(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        log(.error, message, fields)
    }

    private func log(_ level: Level, _ message: String, _ fields: KeyValuePairs<String, String>) {
        var line = "\(level.rawValue) \(Self.singleLine(message))"
        for (key, value) in fields { line += " \(key)=\(Self.quoted(value))" }
        write(line)
    }

    /// Values from the network never start a line of their own and never forge a field.
    private static func quoted(_ value: String) -> String {
        let plain =
            !value.isEmpty
            && value.utf8.allSatisfy {
                $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=")
            }
        guard !plain else { return value }
        return "\"" + escaped(value, quote: true) + "\""
    }

    private static func singleLine(_ text: String) -> String { escaped(text, quote: false) }

    private static func escaped(_ text: String, quote: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\"" where quote: result += "\\\""
            case "\\" where quote: result += "\\\\"
            case _
            where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                || scalar.value == 0x2028 || scalar.value == 0x2029:
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            case _: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
