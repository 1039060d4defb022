import Glibc
import Printable
import Reporting
import Synchronization
import SystemCalls

/// The terminal's other page, on which the live view is drawn; what stood on the terminal comes back, however the program ends.
enum LivePage {
    private static let isEntered = Atomic<Bool>(false)
    /// The bytes of `leavePage`, where a signal's handler finds them.
    private static let leaving: StaticString = "\u{1B}[0m\u{1B}[?25h\u{1B}[?1049l"

    /// Whether a live view is wanted here, and can be shown.
    static var isPossible: Bool {
        guard Output.isTerminal, let terminal = getenv("TERM") else { return false }
        return !["", "dumb", "unknown"].contains(String(cString: terminal))
    }

    static var hasColours: Bool {
        guard let wish = getenv("NO_COLOR") else { return true }
        return String(cString: wish).isEmpty
    }

    /// As it is now; 80 by 24 where nobody knows.
    static var size: LiveScreen.Size {
        var found = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &found) == 0, found.ws_col > 0, found.ws_row > 0 else {
            return LiveScreen.Size(columns: 80, rows: 24)
        }
        return LiveScreen.Size(columns: Int(found.ws_col), rows: Int(found.ws_row))
    }

    /// Has the signals that end a program, or suspend it, bring back what stood on the terminal.
    static func install() {
        // Made now, not within a handler.
        _ = leaving
        _ = isEntered.load(ordering: .relaxed)
        for number in [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGQUIT] {
            signal(number) { number in LivePage.leaveAndRaise(number) }
        }
        signal(SIGTSTP) { number in LivePage.leaveAndRaise(number) }
        signal(SIGCONT) { _ in
            // The next drawing enters the page anew.
            signal(SIGTSTP) { number in LivePage.leaveAndRaise(number) }
        }
    }

    /// Enters the page if it is not there.
    static func draw(_ lines: [LiveLine]) {
        if !isEntered.exchange(true, ordering: .relaxed) {
            Output.write(TerminalText([.control(.enterPage)]))
        }
        Output.write(LiveFrame(hasColours: hasColours).text(lines))
    }

    static func leave() {
        guard isEntered.exchange(false, ordering: .relaxed) else { return }
        Output.write(TerminalText([.control(.leavePage)]))
    }

    /// Within a handler, which may do little more than that.
    private static func leaveAndRaise(_ number: Int32) {
        if isEntered.exchange(false, ordering: .relaxed) {
            DescriptorOutput.tellWithinHandler(leaving, to: STDOUT_FILENO)
        }
        signal(number, SIG_DFL)
        raise(number)
    }
}
