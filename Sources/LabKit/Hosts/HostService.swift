/// What `service start` has to know about a host; in `host.json`.
package struct HostDescription: Codable, Sendable {
    package let name: String
    package let namespace: String
    package let program: HostProgram

    package init(name: String, namespace: String, program: HostProgram) {
        self.name = name
        self.namespace = namespace
        self.program = program
    }
}

/// The server that a host is there for.
package struct HostProgram: Codable, Sendable, Hashable {
    package enum Name: String, Codable, Sendable {
        case zooKeeper = "zookeeper"
        case kafka
        case application = "app"

        /// How long it may take to end; a broker hands its partitions over first.
        package var grace: Duration {
            switch self {
            case .zooKeeper, .application: .seconds(10)
            case .kafka: .seconds(25)
            }
        }
    }

    package let name: Name
    package let command: [String]

    package init(name: Name, command: [String]) {
        self.name = name
        self.command = command
    }
}

/// A host's server as a service without systemd: what an init script would do.
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
        guard let record = try RecordFile.read(ProcessRecord.self, at: layout.record(of: host.program.name))
        else {
            return nil
        }
        return record.isRunning ? record : nil
    }

    @discardableResult
    package func start() throws(LabError) -> ProcessRecord {
        let lock = try LabLock(waitingFor: layout.serviceLock)
        defer { withExtendedLifetime(lock) {} }
        if let running = try status() { return running }
        let launcher = Launcher(namespace: host.namespace, log: layout.log(of: host.program.name))
        let record = try launcher.launch(host.program.command)
        try RecordFile.write(record, at: layout.record(of: host.program.name))
        return record
    }

    package func stop() async throws(LabError) {
        let lock = try LabLock(waitingFor: layout.serviceLock)
        defer { withExtendedLifetime(lock) {} }
        guard let record = try status() else { return }
        try await record.end(grace: host.program.name.grace)
    }
}
