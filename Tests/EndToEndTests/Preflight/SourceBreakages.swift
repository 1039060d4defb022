import FoundationEssentials
import Glibc
import LabKit
import Testing

/// The source's servers.
extension Breakage {
    static let source = [
        Breakage(
            "a version that cannot grow (trap 1)",
            ["zookeeper-version"],
            warning: ["version-pair"],
            saying: ["s2 runs ZooKeeper 3.6.1", "ZOOKEEPER-3829"]
        ) { bench in
            let folder = try bench.files("s2").run + "/version"
            try await Self.patchVersion("3.8.0", to: "3.6.1", in: folder)
            return try await bench.restart("s2") { command in
                command.map { $0.hasPrefix(ZooKeeperServer.jar) ? "\(folder):\($0)" : $0 }
            }
        },
        Breakage(
            "a source server that is stopped (trap 2)",
            ["source-ensemble"],
            saying: ["s2: zookeeper is stopped"]
        ) { bench in
            try await HostService(hostDirectory: try bench.files("s2").root).stop()
            return { try await bench.restart("s2", waiting: true) }
        },
        Breakage(
            "a server that refuses srvr (trap 7)",
            ["four-letter-words"],
            saying: ["s1 refuses `srvr`"]
        ) { bench in
            let folder = try bench.files("s1").run + "/words"
            try await Self.forbidStatistics(in: folder)
            return try await bench.restart("s1", isServing: false) { command in
                command.map { $0.hasPrefix(ZooKeeperServer.jar) ? "\(folder):\($0)" : $0 }
            }
        },
        Breakage(
            "a root that takes no node (trap 8)",
            ["write-canary"],
            saying: ["a canary cannot be written"]
        ) { bench in
            try await bench.kazoo(
                "zk.set_acls('/', [ACL(Permissions.READ | Permissions.ADMIN, Id('world', 'anyone'))])"
            )
            return {
                try await bench.kazoo("zk.set_acls('/', [ACL(Permissions.ALL, Id('world', 'anyone'))])")
            }
        },
        Breakage(
            "a buffer of another size (trap 14)",
            ["max-buffer"],
            saying: ["jute.maxbuffer is 4194304 on s1, the default on s2, s3"]
        ) { bench in
            try await bench.restart("s1") { [$0[0], "-Djute.maxbuffer=4194304"] + $0.dropFirst() }
        },
        Breakage(
            "a buffer of another size, from the environment (trap 14)",
            ["max-buffer"],
            saying: ["jute.maxbuffer is 4194304 on s1, the default on s2, s3"]
        ) { bench in
            try await bench.restart("s1") {
                ["/usr/bin/env", "JDK_JAVA_OPTIONS=-Djute.maxbuffer=4194304"] + $0
            }
        },
        Breakage(
            "a server started with another file (trap 15)",
            ["config-paths"],
            saying: ["s2: the running server reads", "/other.cfg"]
        ) { bench in
            let files = try bench.files("s2")
            let other = files.run + "/other.cfg"
            try Folder.write(try Folder.read(files.zooKeeperConfiguration), to: other)
            return try await bench.restart("s2") { $0.dropLast() + [other] }
        },
        Breakage(
            "a service whose process neither is the JVM nor has it below (trap 21)",
            ["server-processes"],
            saying: ["s2: process", "is no ZooKeeper server that its agent can look into"]
        ) { bench in
            let pid = try bench.files("s2").run + "/java.pid"
            let script = #"echo $$; ("$@" & echo $! > "$0"); exec sleep infinity"#
            let mend = try await bench.restart("s2") { ["/bin/sh", "-c", script, pid] + $0 }
            return {
                // The service stops what the shell has become, and the JVM is nobody's child.
                if let java = Int32(try Folder.read(pid).prefix { $0.isNumber }).flatMap({
                    ProcessRecord(pid: $0)
                }) {
                    try await bench.end(java)
                }
                try await mend()
            }
        },
        Breakage(
            "a flag that leaves writes in memory (trap 21)",
            ["durable-writes"],
            saying: ["s3: its process was started with -Dzookeeper.forceSync=no"]
        ) { bench in
            try await bench.restart("s3") { [$0[0], "-Dzookeeper.forceSync=no"] + $0.dropFirst() }
        },
        Breakage(
            "a damaged log (trap 9)",
            ["data-directories"],
            saying: ["s3: ", "a finished record with a wrong checksum"]
        ) { bench in
            try Self.damage(try Self.newestLog(of: "s3", bench))
        },
        Breakage(
            "epochs out of order (trap 3)",
            ["epochs"],
            saying: ["s2: acceptedEpoch 0 is below currentEpoch"]
        ) { bench in
            try bench.rewrite(try bench.files("s2").data + "/version-2/acceptedEpoch") { _ in "0" }
        },
        Breakage(
            "a source server that talks from another address (trap 23)",
            ["peer-addresses"],
            saying: ["is connected to 198.51.100.113, an address that the plan does not name"]
        ) { bench in
            try await bench.run("ip", "addr", "add", "198.51.100.113/24", "dev", "eth0", on: "s3")
            let route = ["ip", "route", "replace", "198.51.100.0/24", "dev", "eth0", "src"]
            _ = try await bench.lab.run(route + ["198.51.100.113"], on: try bench.host("s3"))
            try await bench.restart("s3", waiting: true)
            return {
                _ = try await bench.lab.run(route + ["198.51.100.13"], on: try bench.host("s3"))
                try await bench.restart("s3", waiting: true)
                // Last, so that the peers hear of the end of its connections.
                try await bench.run("ip", "addr", "del", "198.51.100.113/24", "dev", "eth0", on: "s3")
            }
        },
    ]

    /// ZooKeeper's class that says its version, with another of the same length in it.
    private static func patchVersion(_ old: String, to new: String, in folder: String) async throws {
        try await patch(
            "org/apache/zookeeper/Version.class",
            in: folder,
            """
            assert data.count(b"\(old)") > 0
            data = data.replace(b"\(old)", b"\(new)")
            """
        )
    }

    /// ZooKeeper's class of four-letter words, which allows `isro` if asked to and then `srvr` always: here `isro` twice.
    private static func forbidStatistics(in folder: String) async throws {
        try await patch(
            "org/apache/zookeeper/server/command/FourLetterCommands.class",
            in: folder,
            #"""
            import re
            # getstatic, ldc, invokeinterface, pop: a word is added to the set of those that are allowed.
            add = rb"\xb2(..)\x12(.)\xb9(..)\x02\x00\x57\xb2\1\x12(.)\xb9\3\x02\x00\x57"
            assert len(re.findall(add, data, re.S)) == 1
            data = re.sub(add, lambda m: m[0][:15] + m[2] + m[0][16:], data, flags=re.S)
            """#
        )
    }

    /// Puts a class of ZooKeeper's, changed by lines of Python, where a class path can find it first.
    private static func patch(_ name: String, in folder: String, _ lines: String) async throws {
        let script = """
            import os, sys, zipfile
            name, folder = sys.argv[2:]
            data = zipfile.ZipFile(sys.argv[1]).read(name)
            before = data
            \(lines)
            assert data != before and len(data) == len(before)
            os.makedirs(os.path.dirname(folder + "/" + name), exist_ok=True)
            open(folder + "/" + name, "wb").write(data)
            """
        try await Tool(["/usr/bin/python3", "-c", script, ZooKeeperServer.jar, name, folder])
            .output(step: "patching \(name)")
    }

    private static func newestLog(of name: String, _ bench: Bench) throws -> String {
        let folder = try bench.files(name).data + "/version-2"
        let logs = try Folder.entries(folder).filter { $0.hasPrefix("log.") }
        let newest = logs.max { Int($0.dropFirst(4), radix: 16) ?? 0 < Int($1.dropFirst(4), radix: 16) ?? 0 }
        return folder + "/" + (try #require(newest))
    }

    /// Turns one bit of the last finished record, and turns it back; the server goes on writing behind it.
    private static func damage(_ log: String) throws -> Mending {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: log)))
        let last = try #require(bytes.lastIndex { $0 != 0 })
        let place = last - 3
        try flip(log, place)
        return { try flip(log, place) }
    }

    private static func flip(_ path: String, _ place: Int) throws {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var byte: UInt8 = 0
        try #require(pread(descriptor, &byte, 1, place) == 1)
        byte ^= 1
        try #require(pwrite(descriptor, &byte, 1, place) == 1)
    }
}
