/// Values that are kept out of everything that is shown or kept for people: terminals, logs, journals, audit trails.
///
/// Told by the names of their settings, as ZooKeeper, Kafka and the JVM name them.
package enum SecretValues {
    /// Stands in a value's place.
    package static let mark = "(hidden)"

    /// As they stand in a name without its dots, hyphens and underscores.
    private static let words = [
        "password", "passwd", "passphrase", "passcode", "pwd", "secret", "digest", "credential", "token",
        "jaas",
        "sasl", "privatekey", "apikey", "accesskey", "encryptionkey", "keystorekey", "userinfo",
    ]

    package static func isSecret(name: some StringProtocol) -> Bool {
        let plain = name.lowercased().filter { $0 != "." && $0 != "-" && $0 != "_" }
        return words.contains { plain.contains($0) }
    }

    /// Whether a setting's value must not be shown; that something is switched on or off is no secret.
    package static func isSecret(name: some StringProtocol, value: some StringProtocol) -> Bool {
        isSecret(name: name) && !["", "true", "false"].contains(value.lowercased())
    }

    /// Free text, such as a program prints: what follows a secret's name goes, up to the end of its line.
    ///
    /// `name=value`, `name: value`, `-Dname=value`, `--name value`, `"name": "value"`, `<name>value`.
    package static func hidden(in text: String) -> String {
        text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { line(Array($0)) }
            .joined(separator: "\n")
    }

    private static func line(_ bytes: [UInt8]) -> String {
        var rest = bytes[...]
        while let start = rest.firstIndex(where: isOfName) {
            let name = rest[start...].prefix(while: isOfName)
            rest = rest[name.endIndex...]
            guard isSecret(name: String(decoding: name, as: UTF8.self)) else { continue }
            let between = rest.prefix { " \t\"'\\".utf8.contains($0) }
            guard between.endIndex < rest.endIndex else { break }
            if "=:>".utf8.contains(rest[between.endIndex]) {
                return String(decoding: bytes[...between.endIndex], as: UTF8.self) + mark
            }
            if name.first == UInt8(ascii: "-"), !between.isEmpty {
                return String(decoding: bytes[..<between.endIndex], as: UTF8.self) + mark
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
            true
        default: ".-_".utf8.contains(byte)
        }
    }
}
