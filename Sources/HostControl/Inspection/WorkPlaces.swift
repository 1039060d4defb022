import Topology

/// The directories in which the agent has to write: those of the listed files, and the server's data.
package struct WorkPlaces: Sendable {
    /// Without duplicates; both as they are named and as they are without links.
    package let directories: [String]

    package init(directories: [String]) { self.directories = directories }

    /// As everything is now; what cannot be looked at is left as it is named.
    ///
    /// - Parameter server: its configuration file.
    package init(files: [String], server: String?) {
        let listed = Set(files)
        var found: Set<String> = []
        for file in files {
            found.insert(AtomicFile.directory(of: file))
            do throws(FileError) {
                found.insert(AtomicFile.directory(of: try PathWalk.end(of: file, listed: listed).canonical))
            } catch {
                // The preflight says what is wrong with it.
            }
        }
        let configuration = server.map { ServerConfigFile.read($0, allowed: listed.union([$0])) }?
            .configuration
        for directory in [configuration?.dataDir, configuration?.dataLogDir].compactMap({ $0 }) {
            found.insert(directory)
            do throws(FileError) {
                let (descriptor, canonical) = try PathWalk.directory(directory)
                _ = try OpenDirectory(descriptor: descriptor, canonical)
                found.insert(canonical)
            } catch {
                // As above.
            }
        }
        directories = found.sorted()
    }
}
