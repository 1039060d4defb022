import ControlProtocol
import SystemCalls

/// What a running Kafka broker was told beside its file, which an edit of the file does not change.
package enum BrokerCommandLine {
    /// Kafka's own, and the one that Confluent's programs before 6.0 put around it.
    private static let mains = ["kafka.Kafka", "io.confluent.support.metrics.SupportedKafka"]
    private static let option = "--override"
    private static let longest = 1000

    /// Of `--override key=value` those that `ToldProperties.settings` names; the last of a key, as Kafka takes them.
    ///
    /// Nil when the process is no broker, or cannot be looked into.
    package static func overrides(ofProcess pid: Int32) -> [String: String]? {
        KernelText.read("/proc/\(pid)/cmdline").flatMap {
            overrides(in: $0.split(separator: "\0", omittingEmptySubsequences: false).map(String.init))
        }
    }

    /// The properties file that the process was told to read, absolute: as one of `listed` where both lead to the same place, so
    /// that a link on the way makes no difference to who compares them.
    ///
    /// Nil when the process is no broker, or cannot be looked into.
    package static func file(ofProcess pid: Int32, listed: [String]) -> String? {
        guard let text = KernelText.read("/proc/\(pid)/cmdline"),
            let named = file(
                in: text.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
            )
        else { return nil }
        guard !named.hasPrefix("/") else { return self.listed(named, among: listed) }
        return KernelLink.target(of: "/proc/\(pid)/cwd").map { self.listed("\($0)/\(named)", among: listed) }
    }

    /// Kafka takes the first word after its class for the file, whatever it is.
    static func file(in arguments: [String]) -> String? {
        guard let index = arguments.firstIndex(where: mains.contains),
            let file = arguments[(index + 1)...].first, !file.isEmpty, !file.hasPrefix("-")
        else { return nil }
        return file
    }

    /// By where the path ends without links: a second name of the same file is left behind by whoever replaces the first.
    static func listed(_ path: String, among listed: [String]) -> String {
        let cut = String(path.prefix(longest))
        guard !listed.contains(path), let place = end(of: path, listed) else { return cut }
        return listed.first { end(of: $0, listed) == place } ?? cut
    }

    private static func end(of path: String, _ listed: [String]) -> String? {
        do throws(FileError) { return try PathWalk.end(of: path, listed: Set(listed)).canonical } catch {
            return nil
        }
    }

    static func overrides(in arguments: [String]) -> [String: String]? {
        guard let index = arguments.firstIndex(where: mains.contains) else { return nil }
        var found: [String: String] = [:]
        var isExpected = false
        for argument in arguments[(index + 1)...] {
            var setting = argument[...]
            if !isExpected {
                // Before Kafka 1.0 an option may be cut short.
                let name = argument.prefix { $0 != "=" }
                guard name.utf8.count > 2, option.hasPrefix(name) else { continue }
                setting = argument.dropFirst(name.count + 1)
                isExpected = name.count == argument.count
                if isExpected { continue }
            }
            isExpected = false
            guard let equals = setting.firstIndex(of: "=") else { continue }
            let key = String(setting[..<equals])
            guard ToldProperties.settings.contains(key) else { continue }
            found[key] = String(setting[setting.index(after: equals)...].prefix(longest))
        }
        return found
    }
}
