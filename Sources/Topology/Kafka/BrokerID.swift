/// A broker's `broker.id`: what it is registered under in ZooKeeper.
package struct BrokerID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let value: Int32

    /// Nil below zero; -1 asks Kafka to choose an id.
    package init?(_ number: Int) {
        guard number >= 0, let value = Int32(exactly: number) else { return nil }
        self.value = value
    }

    /// Nil for anything but digits, as `/brokers/ids` has them.
    package init?(_ text: String) {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(text)
        else { return nil }
        self.init(number)
    }

    package var description: String { String(value) }

    package static func < (left: BrokerID, right: BrokerID) -> Bool { left.value < right.value }
}
