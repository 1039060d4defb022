internal import FoundationEssentials

/// A release of Kafka, as far as the lab has to tell releases apart.
package struct KafkaVersion: Codable, Sendable, Hashable, Comparable, CustomStringConvertible {
    package let major: Int
    package let minor: Int

    package init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads the name of the jar that has the broker, for instance `kafka_2.13-3.3.1.jar`; nil for any other.
    package init?(jar name: String) {
        guard name.hasPrefix("kafka_"), name.hasSuffix(".jar") else { return nil }
        // Sources and tests have jars of nearly the same name: their versions end in a word.
        let parts = name.dropLast(4).split(separator: "-")
        guard parts.count == 2 else { return nil }
        let numbers = parts[1].split(separator: ".").map { Int($0) }
        guard numbers.count > 1, let major = numbers[0], let minor = numbers[1] else { return nil }
        self.init(major, minor)
    }

    package static func < (one: KafkaVersion, other: KafkaVersion) -> Bool {
        (one.major, one.minor) < (other.major, other.minor)
    }

    package var description: String { "\(major).\(minor)" }
}
