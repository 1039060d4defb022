package import Printable

/// Lines of the live view as what a terminal is sent: the one place where a style becomes a control.
package struct LiveFrame: Sendable {
    private let hasColours: Bool

    /// - Parameter hasColours: false under `NO_COLOR`; weight is told all the same.
    package init(hasColours: Bool) { self.hasColours = hasColours }

    /// Over the page that is there, line by line, so that nothing flickers.
    package func text(_ lines: [LiveLine]) -> TerminalText {
        var parts: [TerminalText.Part] = [.control(.home)]
        for (number, line) in lines.enumerated() {
            if number > 0 { parts.append(.control(.nextLine)) }
            parts.append(.control(.emptyLine))
            for piece in line.pieces {
                let controls = controls(of: piece.style)
                parts += controls.map { .control($0) }
                parts.append(.text(piece.text))
                if !controls.isEmpty { parts.append(.control(.normal)) }
            }
        }
        return TerminalText(parts)
    }

    private func controls(of style: LiveLine.Style) -> [TerminalText.Control] {
        switch style {
        case .plain: []
        case .strong: [.strong]
        case .faint: [.faint]
        case .good: hasColours ? [.green] : []
        case .bad: hasColours ? [.strong, .red] : [.strong]
        }
    }
}
