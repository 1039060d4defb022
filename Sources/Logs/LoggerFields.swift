package import Logging

/// Metadata whose order counts: a line reads as it stands in the code.
extension Logger {
    package func debug(_ message: String, fields: @autoclosure () -> KeyValuePairs<String, String>) {
        log(.debug, message, fields)
    }

    package func info(_ message: String, fields: @autoclosure () -> KeyValuePairs<String, String>) {
        log(.info, message, fields)
    }

    package func warning(_ message: String, fields: @autoclosure () -> KeyValuePairs<String, String>) {
        log(.warning, message, fields)
    }

    package func error(_ message: String, fields: @autoclosure () -> KeyValuePairs<String, String>) {
        log(.error, message, fields)
    }

    /// Logs nothing, whatever its level.
    package static let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }

    private func log(_ level: Level, _ message: String, _ fields: () -> KeyValuePairs<String, String>) {
        guard level >= logLevel else { return }
        var metadata: Metadata = [:]
        for (place, field) in fields().enumerated() {
            metadata[field.key] = .stringConvertible(PlacedField(place: place, description: field.value))
        }
        log(level: level, "\(message)", metadata: metadata)
    }
}

/// A value that knows which field of its line it is; to any other handler it is its text.
struct PlacedField: CustomStringConvertible, Hashable, Sendable {
    let place: Int
    let description: String
}
