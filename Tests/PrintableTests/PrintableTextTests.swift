import Printable
import TestSupport
import Testing

@Suite("Foreign text made printable")
struct PrintableTextTests {
    @Test("controls, overrides, what is invisible and what is no character are written as escapes")
    func escapes() {
        let cases: [(String, String)] = [
            ("", ""), ("plain = text!", "plain = text!"), ("a\u{1B}]0;x\u{07}b", #"a\u{1B}]0;x\u{7}b"#),
            ("\u{9B}2J", #"\u{9B}2J"#), ("a\u{202E}b", #"a\u{202E}b"#), ("a\r\n\tb", #"a\r\n\tb"#),
            ("a\u{2028}b\u{FEFF}", #"a\u{2028}b\u{FEFF}"#),
            (String(decoding: [97, 0xFF, 98], as: UTF8.self), #"a\u{FFFD}b"#),
            (#"a\u{1B}"#, #"a\u{1B}"#), ("\u{E0041}", #"\u{E0041}"#),
        ]
        for (text, expected) in cases { #expect(PrintableText(text).description == expected) }
    }

    @Test("letters of every script stay, with their signs; so do symbols")
    func letters() {
        for text in [
            "zwölf", "Ελλάδα", "Привет", "日本語", "ไทยที่", "שלום", "देवनागरी", "tiếng Việt", "→ 12 % ✓ 🔒",
            "e\u{301}",
        ] {
            #expect(PrintableText(text).description == text)
        }
    }

    @Test(
        "no character at all comes through that hides, turns or moves something, and doing it twice is doing it once"
    )
    func everything() {
        for first in stride(from: UInt32(0), through: 0x10FFFF, by: 0x100)
        where first < 0x20000 || first >= 0xE0000 {
            let scalars = (first..<first + 0x100).compactMap { Unicode.Scalar($0) }
            let text = scalars.map { "x\($0)" }.joined()
            let shown = PrintableText(text, limit: .max).description
            #expect(HostileText.offences(in: shown).isEmpty && !shown.contains("\n"), "\(first)")
            #expect(PrintableText(shown, limit: .max).description == shown)
            #expect(HostileText.offences(in: PrintableText(lines: text).description).isEmpty, "\(first)")
            #expect(HostileText.offences(in: PrintableText.json(text)).isEmpty, "\(first)")
        }
    }

    @Test("a heap of signs on one letter, or signs that would stand on our own text, are escapes")
    func marks() {
        #expect(PrintableText("\u{301}x").description == #"\u{301}x"#)
        #expect(
            PrintableText("a\u{301}\u{301}\u{301}\u{301}\u{333}").description
                == "a\u{301}\u{301}\u{301}\u{301}\\u{333}"
        )
        #expect(PrintableText(lines: "a\n\u{301}x").description == "a\n\\u{301}x")
    }

    @Test("what is too long is cut, and how much that was is told")
    func limit() {
        #expect(PrintableText("abcdef", limit: 6).description == "abcdef")
        #expect(PrintableText("abcdefgh", limit: 6).description == "abcdef [and 2 more characters]")
        #expect(PrintableText("öööö", limit: 3).description == "ööö [and 1 more characters]")
        let endless = PrintableText(String(repeating: "\u{1B}", count: 100_000)).description
        #expect(endless.hasSuffix(" [and 96000 more characters]") && endless.utf8.count < 30_000)
    }

    @Test("line by line, line feeds stay and indents are spaces")
    func lines() {
        let text = "table {\n\tchain\tx {\n\t\t\u{1B}[2J\r\n}"
        #expect(
            PrintableText(lines: text).description == "table {\n    chain\\tx {\n        \\u{1B}[2J\\r\n}"
        )
    }

    @Test("JSON means the same, and shows nothing that does not show")
    func json() {
        #expect(
            PrintableText.json("{\"a\": \"\u{202E}\u{9B}ö\u{E0041}\"}\n")
                == "{\"a\": \"\\u202e\\u009bö\\udb40\\udc41\"}\n"
        )
        #expect(PrintableText.json(#"{"a": "\u001b"}"#) == #"{"a": "\u001b"}"#)
    }

    @Test("of a text that is ASCII or a disguise, every other character is an escape")
    func ascii() {
        #expect(PrintableText(ascii: "agent/\u{455}1").description == #"agent/\u{455}1"#)
    }

    @Test("on a terminal, only our own controls stay controls")
    func terminal() {
        #expect(TerminalText("a\u{1B}[2J\nb").rendered == "a\\u{1B}[2J\nb")
        #expect(TerminalText("\r\u{1B}[K", after: .clearLine).rendered == "\r\u{1B}[K" + #"\r\u{1B}[K"#)
    }
}
