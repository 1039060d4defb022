package import ControlProtocol
import Glibc
import SystemCalls

/// Which Kafka a process runs, by the name of the broker's jar on its class path: no file and no answer of a broker's says it.
package enum BrokerClassPath {
    /// Nil when the process cannot be looked into, or names no such jar.
    package static func version(ofProcess pid: Int32) -> ServerVersion? {
        guard let text = KernelText.read("/proc/\(pid)/cmdline") else { return nil }
        let words = text.split(separator: "\0")
        var path: Substring?
        for (option, next) in zip(words, words.dropFirst()) where ["-cp", "-classpath"].contains(option) {
            path = next
        }
        if let path { return version(on: path) }
        let variables = KernelText.read("/proc/\(pid)/environ")?.split(separator: "\0") ?? []
        return variables.first { $0.hasPrefix("CLASSPATH=") }.flatMap {
            version(on: $0.dropFirst("CLASSPATH=".utf8.count))
        }
    }

    /// The first that names a version counts, as it does for Java.
    static func version(on classPath: Substring) -> ServerVersion? {
        for entry in classPath.split(separator: ":") {
            let name = AtomicFile.name(of: String(entry))
            if name != "*" {
                if let version = version(ofJar: name) { return version }
                continue
            }
            do throws(FileError) {
                for name in try OpenDirectory(opening: AtomicFile.directory(of: String(entry))).names() {
                    if let version = version(ofJar: name) { return version }
                }
            } catch {
                // A folder that is not there has no jars for Java, either.
            }
        }
        return nil
    }

    /// `kafka_2.13-3.4.0.jar` is 3.4.0, without the version of Scala `kafka-0.8.1.1.jar` 0.8.1.1; nil for any other, sources and tests
    /// among them.
    static func version(ofJar name: String) -> ServerVersion? {
        guard name.hasPrefix("kafka"), name.hasSuffix(".jar"),
            let hyphen = name.firstIndex(of: "-"),
            name[..<hyphen].dropFirst("kafka".utf8.count).allSatisfy({ "_.0123456789".contains($0) })
        else { return nil }
        let version = name[name.index(after: hyphen)...].dropLast(".jar".utf8.count)
        if ["sources", "javadoc", "scaladoc", "test"].contains(where: { version.hasSuffix("-" + $0) }) {
            return nil
        }
        return ServerVersion(String(version))
    }
}
