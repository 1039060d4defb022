import FoundationEssentials

/// Unix milliseconds for a person.
package enum UnixTime {
    package static func text(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).ISO8601Format()
    }
}
