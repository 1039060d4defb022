import Glibc
import SystemCalls

/// Reads what the operator types.
///
/// Not by the C library's means: it begins a read anew that a signal has interrupted, and a question would outlast every
/// Ctrl-C.
struct AnswerReader: Sendable {
    private static let longestAnswer = 1000

    let input: Int32
    /// Readable from the moment on that nobody waits for an answer any more.
    let stop: Int32

    /// One line without its end; nil when the input ends or the operator asks to stop before there is one.
    ///
    /// Waits on a thread of its own: leases are renewed while the operator thinks.
    func line() async -> String? { await BlockingThread.run { read() } }

    private func read() -> String? {
        var line: [UInt8] = []
        while line.count < Self.longestAnswer {
            var awaited = [
                pollfd(fd: input, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&awaited, nfds_t(awaited.count), -1)
            if count < 0 && errno == EINTR { continue }
            guard count > 0, awaited[1].revents == 0 else { return nil }
            var byte: UInt8 = 0
            let length = Glibc.read(input, &byte, 1)
            if length < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard length == 1 else { return line.isEmpty ? nil : text(line) }
            if byte == UInt8(ascii: "\n") { return text(line) }
            line.append(byte)
        }
        return nil
    }

    /// Without the carriage return that some terminals and files end a line with.
    private func text(_ line: [UInt8]) -> String {
        String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...], as: UTF8.self)
    }
}
