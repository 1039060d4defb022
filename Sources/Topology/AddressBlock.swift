/// A CIDR block, `198.51.100.0/24` or `2001:db8::/64`; a bare address is a block of one.
package struct AddressBlock: Hashable, Sendable, CustomStringConvertible {
    package let base: IPAddress
    package let prefixLength: Int

    /// Nil when it is not an address with a fitting prefix length, or has host bits set.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init
        )
        guard let first = parts.first, let base = IPAddress(first) else { return nil }
        let width = base.bytes.count * 8
        guard parts.count == 2 else {
            self.base = base
            prefixLength = width
            return
        }
        guard let length = Int(parts[1]), (0...width).contains(length), String(length) == parts[1] else {
            return nil
        }
        self.base = base
        prefixLength = length
        guard Self.masked(base.bytes, length) == base.bytes else { return nil }
    }

    package var description: String { "\(base)/\(prefixLength)" }

    package func contains(_ address: IPAddress) -> Bool {
        address.family == base.family && Self.masked(address.bytes, prefixLength) == base.bytes
    }

    private static func masked(_ bytes: [UInt8], _ length: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let bits = min(max(length - index * 8, 0), 8)
            return bits == 0 ? 0 : byte & (0xFF << (8 - UInt8(bits)))
        }
    }
}
