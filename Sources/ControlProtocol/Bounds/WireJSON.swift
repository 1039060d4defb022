package import FoundationEssentials

/// JSON that somebody else has written: the one place where it becomes values.
///
/// Before anything is built from it, its depth, its size and the length of its texts and numbers are looked at; afterwards
/// every number has its bound.
package enum WireJSON {
    /// Deeper than anything that the programs say.
    fileprivate static let mostDepth = 64
    /// Longer than any number of 64 bits.
    fileprivate static let longestNumber = 40
    /// Keys, values and elements together.
    fileprivate static let mostParts = 2_000_000

    package static func decode<Value: Decodable & Bounded>(
        _ type: Value.Type = Value.self,
        from data: Data
    ) throws(WireProblem) -> Value {
        if let objection = objection(to: data) { throw .malformed(objection) }
        let value: Value
        do {
            value = try JSONDecoder().decode(type, from: data)
        } catch {
            throw .malformed(misfit(error, of: type, in: data) ?? describe(error))
        }
        do throws(OutOfBounds) { try value.check() } catch { throw .beyond(error) }
        return value
    }

    /// Says in one line where a JSON text is not what it should be.
    package static func describe(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            return at(context.codingPath) + context.debugDescription
        case .keyNotFound(let key, let context):
            return at(context.codingPath) + "'\(key.stringValue)' is missing"
        @unknown default:
            return "\(error)"
        }
    }

    /// The decoder names no field where a number does not fit into its type.
    private static func misfit<Value: Decodable>(
        _ error: any Error,
        of type: Value.Type,
        in data: Data
    ) -> String? {
        guard case .dataCorrupted(let context)? = error as? DecodingError, context.codingPath.isEmpty else {
            return nil
        }
        let place = NumberSearch.misfit(in: data) { other in
            do {
                _ = try JSONDecoder().decode(type, from: other)
                return true
            } catch {
                // Another mistake than that of a number.
                if case .dataCorrupted(let context)? = error as? DecodingError {
                    return !context.codingPath.isEmpty
                }
                return true
            }
        }
        return place.map { "\($0.field) is \($0.number), which does not fit there" }
    }

    private static func at(_ path: [any CodingKey]) -> String {
        path.isEmpty ? "" : "at " + path.map(\.stringValue).joined(separator: ".") + ": "
    }

    /// What keeps a text from being decoded at all; nil when nothing does.
    ///
    /// It need not be JSON.
    static func objection(to data: Data) -> String? {
        var scan = Scan()
        return data.withUnsafeBytes { bytes in
            for byte in bytes { scan.take(byte) }
            return scan.objection
        }
    }

    private struct Scan {
        var depth = 0
        var deepest = 0
        var parts = 0
        var number = 0
        var longest = 0
        /// A text of wider characters than UTF-8's, which the decoder takes too, is full of them.
        var hasNull = false
        var isText = false
        var isEscaped = false

        var objection: String? {
            if hasNull { return "it is no UTF-8: it holds a byte of zero" }
            if deepest > WireJSON.mostDepth {
                return "it is nested \(deepest) deep; at most \(WireJSON.mostDepth) is read"
            }
            if parts > WireJSON.mostParts {
                return "it has \(parts) parts; at most \(WireJSON.mostParts) are read"
            }
            if longest > WireJSON.longestNumber { return "it holds a number of \(longest) characters" }
            return nil
        }

        mutating func take(_ byte: UInt8) {
            if byte == 0 { hasNull = true }
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isText = false
                }
                return
            }
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "+"),
                UInt8(ascii: "-"),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                number += 1
                longest = max(longest, number)
                return
            case UInt8(ascii: "\""): isText = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                parts += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: ","), UInt8(ascii: ":"): parts += 1
            case _: break
            }
            number = 0
        }
    }
}

/// Why a text did not become a value.
package enum WireProblem: Error, Hashable, Sendable {
    /// It is not JSON, not of this kind, or larger than anything that makes sense.
    case malformed(String)
    /// It is, and says what cannot be.
    case beyond(OutOfBounds)
}

extension WireProblem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed(let reason): reason
        case .beyond(let field): field.description
        }
    }
}
