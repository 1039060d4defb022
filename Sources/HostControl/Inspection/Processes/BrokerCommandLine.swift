import ControlProtocol
import SystemCalls

/// What a running Kafka broker was told beside its file, which an edit of the file does not change.
package enum BrokerCommandLine {
    private static let main = "kafka.Kafka"
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

    static func overrides(in arguments: [String]) -> [String: String]? {
        guard let index = arguments.firstIndex(of: main) else { return nil }
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
