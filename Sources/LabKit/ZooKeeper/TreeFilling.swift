internal import FoundationEssentials

/// What is in a lab's tree, and who is connected, before anything is divided.
package struct TreeFilling: Codable, Sendable, Hashable {
    /// How many nodes are made under `/lab-filling`, a thousand a folder, and how many bytes each has.
    package let znodes: Int
    package let znodeSize: Int
    /// How many clients hold a session with an ephemeral node, to the lab's end.
    package let sessions: Int

    package init(znodes: Int = 0, znodeSize: Int = 100, sessions: Int = 0) throws(LabError) {
        guard (0...2_000_000).contains(znodes), (0...1_000_000).contains(znodeSize) else {
            throw .invalid(reason: "a lab has up to 2,000,000 znodes of up to 1,000,000 bytes")
        }
        guard (0...10_000).contains(sessions) else {
            throw .invalid(reason: "a lab has 0 to 10,000 sessions")
        }
        self.znodes = znodes
        self.znodeSize = znodeSize
        self.sessions = sessions
    }

    package static let none = TreeFilling()

    private init() {
        znodes = 0
        znodeSize = 100
        sessions = 0
    }
}

extension Lab {
    /// Fills the source's tree, and returns when all of it is acknowledged and every session is there.
    func fill() async throws {
        let filling = configuration.filling
        guard filling.znodes > 0 || filling.sessions > 0 else { return }
        report(
            "filling: \(filling.znodes) nodes of \(filling.znodeSize) bytes, \(filling.sessions) sessions"
        )
        let ready = layout.client + "/filled"
        try Folder.remove(ready)
        let servers = configuration.sourceHosts.map(\.clientAddress).joined(separator: ",")
        try await launch(
            [
                "/usr/bin/python3", layout.script("fill.py"), "--servers", servers,
                "--znodes", String(filling.znodes), "--size", String(filling.znodeSize),
                "--sessions", String(filling.sessions), "--ready", ready,
            ],
            on: configuration.tenant,
            record: layout.client + "/fill.process.json",
            log: layout.client + "/fill.log"
        )
        let record = try RecordFile.read(ProcessRecord.self, at: layout.client + "/fill.process.json")
        // 200,000 nodes took 100 s on two cores.
        let seconds = 120 + filling.znodes / 200 + filling.sessions / 10
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !FileManager.default.fileExists(atPath: ready) {
            guard record?.isRunning == true, ContinuousClock.now < deadline else {
                throw LabError.late(
                    what: "the filling of the tree",
                    seconds: seconds,
                    seen: said(layout.client + "/fill.log")
                )
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
