/// What somebody puts into a text who wants more from a terminal than to show it, or to be taken for somebody else.
package enum HostileText {
    package static let pieces: [String] = [
        "\u{1B}]0;x\u{07}", "\u{1B}[2J", "\u{1B}[8m", "\u{9B}31m", "\u{90}q\u{9C}", "\u{9D}0;x\u{9C}",
        "\u{0}", "\u{7}",
        "\u{8}\u{8}\u{8}", "\r  ok  Division", "\u{B}", "\u{C}", "\u{E}", "\u{7F}", "\u{85}", "\u{AD}",
        "\u{34F}", "\u{61C}",
        "\u{115F}", "\u{180E}", "\u{200B}", "\u{200D}", "\u{200E}", "\u{200F}", "\u{202A}", "\u{202E}",
        "\u{2060}", "\u{2066}",
        "\u{2069}", "\u{2028}", "\u{2029}", "\u{3164}", "\u{FE0F}", "\u{FEFF}", "\u{FFF9}", "\u{FFFD}",
        "\u{E000}",
        "\u{FFFF}", "\u{378}", "\u{E0041}", "\u{F0000}", "\u{10FFFF}", "\t", "\ns2: 0 rules (nftables)",
        "\r\n",
        String(repeating: "\u{333}", count: 40),
    ]

    package static let all = pieces.map { "a\($0)z" }.joined()

    /// The code points that must not reach a terminal, but for line feeds; told by numbers, apart from the code under test.
    package static func offences(in text: String) -> [String] {
        text.unicodeScalars.filter { scalar in
            ranges.contains { $0.contains(scalar.value) }
        }
        .map { "U+" + String($0.value, radix: 16, uppercase: true) }
    }

    private static let ranges: [ClosedRange<UInt32>] = [
        0x00...0x09, 0x0B...0x1F, 0x7F...0x9F, 0xAD...0xAD, 0x34F...0x34F, 0x378...0x378, 0x61C...0x61C,
        0x115F...0x1160,
        0x180E...0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0x3164...0x3164, 0xD800...0xF8FF,
        0xFE00...0xFE0F, 0xFEFF...0xFEFF, 0xFFF0...0xFFFF, 0xE0000...0x10FFFF,
    ]
}
