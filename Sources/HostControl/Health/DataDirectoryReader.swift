import ControlProtocol
import FoundationEssentials
import Glibc
import Topology

/// Reads a server's data directory without the server, and says what it could not read.
struct DataDirectoryReader {
    private enum Kind: String {
        case snapshot
        case log
    }

    private struct Entry {
        let kind: Kind
        let zxid: Zxid
        let path: String
        /// `gz` or `snappy` for a compressed snapshot.
        let compression: String?
    }

    private var positions: [String: TransactionLog.Position] = [:]
    private var problems: [String] = []
    private var isListed = true

    init() {}

    /// Blocks for as long as the newest log takes to read; another look reads only what came since.
    mutating func read(dataDir: String, logDir: String) -> DataDirectory {
        problems = []
        isListed = true
        let versioned = dataDir + "/version-2"
        let logs = logDir + "/version-2"
        var entries = list(versioned)
        if logs != versioned { entries += list(logs) }
        let lastLogged = lastTransaction(entries)
        let lastSnapshot = newestSnapshot(entries)
        return DataDirectory(
            path: dataDir,
            logPath: logDir,
            // What could not be listed must never pass for empty.
            isEmpty: isListed && entries.isEmpty,
            // Packages make this one a link into the directory of configuration files.
            myid: number(in: dataDir + "/myid", followingLinks: true).flatMap { Int(exactly: $0) },
            currentEpoch: number(in: versioned + "/currentEpoch"),
            acceptedEpoch: number(in: versioned + "/acceptedEpoch"),
            lastZxid: [lastLogged, lastSnapshot].compactMap { $0 }.max(),
            problems: problems
        )
    }

    /// Every snapshot and log by its name; an absent directory holds none.
    private mutating func list(_ directory: String) -> [Entry] {
        guard let stream = opendir(directory) else {
            if errno != ENOENT {
                isListed = false
                problems.append("cannot list \(directory): \(FileError.text(of: errno))")
            }
            return []
        }
        defer { closedir(stream) }
        var entries: [Entry] = []
        while let found = readdir(stream) {
            let name = withUnsafeBytes(of: found.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2 || parts.count == 3, let kind = Kind(rawValue: String(parts[0])),
                let zxid = UInt64(parts[1], radix: 16), kind == .snapshot || parts.count == 2
            else { continue }
            entries.append(
                Entry(
                    kind: kind,
                    zxid: Zxid(zxid),
                    path: directory + "/" + name,
                    compression: parts.count == 3 ? String(parts[2]) : nil
                )
            )
        }
        return entries.sorted { ($0.zxid, $0.path) > ($1.zxid, $1.path) }
    }

    /// From the newest log that holds a transaction: later ones were created and not yet written to.
    private mutating func lastTransaction(_ entries: [Entry]) -> Zxid? {
        for entry in entries where entry.kind == .log {
            do throws(FileError) {
                let outcome = try TransactionLog.scan(entry.path, known: positions[entry.path])
                if let problem = outcome.problem { problems.append("\(entry.path): \(problem)") }
                guard let last = outcome.last else { continue }
                positions = [entry.path: last]
                return last.zxid
            } catch .unavailable(_, _, code: ENOENT) {
                continue  // Purged by the server between the listing and now.
            } catch {
                problems.append(error.description)
            }
        }
        return nil
    }

    /// A server at work, or one that crashed at it, leaves an incomplete one: ZooKeeper passes over it, so do we.
    private mutating func newestSnapshot(_ entries: [Entry]) -> Zxid? {
        var incomplete: [String] = []
        for entry in entries where entry.kind == .snapshot {
            do throws(FileError) {
                if try isComplete(entry) { return entry.zxid }
                incomplete.append(entry.path)
            } catch .unavailable(_, _, code: ENOENT) {
                continue
            } catch {
                problems.append(error.description)
            }
        }
        if !incomplete.isEmpty {
            problems.append("no snapshot is complete: \(incomplete.joined(separator: ", "))")
        }
        return nil
    }

    /// By what ZooKeeper goes by: the marks at the beginning, and for a plain one the path `/` at the end.
    private func isComplete(_ entry: Entry) throws(FileError) -> Bool {
        let file = try OpenFile(regular: entry.path)
        let size = try file.attributes().st_size
        guard size >= 10 else { return false }
        var head = [UInt8](repeating: 0, count: 8)
        guard pread(file.descriptor, &head, head.count, 0) == head.count else { return false }
        switch entry.compression {
        case "gz": return Array(head.prefix(2)) == [0x1F, 0x8B]
        case "snappy": return head == [0x82] + Array("SNAPPY".utf8) + [0]
        case .some: return false
        case nil:
            var tail = [UInt8](repeating: 0, count: 5)
            guard pread(file.descriptor, &tail, tail.count, size - 5) == tail.count else { return false }
            return head == Array("ZKSN".utf8) + [0, 0, 0, 2] && tail == [0, 0, 0, 1, UInt8(ascii: "/")]
        }
    }

    /// Nil when the file is absent; anything else that is no number is a problem.
    ///
    /// What else it holds is never told: the account that owns the directory may have put anything there.
    private mutating func number(in path: String, followingLinks: Bool = false) -> Int64? {
        do throws(FileError) {
            let text = String(
                decoding: try OpenFile(regular: path, followingLinks: followingLinks).content(limit: 4096),
                as: UTF8.self
            )
            .trimmed
            guard let number = Int64(text) else {
                problems.append("\(path) holds no number")
                return nil
            }
            return number
        } catch .unavailable(_, _, code: ENOENT) {
            return nil
        } catch {
            problems.append(error.description)
            return nil
        }
    }
}
