internal import FoundationEssentials

/// What the lab fetches once from PyPI: the broker's jar, and a virtual environment with a client.
///
/// Everything is pinned by digest, and checked before it is used or run.
package struct KafkaCache: Sendable {
    package let folder: String

    package init(folder: String = "/var/cache/mitosis-lab") { self.folder = folder }

    private static let archive =
        "pyleus==0.3.0 --hash=sha256:16542c5eb4cf4174ee46148d6cf89b7cff911f79de9ccc9c32bc0e07e4c30794\n"
    /// Of the jar in that archive.
    package static let jarDigest = "6f9e43fb7b23d8c90966ac909bfd16fff684ad8261dbcb648d7ff4f0d193bc12"
    /// The last of the 2.0 series, which knows every protocol from 0.8.1 to 3.x.
    private static let clientVersion = "2.0.6"
    private static let clientArchive =
        "kafka-python==\(clientVersion) --hash=sha256:a2fdb00eaea7a827f5f74693365af6b615ff0795860261d8ebaad2bb5bc73e81\n"

    package var jar: String { folder + "/kafka-0.8.1.1.jar" }
    private var environment: String { folder + "/client" }

    /// Whether the client was fetched before.
    var hasClient: Bool { FileManager.default.isExecutableFile(atPath: environment + "/bin/python") }

    /// The interpreter of an environment that has the client; made when it is missing or incomplete.
    func client(report: @Sendable (String) -> Void) async throws(LabError) -> String {
        let python = environment + "/bin/python"
        if FileManager.default.isExecutableFile(atPath: python) {
            let version = try await Tool([python, "-c", "import kafka; print(kafka.__version__)"]).outcome()
            if version.output == Self.clientVersion + "\n" { return python }
        }
        report("Kafka: fetching the client kafka-python \(Self.clientVersion) into \(environment)")
        try Folder.remove(environment)
        // Debian's interpreter: any other in PATH may vanish under the environment.
        try await Tool(["/usr/bin/python3", "-m", "venv", environment])
            .output(step: "making \(environment) (does Debian's package python3-venv miss?)")
        let wanted = folder + "/client.txt"
        try Folder.write(Self.clientArchive, to: wanted)
        let pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        try await Tool(pip + ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", wanted])
            .output(step: "fetching kafka-python from PyPI")
        return python
    }

    /// The broker's jar, its digest checked; fetched when it is missing or not what it should be.
    func broker(python: String, report: @Sendable (String) -> Void) async throws(LabError) -> String {
        if FileManager.default.fileExists(atPath: jar) {
            if try await digest(of: jar) == Self.jarDigest { return jar }
            report("Kafka: \(jar) is not what was pinned and is fetched again")
        }
        report("Kafka: fetching the broker 0.8.1.1 (18 MB) into \(folder)")
        let download = folder + "/download"
        try Folder.remove(download)
        try Folder.make(download)
        let wanted = download + "/archive.txt"
        try Folder.write(Self.archive, to: wanted)
        // The client asks a source package for its metadata after the download, which runs a script of the
        // package: only after the archive's digest was found right, as --require-hashes demands.
        let pip = [python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        let source = ["--no-binary", ":all:", "--no-build-isolation", "--require-hashes"]
        try await Tool(pip + source + ["--dest", download, "-r", wanted])
            .output(step: "fetching pyleus 0.3.0 from PyPI")
        let member = "pyleus-0.3.0/pyleus/pyleus-base.jar"
        try await Tool([
            "/usr/bin/tar", "-xzf", download + "/pyleus-0.3.0.tar.gz", "-C", download, "--strip-components=2",
            "--no-same-owner", member,
        ]).output(step: "unpacking the broker")
        try await install(download + "/pyleus-base.jar")
        try Folder.remove(download)
        return jar
    }

    /// Takes a file as the broker's jar, or refuses.
    package func install(_ file: String) async throws(LabError) {
        let found = try await digest(of: file)
        guard found == Self.jarDigest else {
            throw .failed(
                step: "checking the broker's jar",
                diagnostics: "its sha256 is \(found) instead of \(Self.jarDigest): it is not used; "
                    + "remove \(folder) and try again, or set KAFKA_HOME"
            )
        }
        try Folder.remove(jar)
        do {
            try FileManager.default.moveItem(atPath: file, toPath: jar)
        } catch {
            throw .file(path: jar, reason: "cannot be put in place: \(error)")
        }
    }

    private func digest(of path: String) async throws(LabError) -> String {
        let line = try await Tool(["/usr/bin/sha256sum", "--binary", path]).output(step: "reading \(path)")
        return String(line.prefix(while: \.isHexDigit))
    }
}
