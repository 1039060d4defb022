import Glibc
import Printable
import SystemCalls

/// What a command tells; a reader that went away is ignored, the run goes on.
enum Output {
    static func write(_ text: String, to descriptor: Int32 = STDOUT_FILENO) {
        DescriptorOutput.tell(text, to: descriptor)
    }

    static func write(_ text: TerminalText) { DescriptorOutput.tell(text, to: STDOUT_FILENO) }

    /// A line on standard error.
    @Sendable static func warn(_ text: String) { write("mitosis: \(text)\n", to: STDERR_FILENO) }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}

/// A mistake told in one line, without a usage text.
struct Complaint: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
