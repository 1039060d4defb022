internal import FoundationEssentials

/// What the lab fetches once of ZooKeeper's versions that Debian has not: jars, each pinned by digest.
struct ZooKeeperCache: Sendable {
    let folder: String

    /// Fetches what is missing or not what was pinned; returns the jars' paths.
    func jars(of archive: ZooKeeperArchive, python: String, report: @Sendable (String) -> Void)
        async throws(LabError) -> [String]
    {
        let place = "\(folder)/zookeeper-\(archive.version)"
        let paths = archive.jars.map { "\(place)/\($0.name)" }
        if try await areRight(archive, in: place) { return paths }
        report("ZooKeeper \(archive.version): fetching pyspark \(archive.package.version) from PyPI (once)")
        let download = folder + "/download-" + archive.version
        try Folder.remove(download)
        try Folder.make(download)
        let wanted = download + "/archive.txt"
        let name = "pyspark-" + archive.package.version
        let pin = "pyspark==\(archive.package.version) --hash=sha256:\(archive.package.digest)\n"
        try Folder.write(pin, to: wanted)
        // A script of the package runs only after its digest was found right, as --require-hashes demands.
        let pip = [python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        let source = ["--no-binary", ":all:", "--no-build-isolation", "--no-cache-dir", "--require-hashes"]
        try await Tool(pip + source + ["--dest", download, "-r", wanted])
            .output(step: "fetching \(name) from PyPI")
        let members = archive.jars.map { "\(name)/deps/jars/\($0.name)" }
        let unpacked = download + "/jars"
        try Folder.make(unpacked)
        try await Tool(
            [
                "/usr/bin/tar", "-xzf", "\(download)/\(name).tar.gz", "-C", unpacked, "--strip-components=3",
                "--no-same-owner",
            ] + members
        ).output(step: "unpacking ZooKeeper \(archive.version)")
        guard try await areRight(archive, in: unpacked) else {
            throw .failed(
                step: "checking ZooKeeper \(archive.version)",
                diagnostics: "a jar is not the one that was pinned: nothing is used; "
                    + "remove \(folder) and try again"
            )
        }
        try Folder.remove(place)
        do {
            try FileManager.default.moveItem(atPath: unpacked, toPath: place)
        } catch {
            throw .file(path: place, reason: "cannot be put in place: \(error)")
        }
        try Folder.remove(download)
        return paths
    }

    /// Whether nothing of it is to be fetched.
    func has(_ archive: ZooKeeperArchive) async throws(LabError) -> Bool {
        try await areRight(archive, in: "\(folder)/zookeeper-\(archive.version)")
    }

    private func areRight(_ archive: ZooKeeperArchive, in place: String) async throws(LabError) -> Bool {
        for jar in archive.jars {
            let path = "\(place)/\(jar.name)"
            guard FileManager.default.fileExists(atPath: path) else { return false }
            let line = try await Tool(["/usr/bin/sha256sum", "--binary", path])
                .output(step: "reading \(path)")
            guard line.prefix(while: \.isHexDigit) == jar.digest else { return false }
        }
        return true
    }
}
