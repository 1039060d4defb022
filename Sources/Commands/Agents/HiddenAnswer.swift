import Glibc
import SystemCalls

/// A password, typed on the terminal without being shown.
enum HiddenAnswer {
    /// Asked once, for every host.
    static func sudoPassword() async throws -> String {
        guard let password = await read("sudo password on the hosts: "), !password.isEmpty else {
            throw Complaint("no password was given; nothing was done")
        }
        return password
    }

    /// Nil without a terminal, or when the input ends.
    static func read(_ question: String) async -> String? {
        await BlockingThread.run { ask(question) }
    }

    private static func ask(_ question: String) -> String? {
        // The terminal itself: standard input may be a file.
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else { return nil }
        defer { close(terminal) }
        var shown = termios()
        guard tcgetattr(terminal, &shown) == 0 else { return nil }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        guard tcsetattr(terminal, TCSAFLUSH, &hidden) == 0 else { return nil }
        defer { tcsetattr(terminal, TCSAFLUSH, &shown) }
        DescriptorOutput.tell(question, to: terminal)
        var line: [UInt8] = []
        while line.count < 1000 {
            var byte: UInt8 = 0
            let count = Glibc.read(terminal, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { break }
            line.append(byte)
        }
        DescriptorOutput.tell("\n", to: terminal)
        return String(decoding: line, as: UTF8.self)
    }
}
