import FoundationEssentials
import Glibc
import LabKit
import Testing
import Topology

/// A server and its clients as processes of their own, which never stop talking and keep what they hear.
///
/// Every record carries the moment at which it was sent, on the clock that all processes of a machine share, so that
/// what was sent after a certain moment and still arrived shows, however late it is looked for.
final class TalkingProcesses {
    struct Client {
        /// Unique; also the name of its file.
        let name: String
        let namespace: String
        let address: IPAddress
        /// Bound to the address that it calls, and to this port.
        var localPort: Port?
        var kind = Kind.talking
    }

    enum Kind: String {
        /// Talks as the server does.
        case talking
        /// Says who it is, and then only listens.
        case silent
        /// The same, and the server says nothing to it before `speakUp`.
        case late
    }

    /// What one client heard.
    struct Heard {
        /// When the server sent each record.
        let sent: [UInt64]
        /// The newest record of this client that the server had heard when it sent each.
        let echoed: [UInt64]
    }

    let scratch: Scratch
    let clients: [Client]
    private let port: Port
    private var pids: [Int32] = []

    /// Returns when every client hears the server, but for the late ones, and the server has heard every client.
    init(serverIn namespace: String, on port: Port, clients: [Client]) async throws {
        scratch = try Scratch()
        self.clients = clients
        self.port = port
        let script = try scratch.file("talk.py", Array(Self.text.utf8))
        func start(_ namespace: String, _ arguments: [String]) throws {
            let enter = ["/usr/sbin/ip", "netns", "exec", namespace, "/usr/bin/python3", script]
            let argv = enter + arguments + [scratch.path]
            pids.append(try RealZooKeeper.spawn(argv, log: scratch("log")))
        }
        try start(namespace, ["server", "\(port)"])
        let listens = try await eventually { try said().contains("listens") }
        let greeting = try said()
        try #require(listens, "\(greeting)")
        for client in clients {
            let local = client.localPort.map { "\($0)" } ?? "-"
            let words = [client.kind.rawValue, "\(port)", client.name, "\(client.address)", local]
            try start(client.namespace, words)
        }
        let hear = try await eventually {
            let told = try arrivedAtServer()
            return try clients.allSatisfy { client in
                let isHeard = try client.kind == .late || heard(by: client.name).sent.count > 3
                return isHeard && told[client.name] != nil
            }
        }
        let complaints = try said()
        try #require(hear, "\(complaints)")
    }

    deinit { end() }

    func end() {
        for pid in pids {
            var status: Int32 = 0
            kill(pid, SIGKILL)
            waitpid(pid, &status, 0)
        }
        pids = []
    }

    /// From now on the server talks to the late ones as well.
    func speakUp() throws { try scratch.file("speak-up", []) }

    func said() throws -> String { String(decoding: try content(of: scratch("log")), as: UTF8.self) }

    func heard(by name: String) throws -> Heard {
        let numbers = try numbers(in: name)
        return Heard(
            sent: stride(from: 0, to: numbers.count - 1, by: 2).map { numbers[$0] },
            echoed: stride(from: 1, to: numbers.count, by: 2).map { numbers[$0] }
        )
    }

    /// By client, when it sent the newest record that reached the server.
    func arrivedAtServer() throws -> [String: UInt64] {
        let numbers = try numbers(in: "server")
        var newest: [String: UInt64] = [:]
        for index in stride(from: 0, to: numbers.count - 1, by: 2) {
            let client = clients[Int(numbers[index])].name
            newest[client] = max(newest[client] ?? 0, numbers[index + 1])
        }
        return newest
    }

    /// The processes' clock, in nanoseconds.
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Whole numbers only: a process may be writing.
    private func numbers(in name: String) throws -> [UInt64] {
        guard access(scratch(name), F_OK) == 0 else { return [] }
        let bytes = try content(of: scratch(name))
        return bytes.withUnsafeBytes { raw in
            stride(from: 0, to: bytes.count / 16 * 16, by: 8).map {
                raw.loadUnaligned(fromByteOffset: $0, as: UInt64.self)
            }
        }
    }

    private static let text = """
        import os, socket, struct, sys, threading, time

        kind, port, place = sys.argv[1], int(sys.argv[2]), sys.argv[-1]
        now = time.monotonic_ns

        def say(text):
            print(text, flush=True)

        def records(connection):
            rest = b""
            while True:
                data = connection.recv(65536)
                if not data:
                    return
                rest += data
                while len(rest) >= 16:
                    yield struct.unpack("=QQ", rest[:16])
                    rest = rest[16:]

        def keep(name):
            return os.open(os.path.join(place, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def talk(connection, second, pause, is_late):
            while is_late and not os.path.exists(os.path.join(place, "speak-up")):
                time.sleep(0.001)
            try:
                while True:
                    connection.sendall(struct.pack("=QQ", *second()))
                    time.sleep(pause)
            except OSError as error:
                say(f"{kind} {second()} cannot send: {error}")

        def serve(connection, file):
            newest = [0]
            try:
                for client, sent in records(connection):
                    if newest[0] == 0:
                        is_late = client >= 1000
                        speech = (connection, lambda: (now(), newest[0]), 0.002, is_late)
                        threading.Thread(target=talk, args=speech).start()
                    client %= 1000
                    newest[0] = sent
                    os.write(file, struct.pack("=QQ", client, sent))
            except OSError as error:
                say(f"server cannot receive: {error}")

        def accept(family, address, file):
            listener = socket.socket(family)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((address, port))
            listener.listen(64)
            return lambda: [threading.Thread(target=serve, args=(listener.accept()[0], file)).start()
                            for _ in iter(int, 1)]

        if kind == "server":
            file = keep("server")
            loops = [accept(socket.AF_INET, "0.0.0.0", file), accept(socket.AF_INET6, "::", file)]
            threads = [threading.Thread(target=loop) for loop in loops]
            for thread in threads:
                thread.start()
            say("listens")
        else:
            name, address, local = sys.argv[3:6]
            index = int(name.split(".")[0])
            connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if local != "-":
                connection.bind((address, int(local)))
            connection.connect((address, port))
            connection.sendall(struct.pack("=QQ", index + (1000 if kind == "late" else 0), now()))
            if kind == "talking":
                threading.Thread(target=talk, args=(connection, lambda: (index, now()), 0.005, False)).start()
            file = keep(name)
            try:
                for sent, echoed in records(connection):
                    os.write(file, struct.pack("=QQ", sent, echoed))
                say(f"{name} ended")
            except OSError as error:
                say(f"{name} ended: {error}")

        """
}
