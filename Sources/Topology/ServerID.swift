/// A ZooKeeper server id (`myid`): 1 to 255, as the Administrator's Guide allows.
package struct ServerID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let value: Int

    /// Nil outside 1...255.
    package init?(_ value: Int) {
        guard (1...255).contains(value) else { return nil }
        self.value = value
    }

    package var description: String { String(value) }

    package static func < (left: ServerID, right: ServerID) -> Bool { left.value < right.value }
}

extension ServerID: Codable {
    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer().decode(Int.self)
        guard let id = ServerID(value) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "server id \(value) is not in 1...255"
                )
            )
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}
