/// A released version of ZooKeeper; what follows the numbers (`-alpha`, a commit) does not count.
package struct ZooKeeperVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let major: Int
    package let minor: Int
    package let patch: Int

    package init(_ major: Int, _ minor: Int, _ patch: Int) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// Reads what servers print, `3.8.0-5a02a05...`; nil when it does not start with three numbers.
    package init?(_ text: String) {
        let numbers = text.prefix { $0 == "." || ($0.isASCII && $0.isNumber) }
            .split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count >= 3, let major = numbers[0], let minor = numbers[1], let patch = numbers[2]
        else { return nil }
        self.init(major, minor, patch)
    }

    package var description: String { "\(major).\(minor).\(patch)" }

    /// Whether adding members by a rolling restart can elect a leader that cannot commit (ZOOKEEPER-3829).
    package var isAffectedBy3829: Bool {
        let affected = [
            ZooKeeperVersion(3, 5, 0)...ZooKeeperVersion(3, 5, 8),
            ZooKeeperVersion(3, 6, 0)...ZooKeeperVersion(3, 6, 1),
        ]
        return affected.contains { $0.contains(self) }
    }

    package static func < (left: ZooKeeperVersion, right: ZooKeeperVersion) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }
}
