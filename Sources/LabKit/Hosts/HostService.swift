/// What `service start` has to know about a host; in `host.json`.
package struct HostDescription: Codable, Sendable {
    package let name: String
    package let namespace: String
    package let zooKeeper: [String]

    package init(name: String, namespace: String, zooKeeper: [String]) {
        self.name = name
        self.namespace = namespace
        self.zooKeeper = zooKeeper
    }
}

/// ZooKeeper as a service of a host without systemd: what an init script would do.
///
/// Starting what runs and stopping what does not are successes. Commands on the same host wait for each
/// other. The process is not a child of whoever asked and never ends with it.
package struct HostService: Sendable {
    private let layout: HostLayout
    private let host: HostDescription

    package init(hostDirectory: String) throws(LabError) {
        layout = HostLayout(root: hostDirectory)
        guard let host = try RecordFile.read(HostDescription.self, at: layout.description) else {
            throw .noLab(path: hostDirectory)
        }
        self.host = host
    }

    /// The running process, or nil.
    package func status() throws(LabError) -> ProcessRecord? {
        guard let record = try RecordFile.read(ProcessRecord.self, at: layout.zooKeeperRecord) else {
            return nil
        }
        return record.isRunning ? record : nil
    }

    @discardableResult
    package func start() throws(LabError) -> ProcessRecord {
        let lock = try FileLock(waitingFor: layout.serviceLock)
        defer { withExtendedLifetime(lock) {} }
        if let running = try status() { return running }
        let launcher = Launcher(namespace: host.namespace, log: layout.zooKeeperLog)
        let record = try launcher.launch(host.zooKeeper)
        try RecordFile.write(record, at: layout.zooKeeperRecord)
        return record
    }

    package func stop() async throws(LabError) {
        let lock = try FileLock(waitingFor: layout.serviceLock)
        defer { withExtendedLifetime(lock) {} }
        guard let record = try status() else { return }
        try await record.end(grace: .seconds(10))
    }
}
