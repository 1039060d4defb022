/// A ZooKeeper session, as servers print it.
package struct SessionNumber: Hashable, Sendable, CustomStringConvertible {
    package let value: Int64

    package init(_ value: Int64) { self.value = value }

    /// `0x` and 1 to 16 hexadecimal digits, without a sign; nil for anything else, and for 0, which is no session.
    package init?(hexadecimal text: some StringProtocol) {
        let digits = text.dropFirst(2)
        guard text.hasPrefix("0x"), (1...16).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ Self.isDigit($0) }), let number = UInt64(digits, radix: 16), number != 0
        else { return nil }
        value = Int64(bitPattern: number)
    }

    package var description: String { "0x" + String(UInt64(bitPattern: value), radix: 16) }

    /// The server that the session was opened at: servers put their id into the highest byte.
    ///
    /// It stays when the client moves to another server, so that it tells which list of servers the client
    /// had when it opened the session.
    package var origin: ServerID? { ServerID(Int(UInt64(bitPattern: value) >> 56)) }

    private static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        case _: false
        }
    }
}

extension SessionNumber: Comparable {
    package static func < (left: SessionNumber, right: SessionNumber) -> Bool {
        UInt64(bitPattern: left.value) < UInt64(bitPattern: right.value)
    }
}

extension SessionNumber: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let session = SessionNumber(hexadecimal: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is no session")
            )
        }
        self = session
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
