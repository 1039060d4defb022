package import ControlProtocol
import FoundationEssentials
import Printable
import Topology

/// What a host's shell program saw, as values; whatever it says is bounded and believed no further than it must be.
package struct HostLook: Hashable, Sendable {
    package private(set) var uid: Int?
    package private(set) var machine: String?
    package private(set) var system: String?
    package private(set) var glibc: LibraryVersion?
    package private(set) var libssl: String?
    package private(set) var systemd: String?
    package private(set) var tools: Set<String> = []
    /// As `iptables --version` says it.
    package private(set) var iptables: String?
    /// Unix seconds.
    package private(set) var clock: Int64?
    /// By folder, KiB.
    package private(set) var free: [String: Int] = [:]
    package private(set) var units: [String] = []
    package private(set) var configs: [String] = []
    /// By configuration file.
    package private(set) var logDirectories: [String: [String]] = [:]
    /// SHA-256 by path, of what is in place.
    package private(set) var digests: [String: String] = [:]
    /// The agent.yaml in place.
    package private(set) var configuration: [UInt8]?
    /// The certificate in place, PEM.
    package private(set) var certificate: [UInt8]?
    /// The package that brought the agent.
    package private(set) var package: String?
    package private(set) var isActive = false
    package private(set) var isEnabled = false
    /// Whether what undoes a division without the agent is enabled and waits.
    package private(set) var isWatching = false
    /// Units and drop-ins that the agent in place would write anew, and those of ours that it would take away.
    package private(set) var stale: [String] = []
    package private(set) var surplus: [String] = []
    /// As the agent in place says it.
    package private(set) var version: String?
    /// Something was broken off there and not ended yet.
    package private(set) var isInterrupted = false
    /// Something that was broken off was ended just now.
    package private(set) var isRecovered = false
    /// What became of our rules when that restarted the agent.
    package private(set) var recoveredRules: RulesProof?

    package init(_ lines: [String]) {
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count == 3, words[0] == "fact" else { continue }
            take(String(words[1]), String(words[2]))
        }
    }

    private mutating func take(_ key: String, _ value: String) {
        let shown = PrintableText(value, limit: 200).description
        switch key {
        case "uid": uid = Int(value)
        case "machine": machine = shown
        case "system": system = shown
        case "glibc": glibc = LibraryVersion(value.split(separator: " ").last ?? "")
        case "libssl": libssl = shown
        case "systemd": systemd = shown
        case "tool": tools.insert(shown)
        case "iptables": iptables = shown
        case "clock": clock = Int64(value)
        case "free":
            let (folder, number) = Self.pair(value)
            free[folder] = Int(number)
        case "unit": if !units.contains(shown) { units.append(shown) }
        case "config": if Self.isPlainPath(value), !configs.contains(value) { configs.append(value) }
        case "logdirs":
            let (file, setting) = Self.pair(value)
            logDirectories[file] = Self.directories(setting)
        case "digest":
            let (path, digest) = Self.pair(value)
            digests[path] = digest
        case "yaml": configuration = Data(base64Encoded: value).map { Array($0) }
        case "certificate": certificate = Data(base64Encoded: value).map { Array($0) }
        case "package":
            // dpkg and rpm say otherwise when it belongs to none.
            package = shown.contains("not owned") || shown.contains("no path") ? nil : shown
        case "active": isActive = value == "active"
        case "enabled": isEnabled = value == "enabled"
        case "watching": isWatching = value == "active enabled"
        case "stale": stale.append(shown)
        case "surplus": surplus.append(shown)
        case "version": version = shown
        case "interrupted": isInterrupted = true
        case "recovered": isRecovered = true
        case "rules": recoveredRules = RulesProof(words: value)
        case _: return
        }
    }

    /// Whether the agent's units and drop-ins are as they should be, and run.
    package var areUnitsSettled: Bool {
        isActive && isEnabled && isWatching && stale.isEmpty && surplus.isEmpty
    }

    package func digest(of file: ProvisionedFile) -> String? { digests[file.path] }

    private static func pair(_ text: String) -> (String, String) {
        guard let space = text.firstIndex(of: " ") else { return (text, "") }
        return (String(text[..<space]), String(text[text.index(after: space)...]))
    }

    private static func directories(_ setting: String) -> [String] {
        guard let mark = setting.firstIndex(where: { $0 == "=" || $0 == ":" }) else { return [] }
        return setting[setting.index(after: mark)...].split(separator: ",").map { part in
            String(part.filter { !$0.isWhitespace })
        }.filter(isPlainPath)
    }

    /// As agent.yaml takes them.
    static func isPlainPath(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return path.hasPrefix("/") && path.utf8.count <= 1000 && path.utf8.count > 1
            && !parts.dropFirst().contains { $0.isEmpty || $0 == "." || $0 == ".." }
            && path.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }
}

/// `2.36`: the version of a library whose minor versions only add.
package struct LibraryVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let major: Int
    package let minor: Int

    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".")
        guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1].prefix(while: \.isNumber))
        else { return nil }
        self.init(major: major, minor: minor)
    }

    package var description: String { "\(major).\(minor)" }

    package static func < (left: LibraryVersion, right: LibraryVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}
