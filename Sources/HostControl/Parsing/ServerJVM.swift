import ControlProtocol
import Glibc
import SystemCalls
import Topology

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
    /// Three scripts are known by what they load, with or without a shell before them: ZooKeeper's own `zkServer.sh`, Debian's, and
    /// Kafka's for its ZooKeeper. Blocks: files that set the environment are read.
    init?(unit: UnitProperties) {
        let words = Self.withoutShell(unit.command)
        guard let script = words.first, !words.contains(where: { $0.contains("$") }) else { return nil }
        if let line = ServerCommandLine(arguments: words), let jvm = ServerJVM(line) {
            self = jvm
            return
        }
        let classPath: String
        var settings: [String] = []
        if script == "/etc/init.d/zookeeper" || script.hasPrefix("/usr/share/zookeeper/") {
            classPath = "/usr/share/java/zookeeper.jar"
        } else if script.hasSuffix(Self.ownScript) {
            let home = script.dropLast(Self.ownScript.utf8.count)
            classPath = "\(home)/lib/*:\(home)/*"
            guard let folder = Self.variable("ZOOCFGDIR", of: unit) else { return nil }
            // In the order in which the script reads them.
            let conf = folder.isEmpty ? "\(home)/conf" : folder
            settings = ["\(conf)/zookeeper-env.sh", "\(conf)/java.env"]
        } else if script.hasSuffix(Self.kafkaScript) {
            classPath = "\(script.dropLast(Self.kafkaScript.utf8.count))/libs/*"
        } else {
            return nil
        }
        guard let home = Self.variable("JAVA_HOME", of: unit, settings) else { return nil }
        self.init(program: home.isEmpty ? "/usr/bin/java" : home + "/bin/java", classPath: classPath)
    }

    private static let ownScript = "/bin/zkServer.sh"
    private static let kafkaScript = "/bin/zookeeper-server-start.sh"

    /// A shell that is told a script and no options runs it as it would run itself.
    private static func withoutShell(_ words: [String]) -> [String] {
        guard let shell = words.first.map({ AtomicFile.name(of: $0) }), shell == "sh" || shell == "bash",
            words.count > 1
        else { return words }
        return words[1].hasPrefix("/") ? Array(words.dropFirst()) : []
    }

    /// Empty where nothing sets it, nil where it is not known what does; systemd's files count before its own lines, a script's own
    /// before both.
    private static func variable(_ name: String, of unit: UnitProperties, _ settings: [String] = [])
        -> String?
    {
        var value = unit.variable(name) ?? ""
        for path in unit.environmentFiles + settings {
            switch content(of: path).map({ AssignedVariable(name, in: $0) }) {
            case .untouched: break
            case .value(let text): value = text
            case .unclear, nil: return nil
            }
        }
        return value
    }

    /// Nothing where there is no such file; nil when it cannot be read.
    private static func content(of path: String) -> [UInt8]? {
        do throws(FileError) {
            let file = try OpenFile(regular: path, followingLinks: true)
            do throws(SystemCallError) {
                return try BoundedFile.content(of: file.descriptor, limit: 65_536)
            } catch {
                return nil
            }
        } catch .unavailable(_, _, code: ENOENT) {
            return []
        } catch {
            return nil
        }
    }
}

/// What systemd says of a unit, one `Key=value` a line.
struct UnitProperties {
    static let names = "ExecStart,User,Environment,EnvironmentFiles"
    private let values: [Substring: Substring]
    /// In the order in which they are read, a line each: `/etc/default/zookeeper (ignore_errors=yes)`.
    let environmentFiles: [String]

    init(_ text: String) {
        var values: [Substring: Substring] = [:]
        var files: [String] = []
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let (key, value) = (line[..<equals], line[line.index(after: equals)...])
            values[key] = value
            if key == "EnvironmentFiles", let path = value.split(separator: " ").first {
                files.append(String(path))
            }
        }
        self.values = values
        environmentFiles = files
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
