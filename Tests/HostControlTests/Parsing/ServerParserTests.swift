import ControlProtocol
import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
import TestSupport
import Testing

@testable import HostControl

/// A host whose server does not run: its file, its data, and an account that owns them.
private struct DormantHost {
    let scratch: Scratch
    let parser: ServerParser

    static let account: UInt32 = 65_534
    static let java = "/usr/bin/java"
    static let debian = "/usr/share/java/zookeeper.jar"
    /// Where a server of an older version finds how to log.
    static let logging = "/usr/share/java/slf4j-api.jar:/usr/share/java/slf4j-simple.jar"

    init(_ setting: [String]?, within patience: Duration = .seconds(30)) throws {
        scratch = try Scratch()
        try #require(chmod(scratch.path, 0o755) == 0)
        try scratch.directory("data")
        try scratch.file("data/myid", Array("1\n".utf8), mode: 0o600)
        for name in ["data", "data/myid"] {
            try #require(chown(scratch(name), Self.account, Self.account) == 0)
        }
        let config = try scratch.file("zoo.cfg", [UInt8](Self.file(in: scratch)))
        let stopped = ServiceCommands(
            start: ["/bin/false"],
            stop: ["/bin/false"],
            status: ["/usr/bin/python3", "-c", "raise SystemExit(3)"]
        )
        let inspector = ZooKeeperInspector(
            service: "zookeeper",
            configPath: config,
            stateDirectory: try scratch.directory("state"),
            supervisor: CommandSupervisor(services: ["zookeeper": stopped])
        )
        parser = ServerParser(inspector: inspector, setting: setting, systemd: nil, patience: patience)
    }

    func file(without key: String = "-", _ more: String = "") -> Data {
        Self.file(in: scratch, without: key, more)
    }

    private static func file(in scratch: Scratch, without key: String = "-", _ more: String = "") -> Data {
        let lines = [
            "tickTime=1000", "initLimit=5", "syncLimit=5", "dataDir=\(scratch("data"))", "clientPort=2181",
            "server.1=127.0.0.1:2888:3888", "server.2=127.0.0.2:2888:3888", "server.3=127.0.0.3:2888:3888",
        ]
        let kept = lines.filter { !$0.hasPrefix(key) } + (more.isEmpty ? [] : [more])
        return Data((kept.joined(separator: "\n") + "\n").utf8)
    }

    /// Asks about a file once it is the host's own, and about others.
    func ask(_ file: Data, _ others: Data...) async throws -> ParserReply {
        try scratch.file("zoo.cfg", [UInt8](file))
        return await parser.ask([file] + others)
    }

    /// Folders of questions, anybody's of this process.
    static func folders() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/dev/shm").filter {
            $0.hasPrefix("mitosis-parser-\(getpid())-")
        }
    }
}

@Suite(
    "A server's own parser, asked by the agent",
    .serialized,
    .enabled(if: RealZooKeeper.isExpected, "ZooKeeper or Java is not installed"),
    .enabled(if: geteuid() == 0, "only root can take another account")
)
struct ServerParserTests {
    private static let prometheus =
        "metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider"

    @Test("Debian's says its version, takes a whole file, and refuses what nothing but itself can know")
    func debian() async throws {
        let host = try DormantHost([DormantHost.java, DormantHost.debian])
        let reply = try await host.ask(host.file(), host.file("server.4=127.0.0.4:2888:3888:bogus"))
        #expect(reply.obstacle == nil && reply.version == ServerVersion(3, 8, 0))
        #expect(reply.refusals == ["", "Unrecognised peertype: bogus"])
        for (file, words) in [
            (host.file(without: "initLimit"), "initLimit is not set"),
            (host.file(Self.prometheus), "metrics provider class was not found"),
        ] {
            #expect(try await host.ask(file).refusals == [words])
        }
        #expect(try DormantHost.folders() == [])
        // The first file is on disk; nothing was written beside it or into the data.
        #expect(try host.scratch.names(in: "data") == ["myid"])
        #expect(try host.scratch.names() == ["data", "state", "zoo.cfg"])
    }

    @Test("older and newer ones are asked with the same class", arguments: ["3.4.14", "3.6.3", "3.9.3"])
    func versions(_ version: String) async throws {
        let jars = "/var/cache/mitosis-lab/zookeeper-\(version)"
        guard access("\(jars)/zookeeper-\(version).jar", R_OK) == 0 else {
            // The end-to-end tests fetch it.
            return
        }
        let host = try DormantHost([DormantHost.java, "\(jars)/*:\(DormantHost.logging)"])
        let reply = try await host.ask(host.file(), host.file("server.4=127.0.0.4:2888:3888"))
        #expect(reply.version?.description == version && reply.refusals == ["", ""], "\(reply)")
        #expect(try await host.ask(host.file(without: "syncLimit")).refusals == ["syncLimit is not set"])
        // Dynamic configuration makes the parser of 3.5 and later write beside the file.
        #expect(try await host.ask(host.file("reconfigEnabled=true")).refusals == [""])
        #expect(try host.scratch.names() == ["data", "state", "zoo.cfg"])
        #expect(try DormantHost.folders() == [])
    }

    @Test("an answer counts again for the same files, and for no others")
    func remembered() async throws {
        let scratch = try Scratch()
        let program = try scratch.file(
            "java",
            Array(
                "#!/bin/sh\necho once >> \(scratch.path)/asked\nexec /usr/bin/java \"$@\"\n".utf8
            ),
            mode: 0o755
        )
        try #require(chmod(scratch.path, 0o777) == 0)
        let host = try DormantHost([program, DormantHost.debian])
        for file in [host.file(), host.file(), host.file(without: "initLimit")] {
            #expect(try await host.ask(file).obstacle == nil)
        }
        let asked = try content(of: scratch("asked"))
        #expect(asked.count { $0 == UInt8(ascii: "\n") } == 2)
    }

    @Test("it is asked under the account that owns the data")
    func account() async throws {
        let host = try DormantHost(nil)
        defer { withExtendedLifetime(host) {} }
        let owner = try #require(ServerAccount(owning: host.scratch("data")))
        #expect(owner.user == DormantHost.account)
        let id = HostCommand(arguments: ["/usr/bin/id"], account: owner)
        let told = try await id.capture(within: .seconds(10)).output
        #expect(told.hasPrefix("uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)"), "\(told)")
        #expect(ServerAccount(named: "nobody") == owner && ServerAccount(named: "no such account") == nil)
        #expect(ServerAccount(ofProcess: getpid()) == ServerAccount(user: geteuid(), group: getegid()))
    }

    @Test(
        "what cannot be asked is said: no Java, no ZooKeeper, one that says nothing, nothing that is known",
        arguments: [
            (["/usr/bin/no-java", "x.jar"], "no-java"),
            ([DormantHost.java, "/usr/share/java/slf4j-api.jar"], "ClassNotFoundException"),
            (["/bin/true", "x.jar"], "/bin/true"), (nil, "zookeeper.java"),
        ] as [([String]?, String)]
    )
    func obstacles(_ setting: [String]?, _ said: String) async throws {
        let host = try DormantHost(setting)
        let reply = await host.parser.ask([host.file()])
        #expect(reply.version == nil && reply.refusals == [])
        #expect(try #require(reply.obstacle).contains(said), "\(reply)")
        #expect(try DormantHost.folders() == [])
    }

    @Test("it is asked about the host's own file, with other server lines, and about nothing else")
    func bounded() async throws {
        let host = try DormantHost([DormantHost.java, DormantHost.debian])
        let own = host.file()
        for line in [
            "dynamicConfigFile=/etc/shadow", "server.4=a:1:2\rdynamicConfigFile=/etc/shadow",
            "metricsProvider.className=java.lang.Runtime", " dataDir=/root", "#",
        ] {
            #expect(!ServerParser.isVariant(host.file(line), of: own), "\(line)")
        }
        for line in ["server.4=127.0.0.4:2888:3888;2181", "peerType=observer", ""] {
            #expect(ServerParser.isVariant(host.file(line), of: own), "\(line)")
        }
        let reply = await host.parser.ask([own, host.file("dynamicConfigFile=/etc/shadow")])
        #expect(reply.version == nil && reply.refusals == [])
        #expect(try #require(reply.obstacle).contains("its own file"))
        #expect(unlink(host.scratch("zoo.cfg")) == 0)
        #expect(await host.parser.ask([own]).obstacle == "this host has no such file")
    }

    @Test("a JVM that does not end is killed, and its folder removed")
    func silent() async throws {
        let scratch = try Scratch()
        try #require(chmod(scratch.path, 0o755) == 0)
        let program = try scratch.file("java", Array("#!/bin/sh\nexec /bin/sleep 1000\n".utf8), mode: 0o755)
        let host = try DormantHost([program, "x.jar"], within: .milliseconds(300))
        let reply = await host.parser.ask([host.file()])
        #expect(try #require(reply.obstacle).contains("was killed"), "\(reply)")
        #expect(try DormantHost.folders() == [])
    }

    @Test("what an ended agent left is removed with all that is in it, and no link is followed")
    func leftovers() async throws {
        let kept = try Scratch()
        try kept.file("precious", [1])
        let dead = try await Subprocess.run(.path("/bin/true"), output: .discarded).processIdentifier.value
        let folder = "/dev/shm/mitosis-parser-\(dead)-abcdef"
        for path in [folder, folder + "/copies"] { try #require(mkdir(path, 0o700) == 0) }
        try #require(symlink(kept.path, folder + "/copies/link") == 0)
        try #require(symlink(kept.path, "/dev/shm/mitosis-parser-\(dead)-link") == 0)
        defer { unlink("/dev/shm/mitosis-parser-\(dead)-link") }
        ParserFolder.removeLeftovers()
        #expect(access(folder, F_OK) != 0)
        #expect(try kept.names() == ["precious"])
    }

    @Test("the class that asks is what javac makes of the source beside it")
    func compiled() async throws {
        let scratch = try Scratch()
        let source = try scratch.file("AskParser.java", PackageResources.AskParser_java)
        let options = ["--release", "7", "-g:none", "-Xlint:-options", "-d", scratch.path, source]
        let ended = try await Subprocess.run(
            .path("/usr/bin/javac"),
            arguments: Arguments(options),
            output: .discarded,
            error: .discarded
        )
        try #require(ended.terminationStatus == .exited(0))
        #expect(try content(of: scratch("AskParser.class")) == PackageResources.AskParser_class)
    }
}

@Suite("The JVM of a server, as far as it shows")
struct ServerJVMTests {
    private static let main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"

    private func jvm(_ command: String, _ environment: String = "", files: [String] = []) -> ServerJVM? {
        let files = files.map { "\nEnvironmentFiles=\($0) (ignore_errors=yes)" }.joined()
        return ServerJVM(
            unit: UnitProperties(
                """
                ExecStart={ path=/x ; argv[]=\(command) ; ignore_errors=no ; start_time=[n/a] ; pid=0 }
                User=zookeeper
                Environment=\(environment)\(files)
                """
            )
        )
    }

    @Test("a shell before a script makes no difference, one with options or a command does")
    func shells() {
        let script = "/opt/zookeeper/bin/zkServer.sh start-foreground"
        for shell in ["/bin/bash", "/bin/sh", "/usr/bin/bash"] {
            #expect(jvm("\(shell) \(script)") == jvm(script) && jvm(script) != nil)
        }
        for command in [
            "/bin/bash -c \(script)", "/bin/sh", "/bin/bash zkServer.sh start-foreground",
            "/bin/sh -c exec /usr/bin/java -cp /a.jar \(Self.main) /etc/zoo.cfg",
        ] { #expect(jvm(command) == nil, "\(command)") }
        let kafka = ServerJVM(program: "/usr/bin/java", classPath: "/opt/kafka/libs/*")
        #expect(
            jvm("/opt/kafka/bin/zookeeper-server-start.sh /opt/kafka/config/zookeeper.properties") == kafka
        )
    }

    @Test("JAVA_HOME of files counts before the unit's, the script's own before systemd's, the last one each")
    func environmentFiles() throws {
        let scratch = try Scratch()
        for folder in ["bin", "conf", "etc"] { try scratch.directory(folder) }
        let script = scratch("bin/zkServer.sh") + " start-foreground"
        func program(_ environment: String = "") -> String? {
            jvm(script, environment, files: [scratch("etc/gone"), scratch("etc/zookeeper")])?.program
        }
        #expect(program() == "/usr/bin/java" && program("JAVA_HOME=/unit") == "/unit/bin/java")
        try scratch.file(
            "etc/zookeeper",
            Array("# JAVA_HOME=/no\nJAVA_HOME=/first\nJAVA_HOME=\"/file\"\n".utf8)
        )
        #expect(program("JAVA_HOME=/unit") == "/file/bin/java")
        try scratch.file("conf/java.env", Array("export JVMFLAGS=\"-Xmx1g $JVMFLAGS\"\n".utf8))
        #expect(program() == "/file/bin/java")
        try scratch.file(
            "conf/zookeeper-env.sh",
            Array("export JAVA_HOME=/script\nPATH=$JAVA_HOME/bin\n".utf8)
        )
        #expect(program() == "/script/bin/java")
        try scratch.file("conf/java.env", Array("MY_JAVA_HOME=/no\nJAVA_HOME='/own'\n".utf8))
        #expect(program() == "/own/bin/java")
        #expect(program("ZOOCFGDIR=\(scratch("etc"))") == "/file/bin/java")
    }

    @Test(
        "a file in which more than a plain assignment decides is not guessed at",
        arguments: [
            "JAVA_HOME=$(dirname x)", "JAVA_HOME=$JDK", "[ -d /j ] && JAVA_HOME=/j", ". /etc/default/java",
            "if true; then\n  JAVA_HOME=/j\nfi", ": ${JAVA_HOME=/j}", "JAVA_HOME=\"/j", "A=1; JAVA_HOME=/j",
        ]
    )
    func unclearFiles(_ text: String) throws {
        let scratch = try Scratch()
        for folder in ["bin", "conf"] { try scratch.directory(folder) }
        try scratch.file("conf/java.env", Array((text + "\n").utf8))
        #expect(jvm(scratch("bin/zkServer.sh") + " start-foreground") == nil)
    }

    @Test("a unit that starts Java itself, ZooKeeper's script and Debian's are known")
    func units() {
        let direct = "/opt/jdk/bin/java -Xmx1g -cp /a.jar:/conf -Dx=y \(Self.main) /etc/zoo.cfg"
        #expect(jvm(direct) == ServerJVM(program: "/opt/jdk/bin/java", classPath: "/a.jar:/conf"))
        let script = "/opt/zookeeper/bin/zkServer.sh start-foreground"
        let ownClassPath = "/opt/zookeeper/lib/*:/opt/zookeeper/*"
        #expect(jvm(script) == ServerJVM(program: "/usr/bin/java", classPath: ownClassPath))
        #expect(
            jvm(script, "ZOO_LOG_DIR=/l JAVA_HOME=/opt/jdk")
                == ServerJVM(program: "/opt/jdk/bin/java", classPath: ownClassPath)
        )
        let debian = ServerJVM(program: "/usr/bin/java", classPath: "/usr/share/java/zookeeper.jar")
        #expect(jvm("/etc/init.d/zookeeper start") == debian)
        #expect(jvm("/usr/share/zookeeper/bin/zkServer.sh start-foreground") == debian)
        #expect(
            UnitProperties("User=zookeeper\n").user == "zookeeper" && UnitProperties("User=\n").user == nil
        )
    }

    @Test(
        "where a script or a variable decides, nothing is guessed",
        arguments: [
            "/usr/local/bin/start-zookeeper", "/usr/bin/java -cp $CP \(main) /etc/zoo.cfg",
            "/usr/bin/java -cp /a.jar kafka.Kafka /etc/x", "java -cp /a.jar", "",
        ]
    )
    func unknown(_ command: String) {
        #expect(jvm(command) == nil)
        #expect(ServerJVM(unit: UnitProperties("ExecStart={ path=/x\n=\nUser")) == nil)
    }

    @Test("of a running process the last class path counts, and settings must be two")
    func commandLine() throws {
        let words = ["/j/java", "-classpath", "/old.jar", "-cp", "/new.jar", Self.main, "/etc/zoo.cfg"]
        let line = try #require(ServerCommandLine(arguments: words))
        #expect(ServerJVM(line) == ServerJVM(program: "/j/java", classPath: "/new.jar"))
        #expect(
            ServerJVM(setting: ["/j/java", "/a.jar"]) == ServerJVM(program: "/j/java", classPath: "/a.jar")
        )
        #expect(ServerJVM(setting: nil) == nil && ServerJVM(setting: ["/j/java"]) == nil)
    }

    @Test("what a parser prints among its logs counts only if it answers for every file")
    func printed() {
        let text =
            "[main] INFO x\nmitosis-version 3.8.0\nmitosis-answer \nnoise\nmitosis-answer no\u{1B}[2J\n"
        let reply = ParserReply(printed: text, of: 2)
        #expect(reply?.version == ServerVersion(3, 8, 0) && reply?.obstacle == nil)
        #expect(reply?.refusals.first == "" && reply?.refusals.last?.contains("\u{1B}") == false)
        #expect(ParserReply(printed: "mitosis-version 3.8.0\nmitosis-answer", of: 1)?.refusals == [""])
        #expect(ParserReply(printed: text, of: 1) == nil && ParserReply(printed: "", of: 1) == nil)
        #expect(ParserReply(printed: "mitosis-obstacle gone\n" + text, of: 2)?.obstacle == "gone")
        #expect(ParserReply(printed: "mitosis-version ~\nmitosis-answer \n", of: 1)?.version == nil)
    }
}
