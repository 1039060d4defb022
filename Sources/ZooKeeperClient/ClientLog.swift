internal import Synchronization

/// Where the C library's messages go; nowhere until told.
///
/// The library has one log for all sessions of a process.
package enum ClientLog {
    package enum Level: Hashable, Sendable {
        case error
        case warning
        case other
    }

    package struct Line: Hashable, Sendable {
        package let level: Level
        package let text: String
    }

    private static let sink = Mutex<(@Sendable (Line) -> Void)?>(nil)

    /// `sink` is called on the library's threads while it holds its locks: it may not use a session, nor wait.
    package static func send(to new: (@Sendable (Line) -> Void)?) { sink.withLock { $0 = new } }

    static func receive(_ message: UnsafePointer<CChar>?) {
        guard let message, let sink = sink.withLock({ $0 }) else { return }
        sink(line(String(cString: message)))
    }

    /// From `time:process(thread):ZOO_WARN@function@line: text`, of which level and text are kept.
    static func line(_ message: String) -> Line {
        guard let mark = message.range(ofMark: ":ZOO_") else { return Line(level: .other, text: message) }
        let rest = message[mark.upperBound...]
        let level: Level =
            switch rest.prefix(while: { $0 != "@" }) {
            case "ERROR": .error
            case "WARN": .warning
            default: .other
            }
        guard let colon = rest.range(ofMark: ": ") else { return Line(level: level, text: String(rest)) }
        return Line(level: level, text: String(rest[colon.upperBound...]))
    }
}

extension StringProtocol {
    /// Where `mark` first stands.
    fileprivate func range(ofMark mark: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(mark) { return start..<index(start, offsetBy: mark.count) }
            start = index(after: start)
        }
        return nil
    }
}
