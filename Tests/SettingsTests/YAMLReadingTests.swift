import Settings
import Testing

private func parse(_ text: String) throws(YAMLError) -> YAMLNode {
    try YAMLDocument(bytes: Array(text.utf8), file: "a.yaml").root
}

private func refusal(_ body: () throws(YAMLError) -> some Any) -> String? {
    do throws(YAMLError) {
        _ = try body()
        return nil
    } catch {
        return error.description
    }
}

@Suite("Reading YAML")
struct YAMLReadingTests {
    @Test("values come with their place")
    func places() throws {
        let root = try parse("# c\na: 1\nb:\n  - x\n  - {k: 'v'}\n").mapping(keys: ["a", "b"])
        #expect(try root.integer("a") == 1)
        let items = try root.items("b")
        #expect(items.map(\.line) == [4, 5])
        #expect(items.map(\.column) == [5, 5])
        #expect(try items[1].mapping(keys: ["k"]).string("k") == "v")
        #expect(root.position(of: "b") == YAMLPosition(line: 3, column: 1))
    }

    @Test(
        "what a settings file has no use for is refused by line",
        arguments: [
            (
                "a: 1\nb: 2\na: 3\n",
                "a.yaml:3: 'a' stands here for the second time, first on line 1. Remove one of them."
            ),
            (
                "{a: {x: 1,\n x: 2}}",
                "a.yaml:2: 'x' stands here for the second time, first on line 1. Remove one of them."
            ),
            ("a: &x 1\n", "a.yaml:1: anchors ('&x') are not supported. Write the value out."),
            ("a: 1\nb: *x\n", "a.yaml:2: aliases ('*x') are not supported. Write the value out."),
            ("a: !!int 1\n", "a.yaml:1: tags ('tag:yaml.org,2002:int') are not supported. Remove it."),
            (
                "? [a]\n: 1\n",
                "a.yaml:1: a key must be plain text. Quote it if it starts with a special character."
            ),
            (
                "a: 1\n---\nb: 1\n",
                "a.yaml:2: a second YAML document starts here. Keep one document in the file."
            ),
            ("", "a.yaml:1: the file holds no YAML document. Write the settings into it."),
            ("# only\n", "a.yaml:1: the file holds no YAML document. Write the settings into it."),
        ]
    )
    func refusals(_ text: String, _ expected: String) {
        #expect(refusal { () throws(YAMLError) in try parse(text) } == expected)
    }

    @Test(
        "text that is no YAML is refused with line and reason",
        arguments: [
            ("a: 1\n\tb: 2\n", "a.yaml:2: not valid YAML: found a tab character that violates indentation"),
            ("a: [1,\nb: 2\n", "a.yaml:3: not valid YAML: "), ("a: 'x\n", "a.yaml:2: not valid YAML: "),
            ("a: 1\n b: 2\n", "a.yaml:2: not valid YAML: "), ("a: }\n", "a.yaml:1: not valid YAML: "),
        ]
    )
    func syntax(_ text: String, _ expected: String) throws {
        let reason = try #require(refusal { () throws(YAMLError) in try parse(text) })
        #expect(reason.hasPrefix(expected), "\(reason)")
        #expect(reason.hasSuffix("Check the indentation (spaces, no tabs), the colons and the quotes here."))
    }

    @Test("bytes that are not UTF-8 are refused at their line")
    func encoding() {
        for bytes in [[0xe9, 10], [0xff, 0xfe, 0x61, 0]] as [[UInt8]] {
            let text = Array("a: 1\nb: ".utf8) + bytes
            let reason = refusal { () throws(YAMLError) in try YAMLDocument(bytes: text, file: "a.yaml") }
            #expect(reason?.hasPrefix("a.yaml:2: not valid YAML: ") == true, "\(reason ?? "read")")
        }
    }

    @Test("depth and size are limited")
    func limits() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(
            refusal { () throws(YAMLError) in try parse(deep) }
                == "a.yaml:1: nested deeper than 32 levels. Flatten the document."
        )
        let long = "a: " + String(repeating: "x", count: YAMLDocument.sizeLimit)
        #expect(
            refusal { () throws(YAMLError) in try parse(long) }?.contains("larger than 1048576 bytes") == true
        )
        let text = "a: " + String(repeating: "x", count: YAMLDocument.sizeLimit - 3)
        #expect(refusal { () throws(YAMLError) in try parse(text) } == nil)
    }

    @Test("files that cannot be read say why")
    func files() {
        func reading(_ path: String) -> String? {
            refusal { () throws(YAMLError) in try YAMLDocument.read(path: path) }
        }
        #expect(
            reading("/nonexistent/a.yaml")
                == "/nonexistent/a.yaml: cannot be read: No such file or directory. Check the path and its permissions."
        )
        #expect(reading("/") == "/: is not a regular file. Name a file.")
        #expect(reading("/dev/zero") == "/dev/zero: is not a regular file. Name a file.")
    }

    @Test(
        "a wrong type names what was expected and what was found",
        arguments: [
            ("n: '1'", "a.yaml:1: 'n' must be a whole number without quotes, but is quoted text."),
            ("n: 1.5", "a.yaml:1: 'n' must be a whole number, but is '1.5'."),
            ("n: 0x10", "a.yaml:1: 'n' must be a whole number, but is '0x10'."),
            ("n: 010", "a.yaml:1: 'n' must be a whole number, but is '010'."),
            (
                "n: 99999999999999999999",
                "a.yaml:1: 'n' must be a whole number, but is '99999999999999999999'."
            ),
            ("n:", "a.yaml:1: 'n' must be a whole number, but is nothing."),
            ("n: 70000", "a.yaml:1: 'n' must be from 1 to 65535, but is 70000."),
            ("n: 1\nt: [x]", "a.yaml:2: 't' must be text, but is a list."),
            ("n: 1\nt: ~", "a.yaml:2: 't' must be text, but is nothing."),
            ("n: 1\nt: ''", "a.yaml:2: 't' must be text, but is empty."),
            (
                "n: 1\nt: \"a\\0b\"",
                "a.yaml:2: 't' must be text on one line, but is text with control characters."
            ),
            ("n: 1\nt: x\nb: yes", "a.yaml:3: 'b' must be true or false, but is 'yes'."),
            ("n: 1\nt: x\nb: 'true'", "a.yaml:3: 'b' must be true or false, but is quoted text."),
            ("n: 1\nt: x\nb: true\nl: x", "a.yaml:4: 'l' must be a list, but is 'x'."),
            ("n: 1\nt: x\nb: true\nl: [x, {}]", "a.yaml:4: each item of 'l' must be text, but is a mapping."),
            ("n: 1\nt: x\nb: true\nl: []\nm: x", "a.yaml:5: 'm' must be a mapping (key: value), but is 'x'."),
            ("n: 1\nt: x\nb: true\nl: []", "a.yaml:1: 'm' is missing here. Add it."),
            (
                "n: 1\nq: 1\nzz: 2",
                "a.yaml:2: unknown key 'q'. Known here: n, t, b, l, m.\na.yaml:3: unknown key 'zz'. Known here: n, t, b, l, m."
            ),
            ("[]", "a.yaml:1: this must be a mapping (key: value), but is a list."),
            (
                String(repeating: "root:x:0:0 ", count: 20) + "secret",
                "a.yaml:1: this must be a mapping (key: value), but is text of 226 characters."
            ),
            (
                "n: 1\nroot:$6$9hJ:20228::",
                "a.yaml:2: a key of 18 characters that is no setting's name. Check that it is the right file. Known here: n, t, b, l, m."
            ),
        ]
    )
    func types(_ text: String, _ expected: String) {
        let reason = refusal { () throws(YAMLError) in
            let map = try parse(text).mapping(keys: ["n", "t", "b", "l", "m"])
            _ = try map.integer("n", in: 1...65535)
            _ = try map.string("t")
            _ = try map.boolean("b")
            _ = try map.strings("l")
            return try map.mapping("m", keys: [])
        }
        #expect(reason == expected)
    }

    @Test("optional keys may be absent, not wrong")
    func optional() throws {
        let map = try parse("a: x\n").mapping(keys: ["a", "b"])
        #expect(try map.optionalString("b") == nil)
        #expect(try map.optionalItems("b") == nil)
        #expect(throws: YAMLError.self) { _ = try map.optionalInteger("a") }
        #expect(throws: YAMLError.self) { _ = try map.optionalMapping("a", keys: []) }
    }

    @Test(
        "near misses are recognised, far ones are not",
        arguments: [
            ("servcie", "service"), ("adress", "address"), ("Host", "host"), ("timeout", nil), ("x", nil),
        ]
    )
    func nearest(_ name: String, _ expected: String?) {
        #expect(NearestName.of(name, in: ["service", "address", "host", "config"]) == expected)
    }
}
