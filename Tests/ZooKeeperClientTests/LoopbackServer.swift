import FoundationEssentials
import Glibc
import Synchronization
import TestSupport
import Testing
import Topology

/// A real standalone ZooKeeper on loopback that can be killed, frozen and started again with its data.
final class LoopbackServer: Sendable {
    static let jar = "/usr/share/java/zookeeper.jar"
    static let isInstalled = access(jar, R_OK) == 0 && access("/usr/bin/java", X_OK) == 0

    let port: Int
    private let directory: String
    private let config: String
    private let pid = Mutex<pid_t>(0)

    /// A tick of 500 ms: sessions last 1 to 10 s.
    init(_ settings: [String] = [], address: String = "127.0.0.1") throws {
        var template = Array("/tmp/mitosis-zkclient-XXXXXX".utf8CString)
        let made = mkdtemp(&template) != nil
        try #require(made)
        directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        config = directory + "/zoo.cfg"
        port = try Self.freePort()
        let lines =
            [
                "dataDir=\(directory)/data", "clientPort=\(port)", "clientPortAddress=\(address)",
                "admin.enableServer=false", "tickTime=500", "maxClientCnxns=0", "initLimit=20",
                "syncLimit=10",
            ] + settings
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: config))
        try start()
    }

    deinit {
        kill()
        do {
            try FileManager.default.removeItem(atPath: directory)
        } catch {
            print("left behind: \(directory): \(error)")
        }
    }

    var connectString: ConnectString {
        get throws { try #require(ConnectString("127.0.0.1:\(port)")) }
    }

    func start() throws {
        let arguments = [
            "/usr/bin/java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", Self.jar,
            "org.apache.zookeeper.server.quorum.QuorumPeerMain", config,
        ]
        let spawned = try TestProcess.spawn(arguments, log: directory + "/server.log")
        pid.withLock { $0 = spawned }
    }

    /// At once, as a crash would; reaped.
    func kill() {
        pid.withLock { pid in
            guard pid != 0 else { return }
            var status: Int32 = 0
            if Glibc.kill(pid, SIGKILL) == 0 { waitpid(pid, &status, 0) }
            pid = 0
        }
    }

    func signal(_ number: Int32) { pid.withLock { _ = Glibc.kill($0, number) } }

    static func freePort() throws -> Int { try FreePorts.take(1)[0] }
}
