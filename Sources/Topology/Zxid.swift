/// A ZooKeeper transaction id: the epoch in the high 32 bits, a counter in the low 32.
package struct Zxid: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    package init(epoch: UInt32, counter: UInt32) { value = UInt64(epoch) << 32 | UInt64(counter) }

    /// Reads `srvr`'s form, `0x500000012`; nil for anything else.
    package init?(hexadecimal text: some StringProtocol) {
        guard text.hasPrefix("0x"), let value = UInt64(text.dropFirst(2), radix: 16) else { return nil }
        self.value = value
    }

    package var epoch: UInt32 { UInt32(value >> 32) }
    package var counter: UInt32 { UInt32(truncatingIfNeeded: value) }
    package var description: String { "0x" + String(value, radix: 16) }

    package static func < (left: Zxid, right: Zxid) -> Bool { left.value < right.value }
}

extension Zxid: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let zxid = Zxid(hexadecimal: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is not a zxid (0x...)")
            )
        }
        self = zxid
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
