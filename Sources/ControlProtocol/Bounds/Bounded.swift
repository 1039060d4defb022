/// What comes from a peer or from a file: each of its numbers and lists has a bound, beyond which nothing of it is believed.
///
/// `WireJSON` checks it where it is decoded, so that what is derived from a number further on can neither trap nor mislead.
package protocol Bounded {
    /// Throws the first field that is beyond its bound.
    func check() throws(OutOfBounds)
}

/// A field that says what cannot be.
package struct OutOfBounds: Error, Hashable, Sendable {
    /// As it stands in the JSON, from the outermost value: `zookeeper.data.currentEpoch`.
    package let field: String
    package let value: String
    package let bound: String

    init(_ field: String, _ value: some CustomStringConvertible, not bound: String) {
        self.field = field
        self.value = value.description
        self.bound = bound
    }

    func within(_ outer: String) -> OutOfBounds {
        OutOfBounds(field.isEmpty ? outer : "\(outer).\(field)", value, not: bound)
    }
}

extension OutOfBounds: CustomStringConvertible {
    package var description: String { "\(field) is \(value), not \(bound)" }
}

/// The bounds, wide enough for everything that is true.
package enum Bound {
    /// Unix milliseconds, from before 1970 for hosts whose clock is lost, through the year 9999.
    package static let time: ClosedRange<Int64> = -253_402_300_799_999...253_402_300_799_999
    /// Milliseconds that something took: a century.
    package static let span: ClosedRange<Int> = 0...3_155_760_000_000
    /// An exbibyte.
    package static let bytes: ClosedRange<UInt64> = 0...1 << 60
    /// Packets or bytes that a rule has met; a thousand of them can be added up.
    package static let counter: ClosedRange<UInt64> = 0...1 << 53
    /// Lines of an audit trail, ever.
    package static let lines: ClosedRange<UInt64> = 0...1 << 53
    package static let count: ClosedRange<Int> = 0...1_000_000_000_000
    /// The kernel's own limit.
    package static let processID: ClosedRange<Int32> = 1...4_194_304
    package static let permissions: ClosedRange<UInt32> = 0...0o7777
    /// ZooKeeper's epochs are the upper half of a zxid; a file may say that there was none.
    package static let serverEpoch: ClosedRange<Int64> = -1...4_294_967_295
    /// `myid` as a file may say it, also wrongly.
    package static let serverNumber: ClosedRange<Int> = 0...2_147_483_647
    /// Of a lease; the agent says what it takes of what is asked.
    package static let secondsToLive: ClosedRange<Int> = 1...3600
    /// Seconds that a caller asks for.
    package static let patience: ClosedRange<Int> = 0...1_000_000_000
    package static let version: ClosedRange<Int> = 0...1_000_000
    /// Elements of a list.
    package static let elements: ClosedRange<Int> = 0...100_000
}

extension Bounded {
    package func check<Number: FixedWidthInteger>(
        _ field: String,
        _ number: Number?,
        _ bound: ClosedRange<Number>
    ) throws(OutOfBounds) {
        guard let number, !bound.contains(number) else { return }
        throw OutOfBounds(field, number, not: "\(bound.lowerBound) to \(bound.upperBound)")
    }

    package func check(_ field: String, _ value: (some Bounded)?) throws(OutOfBounds) {
        do throws(OutOfBounds) {
            try value?.check()
        } catch {
            throw error.within(field)
        }
    }

    package func check(
        _ field: String,
        elementsOf list: (some Collection)?,
        most: Int = Bound.elements.upperBound
    ) throws(OutOfBounds) {
        guard let list, list.count > most else { return }
        throw OutOfBounds(field, "\(list.count) long", not: "at most \(most)")
    }

    package func check<Element: Bounded>(
        _ field: String,
        each list: [Element]?,
        most: Int = Bound.elements.upperBound
    ) throws(OutOfBounds) {
        try check(field, elementsOf: list, most: most)
        for (index, element) in (list ?? []).enumerated() { try check("\(field).\(index)", element) }
    }
}

extension Array: Bounded where Element: Bounded {
    package func check() throws(OutOfBounds) { try check("list", each: self) }
}
