/// What is written to a terminal: text that is made printable, after a control of our own, which no text can bring about.
package struct TerminalText: Hashable, Sendable {
    package enum Control: String, Hashable, Sendable {
        /// Back to the beginning of the line, and nothing on it.
        case clearLine = "\r\u{1B}[K"
        /// Another page, without a cursor; what stood on the terminal comes back with `leavePage`.
        case enterPage = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J\u{1B}[H"
        case leavePage = "\u{1B}[0m\u{1B}[?25h\u{1B}[?1049l"
        /// To the page's first line.
        case home = "\u{1B}[H"
        /// Nothing on this line.
        case emptyLine = "\u{1B}[2K"
        case nextLine = "\r\n"
        case strong = "\u{1B}[1m"
        case faint = "\u{1B}[2m"
        case green = "\u{1B}[32m"
        case red = "\u{1B}[31m"
        case normal = "\u{1B}[0m"
    }

    /// What is sent one after the other.
    package enum Part: Hashable, Sendable {
        case control(Control)
        /// On one line.
        case text(String)
    }

    /// The characters that a terminal is sent.
    package let rendered: String

    package init(_ parts: [Part]) {
        rendered = parts.map { part in
            switch part {
            case .control(let control): control.rawValue
            case .text(let text): PrintableText(text).description
            }
        }.joined()
    }

    /// `text` may have several lines.
    package init(_ text: String, after control: Control? = nil) {
        rendered = (control?.rawValue ?? "") + PrintableText(lines: text).description
    }
}
