package import Logging

extension Logger {
    /// The same for fields that were gathered before, in the order of the array.
    package func log(_ level: Level, _ message: String, ordered fields: [(key: String, value: String)]) {
        guard level >= logLevel else { return }
        var metadata: Metadata = [:]
        for (place, field) in fields.enumerated() {
            metadata[field.key] = .stringConvertible(PlacedField(place: place, description: field.value))
        }
        log(level: level, "\(message)", metadata: metadata)
    }
}
