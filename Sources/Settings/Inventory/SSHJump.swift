package import Topology

/// One host to jump over, as ssh's ProxyJump has it: `[user@]host[:port]`, also as a URI of ssh's.
///
/// It becomes part of a shell's command line: nothing is in it that a shell, or ssh, could take for something else.
package struct SSHJump: Hashable, Sendable {
    package let user: String?
    /// An IPv6 address without brackets.
    package let host: String
    package let port: Port?

    /// In the order in which they are passed; empty for `none`, nil when a part is none of them.
    static func all(in text: String) -> [SSHJump]? {
        if text == "none" { return [] }
        var jumps: [SSHJump] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let jump = SSHJump(part) else { return nil }
            jumps.append(jump)
        }
        return jumps
    }

    private init?(_ text: Substring) {
        var rest = text.hasPrefix("ssh://") ? text.dropFirst(6) : text
        var user: String?
        if let at = rest.lastIndex(of: "@") {
            guard Self.isWord(rest[..<at], besides: "._-+@") else { return nil }
            user = String(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        let host: Substring
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            host = rest[rest.index(after: rest.startIndex)..<end]
            guard Self.isWord(host, besides: ".:") else { return nil }
            rest = rest[rest.index(after: end)...]
        } else {
            host = rest.prefix { $0 != ":" }
            guard Self.isWord(host, besides: "._-") else { return nil }
            rest = rest[host.endIndex...]
        }
        var port: Port?
        if !rest.isEmpty {
            guard rest.hasPrefix(":"), let number = Int(rest.dropFirst()), let found = Port(number) else {
                return nil
            }
            port = found
        }
        self.user = user
        self.host = String(host)
        self.port = port
    }

    private static func isWord(_ text: Substring, besides marks: String) -> Bool {
        !text.isEmpty && text.first != "-"
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || marks.contains($0) }
    }
}
