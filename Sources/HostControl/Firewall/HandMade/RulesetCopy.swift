import Glibc
import SystemCalls

/// All rules of a host, kept before some are taken away: a folder for each time, a file for each program that printed them.
///
/// Each file is what `iptables-restore` or `nft -f` takes. Nothing is ever removed there by the agent.
struct RulesetCopy: Sendable {
    let folder: String
    private var rounds = 0

    /// Makes a folder of its own below `state`.
    init(state: String, name: String) throws(FirewallError) {
        let parent = state + "/rulesets"
        try Self.make(parent, mayExist: true)
        var number = 1
        while true {
            let folder = "\(parent)/\(name)-\(number)"
            if try Self.make(folder, mayExist: false) {
                self.folder = folder
                break
            }
            number += 1
        }
        do throws(SystemCallError) {
            try DurableFile.flushDirectory(of: parent)
            try DurableFile.flushDirectory(of: folder)
        } catch {
            throw Self.failure(folder, error)
        }
    }

    /// On disk when it returns; what was kept before stays.
    mutating func keep(_ printed: [(name: String, content: [UInt8])]) throws(FirewallError) {
        rounds += 1
        for (name, content) in printed where !content.isEmpty {
            let path = "\(folder)/\(name)" + (rounds == 1 ? "" : ".\(rounds)")
            do throws(SystemCallError) {
                try DurableFile.replace(path, with: content)
            } catch {
                throw Self.failure(path, error)
            }
        }
    }

    /// Whether it was made.
    @discardableResult
    private static func make(_ folder: String, mayExist: Bool) throws(FirewallError) -> Bool {
        if mkdir(folder, 0o700) == 0 { return true }
        guard errno == EEXIST else { throw failure(folder, .last("make")) }
        guard mayExist else { return false }
        var found = stat()
        guard lstat(folder, &found) == 0, found.st_mode & S_IFMT == S_IFDIR else {
            throw failure(folder, SystemCallError(call: "use", code: ENOTDIR))
        }
        return true
    }

    private static func failure(_ path: String, _ error: SystemCallError) -> FirewallError {
        .notSaved(path: path, reason: "cannot \(error.call) it: \(error.reason)")
    }
}
