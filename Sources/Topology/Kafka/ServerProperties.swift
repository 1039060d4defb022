/// A broker's server.properties as Kafka reads it, keeping every byte that is not asked to change.
package struct ServerProperties: Hashable, Sendable {
    package static let connectKey = "zookeeper.connect"

    private let text: PropertiesText
    /// Where clients of the broker find ZooKeeper.
    package let zookeeperConnect: ConnectString
    /// Nil when Kafka shall choose one itself.
    package let brokerID: BrokerID?
    /// Each holds a meta.properties.
    package let logDirs: [String]
    /// Milliseconds as asked for; nil when left to the version's default.
    package let sessionTimeout: Int?
    /// Milliseconds; Kafka falls back to the session timeout.
    package let connectionTimeout: Int?

    /// Refuses what Kafka would refuse of the settings that matter here, and brokers without ZooKeeper.
    package init(_ content: some Collection<UInt8>) throws(KafkaFileError) {
        text = try KafkaSettings.text(content)
        let settings = KafkaSettings(text)
        if let roles = settings["process.roles"], !roles.value.isEmpty {
            throw .withoutZooKeeper(key: "process.roles", line: roles.line)
        }
        guard let connect = settings[Self.connectKey] else { throw .missing(key: Self.connectKey) }
        guard let parsed = ConnectString(connect.value) else {
            throw .malformedValue(
                key: Self.connectKey,
                value: connect.value,
                expected: "a list of host:port with an optional chroot",
                line: connect.line
            )
        }
        guard !parsed.chroot.utf8.contains(UInt8(ascii: ",")) else {
            throw .chrootInTheMiddle(parsed, line: connect.line)
        }
        zookeeperConnect = parsed
        brokerID = try settings.number("broker.id", atLeast: -1).flatMap { BrokerID($0) }
        let folders = settings["log.dirs"] ?? settings["log.dir"]
        logDirs = (folders?.value ?? "/tmp/kafka-logs").split(separator: ",")
            .map { $0.trimmingBlanks() }.filter { !$0.isEmpty }
        sessionTimeout = try settings.number("zookeeper.session.timeout.ms", atLeast: 1)
        connectionTimeout = try settings.number("zookeeper.connection.timeout.ms", atLeast: 1)
    }

    /// As the file says it; nil when it does not.
    package subscript(key: String) -> String? { KafkaSettings(text)[key]?.value }

    /// What means something definite to Kafka, and is hardly meant.
    package var remarks: [StartRemark] {
        let hidden = StartRemark(
            line: 1,
            text: "a byte order mark is part of the first key for Kafka: the setting has no effect"
        )
        return (text.hidesFirstKey ? [hidden] : []) + text.repeats
    }

    package var content: [UInt8] { text.elements.flatMap(\.bytes) }

    /// The same file with another `zookeeper.connect` and nothing else touched.
    ///
    /// Only the value changes, where the setting in force stands; its key, its separator and its line end stay.
    package func replacingConnect(with connect: ConnectString) throws(KafkaFileError) -> ServerProperties {
        guard connect != zookeeperConnect else { return self }
        let place = text.place(of: Self.connectKey)
        guard let place, let bytes = text.replacing(Self.connectKey, with: connect.description) else {
            throw .missing(key: Self.connectKey)
        }
        let rewritten = try ServerProperties(bytes)
        let others = { (properties: ServerProperties) in
            properties.text.elements.map(\.content).enumerated().filter { $0.offset != place }.map(\.element)
        }
        guard rewritten.zookeeperConnect == connect, others(rewritten) == others(self) else {
            throw .notRepresentable(connect)
        }
        return rewritten
    }
}

/// The settings of a properties file in force: the last of each key.
struct KafkaSettings {
    private let text: PropertiesText

    init(_ text: PropertiesText) { self.text = text }

    static func text(_ content: some Collection<UInt8>) throws(KafkaFileError) -> PropertiesText {
        do throws(ZooConfigurationError) {
            return try PropertiesText(Array(content))
        } catch {
            throw .unreadable(error)
        }
    }

    subscript(wanted: String) -> (value: String, line: Int)? {
        text.value(of: wanted)
    }

    func number(_ key: String, atLeast least: Int) throws(KafkaFileError) -> Int? {
        guard let (value, line) = self[key] else { return nil }
        guard let number = Int(value), number >= least, number <= Int(Int32.max) else {
            throw .malformedValue(
                key: key,
                value: value,
                expected: "a whole number from \(least)",
                line: line
            )
        }
        return number
    }
}
