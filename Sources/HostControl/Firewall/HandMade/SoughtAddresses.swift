import Topology

/// The addresses whose rules are looked for, and whether a text concerns one of them.
struct SoughtAddresses: Sendable {
    private let all: Set<IPAddress>
    private let bytes: [[UInt8]]
    /// Which sets of ipset hold one of them, as far as that was read.
    var sets = HeldSets.none

    init(_ addresses: [IPAddress]) {
        all = Set(addresses)
        bytes = addresses.map(\.bytes)
    }

    func contains(_ address: IPAddress) -> Bool { all.contains(address) }

    func without(_ others: [IPAddress]) -> SoughtAddresses {
        SoughtAddresses(all.subtracting(others).sorted())
    }

    /// How closely a text touches the addresses.
    enum Mention: Hashable, Sendable {
        case none
        /// By a block or a range that one of them lies in, and is not the whole internet.
        case covered
        case named
    }

    /// Whatever stands around the address: 198.51.100.1 is not in `198.51.100.11`, and is in `peer=198.51.100.1.`.
    func mention(in text: String) -> Mention {
        var found = Mention.none
        for piece in text.utf8.split(whereSeparator: { !Self.isPart($0) }) where piece.count > 2 {
            switch mention(ofPiece: Substring(piece)) {
            case .named: return .named
            case .covered: found = .covered
            case .none: continue
            }
        }
        return found
    }

    private func mention(ofPiece piece: Substring) -> Mention {
        let ends = piece.split(separator: "-", omittingEmptySubsequences: false)
        if ends.contains(where: { names($0) }) { return .named }
        if ends.count == 2, let first = Self.address(ends[0]), let last = Self.address(ends[1]) {
            return lies(between: first.bytes, last.bytes) ? .covered : .none
        }
        return ends.contains { covers($0) } ? .covered : .none
    }

    private func names(_ text: Substring) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let address = Self.address(first), contains(address) else {
            return false
        }
        // A wider mask speaks of its whole block.
        return parts.count == 1 || Self.mask(parts[1], address.bytes.count)?.allSatisfy { $0 == 0xFF } ?? true
    }

    private func covers(_ text: Substring) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let base = Self.address(parts[0]),
            let mask = Self.mask(parts[1], base.bytes.count), mask.contains(where: { $0 != 0 })
        else { return false }
        return bytes.contains { address in
            address.count == mask.count
                && zip(mask, zip(address, base.bytes)).allSatisfy { $0 & $1.0 == $0 & $1.1 }
        }
    }

    private func lies(between first: [UInt8], _ last: [UInt8]) -> Bool {
        bytes.contains { address in
            address.count == first.count && address.count == last.count
                && !address.lexicographicallyPrecedes(first) && !last.lexicographicallyPrecedes(address)
        }
    }

    /// The one host that an address with or without its full mask stands for; nil for anything wider.
    static func host(_ text: Substring) -> IPAddress? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, let address = IPAddress(String(first)) else {
            return nil
        }
        guard parts.count == 2 else { return address }
        return mask(parts[1], address.bytes.count)?.allSatisfy { $0 == 0xFF } == true ? address : nil
    }

    /// A prefix length, or a mask that is written as an address.
    private static func mask(_ text: Substring, _ width: Int) -> [UInt8]? {
        if let address = IPAddress(String(text)) {
            return address.bytes.count == width ? address.bytes : nil
        }
        guard let length = Int(text), (0...(width * 8)).contains(length) else { return nil }
        return (0..<width).map { index in
            let bits = min(max(length - index * 8, 0), 8)
            return bits == 0 ? 0 : 0xFF << (8 - UInt8(bits))
        }
    }

    /// The end of a sentence may follow it.
    private static func address(_ text: Substring) -> IPAddress? {
        if let address = IPAddress(String(text)) { return address }
        let trimmed = text.drop { $0 == "." }.reversed().drop { $0 == "." || $0 == ":" }.reversed()
        return trimmed.count == text.count ? nil : IPAddress(String(trimmed))
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "/"),
            UInt8(ascii: "-"):
            true
        case _: false
        }
    }
}
