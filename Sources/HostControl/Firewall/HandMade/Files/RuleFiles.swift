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
    /// What `ipset restore` takes.
    private static let sets = ["/etc/iptables/ipsets", "/etc/ipset.conf", "/etc/sysconfig/ipset"]
    private static let sizeLimit = 8 << 20
    private static let mostFiles = 2000
    private static let deepest = 8

    /// Put before every path; empty but in tests.
    let root: String

    init(root: String = "") { self.root = root }

    /// What files would bring back.
    struct Found: Sendable {
        /// Like hand-made rules.
        var copies: [HandMadeReport.FileCopy] = []
        /// Cuts an address off by a set that holds it.
        var cuts: [HandMadeReport.SetRule] = []
        /// Asks for such a set and for more.
        var others: [HandMadeReport.OtherRule] = []
    }

    /// - Parameter sought: with the kernel's sets, for those that no file known here makes.
    func read(_ sought: SoughtAddresses) -> Found {
        var search = Search(root: root, sought: sought)
        var knowing = sought
        for path in Self.sets {
            search.read(path) { bytes in
                knowing.sets.add(saved: String(decoding: bytes, as: UTF8.self), sought: sought)
                return []
            }
        }
        for path in Self.saved { search.read(path) { SavedFile.lines($0, sought: knowing) } }
        search.readNative(Self.native)
        for folder in Self.nativeFolders {
            search.readNative(search.files(in: folder, endings: [".nft", ".conf"], depth: 0))
        }
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
        return search.found
    }

    /// A line of a file that would bring a rule back.
    struct Line: Hashable, Sendable {
        enum Kind: Hashable, Sendable {
            /// Like a hand-made rule.
            case copy
            case cut(SetCut)
            /// By what it concerns an address, though it names none itself.
            case other(String)
        }

        let number: Int
        let text: String
        let kind: Kind
    }

    private struct Search {
        let root: String
        let sought: SoughtAddresses
        var found = Found()
        private var seen: Set<String> = []

        init(root: String, sought: SoughtAddresses) {
            self.root = root
            self.sought = sought
        }

        /// What is not there holds nothing; what is there and cannot be read may hold anything.
        mutating func read(_ path: String, _ lines: ([UInt8]) -> [Line]) {
            guard let content = content(of: path) else { return }
            for line in lines(content) { take(line, of: path) }
        }

        private mutating func take(_ line: Line, of path: String) {
            let place = "\(path):\(line.number)"
            switch line.kind {
            case .copy:
                found.copies.append(
                    HandMadeReport.FileCopy(path: path, line: line.number, what: line.text)
                )
            case .cut(let cut):
                found.cuts.append(
                    HandMadeReport.SetRule(place: place, specification: line.text, cut, count: 1)
                )
            case .other(let reason):
                found.others.append(
                    HandMadeReport.OtherRule(
                        place: place,
                        specification: RulesetReader.shown(line.text),
                        reason: RulesetReader.shown(reason),
                        count: 1
                    )
                )
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
            found.copies.append(
                HandMadeReport.FileCopy(path: path, line: nil, what: "not looked into: \(reason)")
            )
        }

        /// With what they include.
        mutating func readNative(_ paths: [String]) {
            var waiting = paths.map { (path: $0, depth: 0) }
            var variables: [String: [String]] = [:]
            var sets: [String: String] = [:]
            var asking: [(path: String, line: NativeFile.Asking)] = []
            let sought = sought
            while !waiting.isEmpty {
                let next = waiting.removeFirst()
                var included: [String] = []
                read(next.path) { bytes in
                    let file = NativeFile(bytes, sought: sought, variables: variables)
                    included = file.included
                    variables = file.variables
                    sets.merge(file.sets) { first, _ in first }
                    asking += file.asking.map { (next.path, $0) }
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
            // A set may get its elements after the rule that asks for it, and in another file.
            for (path, line) in asking {
                guard let name = line.sets.first(where: { sets[$0] != nil }), let entry = sets[name] else {
                    continue
                }
                let cut = SetCut(set: "nft set \(name)", reason: "its set \(name) holds \(entry)")
                take(Line(number: line.number, text: line.text, kind: .cut(cut)), of: path)
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
