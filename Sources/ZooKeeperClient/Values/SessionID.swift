/// A session's number, as servers print it.
package struct SessionID: Hashable, Sendable, CustomStringConvertible {
    package let value: Int64

    package init(_ value: Int64) { self.value = value }

    package var description: String { "0x" + String(UInt64(bitPattern: value), radix: 16) }
}
