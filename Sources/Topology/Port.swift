/// A TCP port, 1 to 65535.
package struct Port: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let number: UInt16

    /// Nil for 0 or more than 65535.
    package init?(_ number: Int) {
        guard (1...65535).contains(number) else { return nil }
        self.number = UInt16(number)
    }

    package var description: String { String(number) }

    package static func < (left: Port, right: Port) -> Bool { left.number < right.number }
}

extension Port: Codable {
    package init(from decoder: any Decoder) throws {
        let number = try decoder.singleValueContainer().decode(Int.self)
        guard let port = Port(number) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "port \(number) is not in 1...65535")
            )
        }
        self = port
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Int(number))
    }
}
