import FoundationEssentials
import Testing

@testable import HostControl

/// The reader of nft's answers.
@Suite struct JSONReaderTests {
    @Test("what is written is read again as itself")
    func roundTrip() throws {
        let values: [JSONValue] = [
            nil, .truth(true), .truth(false), 0, -1, .integer(.max), .integer(.min), "",
            "a \"b\" \\ / \n\t\u{1}\u{8}\u{c}\r",
            "\u{e9}\u{20ac}\u{1f512}", [], [:], [[], [[:]], ["a": [1, nil]]],
            ["": "", "x": ["y": .truth(true)]],
        ]
        for value in values {
            for formatting in [JSONEncoder.OutputFormatting.prettyPrinted, .withoutEscapingSlashes, []] {
                let encoder = JSONEncoder()
                encoder.outputFormatting = formatting
                let text = String(decoding: try encoder.encode(["value": value]), as: UTF8.self)
                #expect(try JSONReader.value(of: text) == ["value": value], "\(text)")
            }
        }
    }

    @Test("escapes and spaces are understood")
    func forms() throws {
        let forms: [(String, JSONValue)] = [
            (#" "\u00e9\u20AC\ud83d\udd12\/" "#, "\u{e9}\u{20ac}\u{1f512}/"),
            ("\t[\r\n1 ,-20 ]\n", [1, -20]), (#"{ "a" : { } , "b" : [ ] }"#, ["a": [:], "b": []]),
        ]
        for (text, value) in forms { #expect(try JSONReader.value(of: text) == value, "\(text)") }
    }

    @Test(
        "anything else is a mistake, and is never read in part",
        arguments: [
            "", " ", "[", "[1", "[1,", "[1,]", "[,]", "[1 2]", "{", "{\"a\"", "{\"a\":", "{\"a\":1",
            "{\"a\":1,}", "{a:1}",
            "{\"a\":1,\"a\":2}", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\"",
            "\"\\ud83d\\u0041\"",
            "\"\\udd12\"", "\"\n\"", "1.5", "1e3", "01", "-", "+1", "9223372036854775808", "tru", "nul",
            "None", "[] x",
            "1 2", "'a'", "\"a", "]", "}", "\u{feff}[]",
        ]
    )
    func mistakes(text: String) {
        #expect(throws: JSONReader.Mistake.self) { try JSONReader.value(of: text) }
    }

    @Test("depth is bounded")
    func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONReader.value(of: nested(60))
        #expect(throws: JSONReader.Mistake.self) { try JSONReader.value(of: nested(100_000)) }
    }
}
