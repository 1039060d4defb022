/// A mapping whose keys were checked; each read says what it expects and where it was not met.
package struct YAMLMapping: Sendable {
    package let node: YAMLNode
    private let values: [String: YAMLNode]
    private let keyPositions: [String: YAMLPosition]

    init(node: YAMLNode, entries: [YAMLNode.Entry]) {
        self.node = node
        values = Dictionary(entries.map { ($0.key, $0.value) }) { first, _ in first }
        keyPositions = Dictionary(entries.map { ($0.key, $0.keyPosition) }) { first, _ in first }
    }

    /// Where the key stands; nil when it is absent.
    package func position(of key: String) -> YAMLPosition? { keyPositions[key] }

    package var line: Int { node.line }

    /// Nil when the key is absent.
    package subscript(key: String) -> YAMLNode? { values[key] }

    /// The key's value, which must be there.
    package func value(_ key: String) throws(YAMLError) -> YAMLNode {
        guard let value = values[key] else { throw .problems([node.problem(.missingKey(key))]) }
        return value
    }

    package func string(_ key: String) throws(YAMLError) -> String {
        try value(key).string(subject: "'\(key)'")
    }

    package func optionalString(_ key: String) throws(YAMLError) -> String? {
        try values[key]?.string(subject: "'\(key)'")
    }

    package func integer(
        _ key: String,
        in range: ClosedRange<Int> = Int.min...Int.max
    ) throws(YAMLError) -> Int {
        try value(key).integer(in: range, subject: "'\(key)'")
    }

    package func optionalInteger(
        _ key: String,
        in range: ClosedRange<Int> = Int.min...Int.max
    ) throws(YAMLError) -> Int? {
        try values[key]?.integer(in: range, subject: "'\(key)'")
    }

    package func boolean(_ key: String) throws(YAMLError) -> Bool {
        try value(key).boolean(subject: "'\(key)'")
    }

    package func optionalBoolean(_ key: String) throws(YAMLError) -> Bool? {
        try values[key]?.boolean(subject: "'\(key)'")
    }

    package func strings(_ key: String) throws(YAMLError) -> [String] {
        try value(key).strings(subject: "'\(key)'")
    }

    package func optionalStrings(_ key: String) throws(YAMLError) -> [String]? {
        try values[key]?.strings(subject: "'\(key)'")
    }

    package func items(_ key: String) throws(YAMLError) -> [YAMLNode] {
        try value(key).items(subject: "'\(key)'")
    }

    package func optionalItems(_ key: String) throws(YAMLError) -> [YAMLNode]? {
        try values[key]?.items(subject: "'\(key)'")
    }

    package func mapping(_ key: String, keys: [String]) throws(YAMLError) -> YAMLMapping {
        try value(key).mapping(keys: keys, subject: "'\(key)'")
    }

    package func optionalMapping(_ key: String, keys: [String]) throws(YAMLError) -> YAMLMapping? {
        try values[key]?.mapping(keys: keys, subject: "'\(key)'")
    }
}
