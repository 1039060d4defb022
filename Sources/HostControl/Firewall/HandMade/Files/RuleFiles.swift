import ControlProtocol
import Glibc
import SystemCalls

/// The files from which hosts load rules when they start: what was made by hand, and saved, comes back from there.
///
/// They are only read.
struct RuleFiles: Sendable {
    private static let saved = [
        "/etc/iptables/rules.v4", "/etc/iptables/rules.v6", "/etc/iptables/iptables.rules",
        "/etc/iptables/ip6tables.rules", "/etc/iptables.up.rules", "/etc/sysconfig/iptables",
        "/etc/sysconfig/ip6tables", "/etc/ufw/before.rules", "/etc/ufw/after.rules", "/etc/ufw/user.rules",
        "/etc/ufw/before6.rules", "/etc/ufw/after6.rules", "/etc/ufw/user6.rules",
    ]
    private static let native = ["/etc/nftables.conf", "/etc/sysconfig/nftables.conf"]
    private static let nativeFolders = ["/etc/nftables.d", "/etc/nftables"]
    private static let firewalld = "/etc/firewalld"
    private static let firewalldSets = "/etc/firewalld/ipsets/"
    private static let sizeLimit = 8 << 20
    private static let mostFiles = 2000
    private static let deepest = 8

    /// Put before every path; empty but in tests.
    let root: String

    init(root: String = "") { self.root = root }

    /// Those that are like hand-made rules, and those that cut an address off by a set that holds it.
    func copies(
        _ sought: SoughtAddresses
    ) -> (copies: [HandMadeReport.FileCopy], others: [HandMadeReport.OtherRule]) {
        var search = Search(root: root, sought: sought)
        for path in Self.saved { search.read(path) { SavedFile.lines($0, sought: sought) } }
        search.readNative(Self.native)
        for folder in Self.nativeFolders {
            search.readNative(search.files(in: folder, endings: [".nft", ".conf"], depth: 0))
        }
        var knowing = sought
        let firewalld = search.files(in: Self.firewalld, endings: [".xml"], depth: 0)
        for path in firewalld where path.hasPrefix(Self.firewalldSets) {
            let name = String(path.dropFirst(Self.firewalldSets.count).dropLast(4))
            search.read(path) { bytes in
                knowing.sets.add(FirewalldFile.entries(bytes), to: name, sought: sought)
                return []
            }
        }
        for path in firewalld where !path.hasPrefix(Self.firewalldSets) {
            search.read(path) { FirewalldFile.lines($0, sought: knowing) }
        }
        return (search.found, search.others)
    }

    /// A line of a file that would bring a rule back.
    struct Line: Hashable, Sendable {
        let number: Int
        let text: String
        /// Of one that names no address itself: by what it concerns one.
        var reason: String? = nil
    }

    private struct Search {
        let root: String
        let sought: SoughtAddresses
        var found: [HandMadeReport.FileCopy] = []
        var others: [HandMadeReport.OtherRule] = []
        private var seen: Set<String> = []

        init(root: String, sought: SoughtAddresses) {
            self.root = root
            self.sought = sought
        }

        /// What is not there holds nothing; what is there and cannot be read may hold anything.
        mutating func read(_ path: String, _ lines: ([UInt8]) -> [Line]) {
            guard let content = content(of: path) else { return }
            for line in lines(content) {
                if let reason = line.reason {
                    others.append(
                        HandMadeReport.OtherRule(
                            place: "\(path):\(line.number)",
                            specification: RulesetReader.shown(line.text),
                            reason: RulesetReader.shown(reason),
                            count: 1
                        )
                    )
                    continue
                }
                found.append(HandMadeReport.FileCopy(path: path, line: line.number, what: line.text))
            }
        }

        private mutating func content(of path: String) -> [UInt8]? {
            guard seen.insert(path).inserted else { return nil }
            guard seen.count <= RuleFiles.mostFiles else {
                doubt(path, "more files than are looked into")
                return nil
            }
            do throws(BoundedFile.Failure) {
                return try BoundedFile(reading: root + path, limit: RuleFiles.sizeLimit).bytes
            } catch {
                switch error {
                case .unreadable(let failure) where failure.code == ENOENT || failure.code == ENOTDIR: break
                case .unreadable(let failure): doubt(path, "cannot be read: \(failure.reason)")
                case .notRegular: doubt(path, "is no plain file")
                case .tooLarge: doubt(path, "is larger than \(RuleFiles.sizeLimit >> 20) MiB")
                }
                return nil
            }
        }

        private mutating func doubt(_ path: String, _ reason: String) {
            found.append(HandMadeReport.FileCopy(path: path, line: nil, what: "not looked into: \(reason)"))
        }

        /// With what they include.
        mutating func readNative(_ paths: [String]) {
            var waiting = paths.map { (path: $0, depth: 0) }
            var variables: [String: [String]] = [:]
            let sought = sought
            while !waiting.isEmpty {
                let next = waiting.removeFirst()
                var included: [String] = []
                read(next.path) { bytes in
                    let file = NativeFile(bytes, sought: sought, variables: variables)
                    included = file.included
                    variables = file.variables
                    return file.lines
                }
                guard next.depth < RuleFiles.deepest else {
                    if !included.isEmpty { doubt(next.path, "includes files \(RuleFiles.deepest) deep") }
                    continue
                }
                // nft looks for what has no leading slash where it was built to.
                let names = included.map { $0.hasPrefix("/") ? $0 : "/etc/\($0)" }.flatMap(matches)
                waiting = names.map { ($0, next.depth + 1) } + waiting
            }
        }

        private func matches(_ pattern: String) -> [String] {
            var result = glob_t()
            defer { globfree(&result) }
            guard glob(root + pattern, GLOB_NOSORT, nil, &result) == 0, let names = result.gl_pathv else {
                return []
            }
            return (0..<Int(result.gl_pathc)).compactMap { names[$0].map { String(cString: $0) } }.sorted()
                .map { String($0.dropFirst(root.count)) }
        }

        mutating func files(in folder: String, endings: [String], depth: Int) -> [String] {
            guard let stream = opendir(root + folder) else {
                if errno != ENOENT { doubt(folder, "cannot be read: \(systemReason())") }
                return []
            }
            defer { closedir(stream) }
            var names: [(name: String, isFolder: Bool)] = []
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                guard name != ".", name != ".." else { continue }
                var status = stat()
                let isFolder =
                    lstat("\(root)\(folder)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
                names.append((name, isFolder))
            }
            var paths: [String] = []
            for (name, isFolder) in names.sorted(by: { $0.name < $1.name }) {
                let path = "\(folder)/\(name)"
                if isFolder {
                    guard depth < RuleFiles.deepest else {
                        doubt(path, "lies too deep")
                        continue
                    }
                    paths += files(in: path, endings: endings, depth: depth + 1)
                } else if endings.contains(where: name.hasSuffix) {
                    paths.append(path)
                }
            }
            return paths
        }
    }
}
