import FoundationEssentials
import Glibc
import LabKit
import Testing

/// The packages of the programs under test, built twice, for the suite's tests.
struct BuiltPackages: Sendable {
    let folder: String
    let again: String
    /// The packages' own, with their revision.
    let version: String
    /// The programs'.
    var program: String { String(version.split(separator: "-")[0]) }

    /// Why the packages cannot be built here, or nil; in CI nothing is passed over.
    static var obstacle: String? {
        guard getenv("CI") == nil else { return nil }
        guard geteuid() == 0 else { return "installing packages needs root" }
        for (path, remedy) in [
            ("/usr/bin/lintian", "make setup-packing"), ("/usr/bin/dh", "make setup-packing"),
            (root + "/out/man/man1/mitosis-lab.1", "make man"),
            (root + "/out/completions/mitosis-lab.bash", "make completions"),
        ] where !FileManager.default.fileExists(atPath: path) {
            return "\(path) is missing (\(remedy))"
        }
        do {
            let agent = try Data(contentsOf: URL(filePath: Binaries.find().agent))
            // What a debug build says of itself: it takes Swift's libraries from the compiler's folder.
            return agent.firstRange(of: Data("libswiftCore.so".utf8)) == nil
                ? nil : "the programs in MITOSIS_BIN are not those that are shipped (make programs)"
        } catch {
            return "\(error)"
        }
    }

    static var root: String { "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") }

    /// One build for all tests; its folder stays until the tests' process ends, and is replaced by the next one's.
    static let shared = Task { () async throws -> BuiltPackages in
        let scratch = root + "/out/tests/packages"
        try Folder.remove(scratch)
        let programs = try Binaries.find().directory
        for name in ["first", "second"] {
            try await Tool(
                [
                    "/usr/bin/env", "PROGRAMS=\(programs)", "OUTPUT=\(scratch)/\(name)",
                    root + "/deploy/build-packages",
                ]
            ).output(step: "deploy/build-packages")
        }
        let names = try Folder.entries(scratch + "/first")
        let agent = try #require(names.first { $0.hasPrefix("mitosis-agent_") })
        return BuiltPackages(
            folder: scratch + "/first",
            again: scratch + "/second",
            version: String(agent.split(separator: "_")[1])
        )
    }

    func package(_ name: String) -> String { "\(folder)/\(name)_\(version)_amd64.deb" }

    var all: [String] { ["mitosis", "mitosis-agent", "mitosis-lab"].map(package) }
}

/// A copy of this system that keeps what is changed in it to itself, with a network of its own.
struct ThrowAwaySystem {
    let namespace: String
    let path: String

    static func with(_ body: (ThrowAwaySystem) async throws -> Void) async throws {
        let name = "mitosis-test-\(UInt32.random(in: 0 ... .max))"
        let folder = "/var/tmp/\(name)"
        let system = ThrowAwaySystem(namespace: name, path: folder + "/root")
        let script = """
            set -e
            mkdir -p \(folder)
            mount --types tmpfs tmpfs \(folder)
            mkdir \(folder)/changed \(folder)/work \(folder)/root
            mount --types overlay overlay \
                --options lowerdir=/,upperdir=\(folder)/changed,workdir=\(folder)/work \(folder)/root
            mount --types proc proc \(folder)/root/proc
            mount --bind /dev \(folder)/root/dev
            ip netns add \(name)
            """
        do {
            try await Tool(["/bin/sh", "-c", script]).output(step: "a copy of this system")
            try await body(system)
        } catch {
            try await end(name, folder)
            throw error
        }
        try await end(name, folder)
    }

    private static func end(_ name: String, _ folder: String) async throws {
        let script = "ip netns delete \(name); umount --recursive \(folder); rmdir \(folder)"
        try await Tool(["/bin/sh", "-c", script]).output(step: "the end of a copy of this system")
    }

    func perform(_ argv: [String]) async throws -> Tool.Outcome {
        let environment = ["/usr/bin/env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]
        return try await Tool(["/usr/sbin/chroot", path] + environment + argv, namespace: namespace).outcome()
    }

    /// Files that are there in place of the system's own, or are new, by their path.
    func changed() async throws -> Set<String> {
        let folder = path.dropLast("/root".count) + "/changed"
        let found = try await Tool(["/usr/bin/find", String(folder), "-printf", "/%P\n"]).output(step: "find")
        return Set(found.split(separator: "\n").map(String.init))
    }
}
