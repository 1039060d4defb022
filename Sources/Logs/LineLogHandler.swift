import Glibc
package import Logging
import Printable

/// Prints one line an event, `level message key=value ...`; on standard error journald reads it.
///
/// Fields come in the order of the call (`Logger.info(_:fields:)` and its like), then other metadata by key.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let write: @Sendable (String) -> Void

    package init(level: LogLevel = .info, write: @escaping @Sendable (String) -> Void) {
        logLevel = level.threshold
        self.write = write
    }

    /// One `write(2)` a line, so that lines of different threads never mix.
    package static func standardError(level: LogLevel = .info) -> LineLogHandler {
        LineLogHandler(level: level) { line in
            var bytes = Array((line + "\n").utf8)
            bytes.withUnsafeMutableBytes { buffer in
                _ = Glibc.write(STDERR_FILENO, buffer.baseAddress, buffer.count)
            }
        }
    }

    package subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var line = "\(event.level.rawValue) \(PrintableText(event.message.description))"
        for (key, value) in Self.ordered(metadata) where event.metadata?[key] == nil {
            line += " \(key)=\(Self.quoted(value))"
        }
        for (key, value) in Self.ordered(event.metadata ?? [:]) { line += " \(key)=\(Self.quoted(value))" }
        write(line)
    }

    private static func ordered(_ metadata: Logger.Metadata) -> [(key: String, value: String)] {
        metadata
            .map { key, value -> (place: Int, key: String, value: String) in
                guard case .stringConvertible(let value) = value, let field = value as? PlacedField else {
                    return (.max, key, value.description)
                }
                return (field.place, key, field.description)
            }
            .sorted { ($0.place, $0.key) < ($1.place, $1.key) }
            .map { ($0.key, $0.value) }
    }

    /// Values from the network never start a line of their own and never forge a field.
    private static func quoted(_ value: String) -> String {
        let plain =
            !value.isEmpty && value.utf8.count <= PrintableText.usualLimit
            && value.utf8.allSatisfy {
                $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=")
            }
        guard !plain else { return value }
        var unquoted = ""
        for scalar in value.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { unquoted += "\\" }
            unquoted.unicodeScalars.append(scalar)
        }
        return "\"\(PrintableText(unquoted))\""
    }
}
