import ControlProtocol
import Glibc
import SystemCalls

/// With what a host's ZooKeeper runs, or would: its JVM and what that loads.
struct ServerJVM: Hashable, Sendable {
    let program: String
    let classPath: String
}

extension ServerJVM {
    /// Of a process that runs.
    init?(_ line: ServerCommandLine) {
        guard let program = line.program, let classPath = line.classPath else { return nil }
        self.init(program: program, classPath: classPath)
    }

    /// Of a list of the agent's settings: a program and its class path, as Java takes it.
    init?(setting: [String]?) {
        guard let setting, setting.count == 2 else { return nil }
        self.init(program: setting[0], classPath: setting[1])
    }

    /// Of a unit that does not run, by what `systemctl show` prints of it; nil where a script decides.
    ///
    /// Two scripts are known by what they load: ZooKeeper's own `zkServer.sh`, and Debian's.
    init?(unit: UnitProperties) {
        let words = unit.command
        guard let script = words.first, !words.contains(where: { $0.contains("$") }) else { return nil }
        if let line = ServerCommandLine(arguments: words), let jvm = ServerJVM(line) {
            self = jvm
            return
        }
        let java = unit.variable("JAVA_HOME").map { $0 + "/bin/java" } ?? "/usr/bin/java"
        if script == "/etc/init.d/zookeeper" || script.hasPrefix("/usr/share/zookeeper/") {
            self.init(program: java, classPath: "/usr/share/java/zookeeper.jar")
        } else if script.hasSuffix("/bin/zkServer.sh") {
            let home = script.dropLast("/bin/zkServer.sh".utf8.count)
            self.init(program: java, classPath: "\(home)/lib/*:\(home)/*")
        } else {
            return nil
        }
    }
}

/// What systemd says of a unit, one `Key=value` a line.
struct UnitProperties {
    static let names = "ExecStart,User,Environment"
    private let values: [Substring: Substring]

    init(_ text: String) {
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            values[line[..<equals]] = line[line.index(after: equals)...]
        }
        self.values = values
    }

    var user: String? { values["User"].flatMap { $0.isEmpty ? nil : String($0) } }

    /// The words of the first `ExecStart`, as far as they can be told from one another: systemd prints no quotes.
    var command: [String] {
        let words = (values["ExecStart"] ?? "").split(separator: " ")
        guard let start = words.firstIndex(where: { $0.hasPrefix("argv[]=") }),
            let end = words[start...].firstIndex(of: ";")
        else { return [] }
        let program = words[start].dropFirst("argv[]=".utf8.count)
        return [String(program)] + words[(start + 1)..<end].map(String.init)
    }

    func variable(_ name: String) -> String? {
        values["Environment"]?.split(separator: " ").first { $0.hasPrefix(name + "=") }
            .map { String($0.dropFirst(name.utf8.count + 1)) }
    }
}

/// The numbers of an account.
struct ServerAccount: Hashable, Sendable {
    let user: UInt32
    let group: UInt32
}

extension ServerAccount {
    /// Of a process that runs; in the second column the kernel has what counts for files.
    init?(ofProcess pid: Int32) {
        guard let status = KernelText.read("/proc/\(pid)/status") else { return nil }
        let number = { (key: String) -> UInt32? in
            status.split(separator: "\n").first { $0.hasPrefix(key) }?
                .split(whereSeparator: { $0 == "\t" || $0 == " " }).dropFirst(2).first.flatMap { UInt32($0) }
        }
        guard let user = number("Uid:"), let group = number("Gid:") else { return nil }
        self.init(user: user, group: group)
    }

    /// By a name that the host knows.
    init?(named name: String) {
        var (entry, found): (passwd, UnsafeMutablePointer<passwd>?) = (passwd(), nil)
        var room = [CChar](repeating: 0, count: 16 << 10)
        guard getpwnam_r(name, &entry, &room, room.count, &found) == 0, found != nil else { return nil }
        self.init(user: entry.pw_uid, group: entry.pw_gid)
    }

    /// Who owns a directory: a server has to write to its data.
    init?(owning directory: String) {
        var found = stat()
        guard stat(directory, &found) == 0 else { return nil }
        self.init(user: found.st_uid, group: found.st_gid)
    }
}
