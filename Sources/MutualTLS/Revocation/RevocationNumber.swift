internal import COpenSSL

/// The number of a revocation list, at most 20 bytes (RFC 5280, 5.2.3), in decimal.
///
/// An authority's numbers only rise: of two of its lists the one with the higher number is the newer.
package struct RevocationNumber: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let description: String

    private static let mostDigits = 49

    /// Nil for anything but decimal digits without leading zeros.
    package init?(_ text: String) {
        let digits = text.utf8
        guard (1...Self.mostDigits).contains(digits.count),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { return nil }
        description = text
    }

    package init(_ number: UInt32) { description = String(number) }

    /// Nil for a negative number, and for one that is too long.
    init?(_ number: UnsafePointer<ASN1_INTEGER>) {
        guard let value = ASN1_INTEGER_to_BN(number, nil) else { return nil }
        defer { BN_free(value) }
        guard BN_is_negative(value) == 0, BN_num_bits(value) <= 160, let text = BN_bn2dec(value) else {
            return nil
        }
        defer { CRYPTO_free(text, nil, 0) }
        self.init(String(cString: text))
    }

    package static func < (left: RevocationNumber, right: RevocationNumber) -> Bool {
        let (one, other) = (left.description, right.description)
        return one.utf8.count == other.utf8.count ? one < other : one.utf8.count < other.utf8.count
    }

    /// The next one; nil after the last.
    package var next: RevocationNumber? {
        var digits = Array(description.utf8)
        var index = digits.count - 1
        while index >= 0, digits[index] == UInt8(ascii: "9") {
            digits[index] = UInt8(ascii: "0")
            index -= 1
        }
        if index >= 0 { digits[index] += 1 } else { digits.insert(UInt8(ascii: "1"), at: 0) }
        return RevocationNumber(String(decoding: digits, as: UTF8.self))
    }
}
