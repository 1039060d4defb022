import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls
import Testing
import Topology

@testable import HostControl

/// The files of a real server, written under load, and what ZooKeeper itself makes of a copy of them.
struct RealData {
    /// `data` and `log`, with a `version-2` each.
    let scratch: Scratch

    /// Snapshots and new logs all the time.
    static let snapCount = ["-Dzookeeper.snapCount=50"]

    var dataDir: String { scratch("data") }
    var logDir: String { scratch("log") }

    func read() -> DataDirectory {
        var reader = DataDirectoryReader()
        return reader.read(dataDir: dataDir, logDir: logDir)
    }

    func files(_ kind: DataFile.Kind) throws -> [DataFile] {
        try DataFile.list((kind == .log ? logDir : dataDir) + "/version-2").filter { $0.kind == kind }
    }

    /// The newest log and where its records begin; the last entry is where they end.
    func newestLog() throws -> (path: String, bounds: [Int]) {
        let path = try #require(try files(.log).last).path
        let bytes = try content(of: path)
        var bounds = [16]
        while let start = bounds.last, start + 12 <= bytes.count {
            let length = bytes[start + 8..<start + 12].reduce(0) { $0 << 8 | Int($1) }
            guard length > 0 else { break }
            bounds.append(start + length + 13)
        }
        return (path, bounds)
    }

    func copy() async throws -> RealData {
        let copy = try Scratch()
        for name in ["data", "log"] {
            _ = try await RealZooKeeper.run(["/bin/cp", "-a", "--sparse=always", scratch(name), copy(name)])
        }
        return RealData(scratch: copy)
    }

    enum Load: Hashable {
        case reaches(Zxid)
        case refuses
    }

    /// What a real server makes of these files; it changes them.
    func load() async throws -> Load {
        let port = try RealZooKeeper.freePort()
        let settings = ["clientPort=\(port)", "clientPortAddress=127.0.0.1"]
        let server = try RealZooKeeper(settings, in: scratch)
        defer { withExtendedLifetime(server) {} }
        let loopback = try #require(IPAddress("127.0.0.1"))
        var zxid: Zxid?
        let isDecided = await eventually {
            // While it loads it closes the connection without an answer.
            if case .yes(let stats) = ServingReader.ask(loopback, port) { zxid = stats.zxid }
            return zxid != nil || !ProcessIdentity.isAlive(server.pid)
        }
        server.end()
        try #require(isDecided)
        return zxid.map { .reaches($0) } ?? .refuses
    }

    /// Every zxid that ZooKeeper's own tool finds in a log, in its order.
    static func toolkit(_ path: String) throws -> [Zxid] {
        let output = path + ".dump"
        defer { unlink(output) }
        let pid = try RealZooKeeper.spawn(
            [
                "/usr/bin/java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", RealZooKeeper.jar,
                "org.apache.zookeeper.server.persistence.TxnLogToolkit", path,
            ],
            log: output
        )
        waitpid(pid, nil, 0)
        let text = String(decoding: try content(of: output), as: UTF8.self)
        return text.split(separator: "\n").compactMap { line in
            guard let place = line.firstRange(of: " zxid 0x") else { return nil }
            return Zxid(hexadecimal: "0x" + line[place.upperBound...].prefix { $0.isHexDigit })
        }
    }

    /// Several sessions, some of which end and some of which are left behind, with every kind of write and with
    /// requests that fail, until it is ended.
    static func startWriting(to ports: [Port], clients: Int = 3, log: String = "/dev/null") throws -> Int32 {
        let hosts = ports.map { "127.0.0.1:\($0)" }.joined(separator: ",")
        return try RealZooKeeper.spawn(
            ["/usr/bin/python3", "-c", writer, hosts, "\(clients)"],
            log: log
        )
    }

    static func end(_ pid: Int32) {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    private static let writer = """
        import logging, os, random, sys, threading, time
        from kazoo.client import KazooClient
        from kazoo.exceptions import KazooException
        logging.disable(logging.CRITICAL)

        def session():
            zk = KazooClient(sys.argv[1], timeout=random.choice([2, 10]), randomize_hosts=True)
            zk.start(timeout=20)
            zk.ensure_path("/t")
            for _ in range(random.randint(20, 60)):
                name = zk.create("/t/n", os.urandom(random.randint(0, 900)), sequence=True,
                                 ephemeral=random.random() < 0.3)
                zk.set(name, os.urandom(9))
                if random.random() < 0.5: zk.delete(name)
                for fail in (lambda: zk.create("/t"), lambda: zk.set("/t", b"", version=99)):
                    try: fail()
                    except KazooException: pass
                for version in (-1, 99):
                    t = zk.transaction()
                    t.create("/t/m", b"")
                    t.delete("/t/m")
                    t.check("/t", version)
                    t.commit()
            if random.random() < 0.5: zk.stop()

        def client():
            while True:
                try: session()
                except Exception: time.sleep(0.05)

        for _ in range(int(sys.argv[2])): threading.Thread(target=client, daemon=True).start()
        time.sleep(120)
        """
}

/// Changes of one file.
enum Spoil {
    static func flip(_ path: String, at offset: Int, _ bits: UInt8 = 1) throws {
        let file = try OpenFile(path, O_RDWR)
        var byte: UInt8 = 0
        try #require(pread(file.descriptor, &byte, 1, offset) == 1)
        byte ^= bits
        try #require(pwrite(file.descriptor, &byte, 1, offset) == 1)
    }

    static func cut(_ path: String, at offset: Int) throws { try #require(truncate(path, offset) == 0) }

    /// Zeros from `offset` on, as a file that was allocated ahead has them behind an unfinished record.
    static func blank(_ path: String, from offset: Int) throws {
        try cut(path, at: offset)
        try cut(path, at: offset + (1 << 20))
    }
}
