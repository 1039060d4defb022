import ControlProtocol
import FoundationEssentials
import TestSupport
import Testing

@Suite("Texts on the wire")
struct WireTextTests {
    private func printable(_ json: String) -> String {
        String(decoding: WireText.printable(Data(json.utf8)), as: UTF8.self)
    }

    @Test("what can be shown passes byte for byte")
    func unchanged() {
        for json in [
            #"{"a":"b","c":[1,-2.5,null,true],"d":{"e":"zw\u00f6lf"}}"#.replacing(#"\u00f6"#, with: "ö"),
            #"{ "a" : "x\\y\"z" }"#, "[]", "", "{", #"{"a"#, #"{"a\"#, #"{"a":"\x"}"#, #"{"a":"\ud800"}"#,
            #"{"content":"\#(String(repeating: "QUJD", count: 10_000))"}"#,
        ] { #expect(printable(json) == json) }
    }

    @Test("controls and disguises are escapes of ours, in values and in keys, escaped or not")
    func hostile() {
        #expect(
            printable(#"{"a":"\u001b]0;x\u0007","\u202e":1}"#) == #"{"a":"\\u{1B}]0;x\\u{7}","\\u{202E}":1}"#
        )
        #expect(printable("{\"a\":\"\u{1B}\u{9B}\u{202E}\"}") == #"{"a":"\\u{1B}\\u{9B}\\u{202E}"}"#)
        #expect(printable(#"{"a":"\udb40\udc41\ud83d\udd12\/"}"#) == #"{"a":"\\u{E0041}🔒/"}"#)
    }

    @Test("a text is on one line, but for listings of rules")
    func lines() {
        #expect(printable(#"{"error":"a\nb","b":["c\nd"]}"#) == #"{"error":"a\\nb","b":["c\\nd"]}"#)
        #expect(printable(#"{"listing":"a\n\tb\u001b"}"#) == #"{"listing":"a\n    b\\u{1B}"}"#)
        #expect(printable(#"{"list\u0069ng":"a\nb"}"#) == #"{"listing":"a\\nb"}"#)
    }

    @Test("a text without an end is cut, and the file that a coordinator asked for is not")
    func long() throws {
        let text = String(repeating: "x", count: 1_000_000)
        #expect(printable(#"{"error":"\#(text)"}"#).utf8.count < 5000)
        #expect(printable(#"{"listing":"\#(text)"}"#).utf8.count < 101_000)
        #expect(printable(#"{"content":"\#(text)"}"#).utf8.count > 1_000_000)
    }

    @Test("every hostile text is a harmless one after decoding, and doing it twice is doing it once")
    func decoding() throws {
        let encoded = try JSONEncoder().encode(["error": HostileText.all, "listing": HostileText.all])
        let once = WireText.printable(encoded)
        #expect(WireText.printable(once) == once)
        let texts = try JSONDecoder().decode([String: String].self, from: once)
        #expect(texts.count == 2 && texts.values.allSatisfy { HostileText.offences(in: $0).isEmpty })
        #expect(texts["error"]?.contains("\n") == false)
    }
}
