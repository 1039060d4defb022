import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls
import Topology

/// Reads a server's data directory without the server, as the server would read it when it starts, and says
/// what it could not read and what would keep the server from starting.
struct DataDirectoryReader {
    /// What a file's content hangs on; a file that has all of it unchanged is not read again.
    private struct Look<Verdict> {
        let stamp: FileStamp
        let verdict: Verdict
    }

    /// Listings are taken again when a server at work has removed one of the files meanwhile.
    private static let attempts = 3
    /// More holes than any real log has; a list that is longer tells nothing new.
    private static let listed = 64
    private static let myids = Int64(Bound.serverNumber.lowerBound)...Int64(Bound.serverNumber.upperBound)

    private var logs: [String: Look<TransactionLog.Outcome>] = [:]
    private var snapshots: [String: Look<SnapshotVerdict>] = [:]
    /// What an earlier look had no time to read to its end.
    private var readings: [String: Look<SnapshotReading>] = [:]
    private let limit: ContentLimit
    private let patience: Duration
    private var problems: [FaultText] = []
    private var isListed = true
    private let files: Set<String>

    /// - Parameter files: what a link of anybody's at `myid` may lead to.
    /// - Parameter patience: for how long one look reads; who asks waits longer than for four of them.
    init(files: Set<String> = [], limit: ContentLimit = ContentLimit(), patience: Duration = .seconds(1)) {
        self.files = files
        self.limit = limit
        self.patience = patience
    }

    /// Another look reads only what came since, and what this one had no time for: that is told as a problem.
    mutating func read(dataDir: String, logDir: String) -> DataDirectory {
        let versioned = dataDir.withoutDoubledSlashes + "/version-2"
        let logged = logDir.withoutDoubledSlashes + "/version-2"
        var (found, loaded): ([DataFile], Loaded) = ([], Loaded())
        let end = ContinuousClock.now + patience
        for attempt in 1...Self.attempts {
            problems = []
            isListed = true
            found = list(versioned)
            var elsewhere: [DataFile] = []
            if logged != versioned {
                elsewhere = list(logged)
                tellMisplaced(found.logs + elsewhere.snapshots)
            }
            let last = attempt == Self.attempts
            let files = found.snapshots.read + (logged == versioned ? found : elsewhere).logs.read
            found += elsewhere
            tellSpare(found)
            guard let complete = load(files, isLastAttempt: last, by: end) else { continue }
            loaded = complete
            break
        }
        forget(except: Set(found.map(\.path)))
        return DataDirectory(
            path: dataDir,
            logPath: logDir,
            // What could not be listed must never pass for empty.
            isEmpty: isListed && found.isEmpty,
            // Packages make this one a link into the directory of configuration files.
            myid: number(in: dataDir + "/myid", Self.myids, followingLinks: true).flatMap {
                Int(exactly: $0)
            },
            currentEpoch: number(in: versioned + "/currentEpoch", Bound.serverEpoch),
            acceptedEpoch: number(in: versioned + "/acceptedEpoch", Bound.serverEpoch),
            snapshot: loaded.snapshot,
            lastZxid: loaded.last,
            epochEnds: loaded.epochEnds.suffix(Self.listed),
            missing: Array(loaded.missing.prefix(Self.listed)),
            problems: problems.map(\.whole),
            shownProblems: problems.map(\.shown)
        )
    }

    private mutating func tell(_ problem: String) { problems.append(FaultText(problem)) }

    /// What stands behind the number in a name is anybody's.
    private mutating func tell(_ problem: String, of file: DataFile) {
        problems.append(
            FaultText(whole: problem, shown: problem.replacing(file.path, with: file.shownPath))
        )
    }

    private mutating func list(_ directory: String) -> [DataFile] {
        do throws(FileError) {
            return try DataFile.list(directory)
        } catch .unavailable(_, _, let code) {
            isListed = false
            tell("cannot list \(directory): \(systemReason(code))")
        } catch {
            isListed = false
            tell(error.description)
        }
        return []
    }

    private mutating func tellMisplaced(_ files: [DataFile]) {
        for file in files {
            tell(
                "\(file.path) is \(file.kind == .log ? "a log where snapshots" : "a snapshot where logs") belong, "
                    + "and ZooKeeper does not start; move it away",
                of: file
            )
        }
    }

    private mutating func tellSpare(_ files: [DataFile]) {
        for file in files where file.isSpare {
            tell(
                "\(file.path): ZooKeeper 3.4 and 3.5 pass over this name, later ones read it, and it was left out here; move it away",
                of: file
            )
        }
    }

    private mutating func forget(except paths: Set<String>) {
        logs = logs.filter { paths.contains($0.key) }
        snapshots = snapshots.filter { paths.contains($0.key) }
        readings = readings.filter { paths.contains($0.key) }
    }

    /// Of the name itself, not of what a link leads to.
    private func stamp(of file: DataFile) throws(FileError) -> FileStamp {
        do throws(SystemCallError) {
            return try FileStamp(ofLink: file.path)
        } catch {
            throw .unavailable(operation: error.call, path: file.path, code: error.code)
        }
    }

    /// Nil when a file went away meanwhile and another listing may be better.
    private mutating func load(
        _ files: [DataFile],
        isLastAttempt: Bool,
        by end: ContinuousClock.Instant
    ) -> Loaded? {
        let snapshot: Zxid?
        switch newestSnapshot(files.snapshots, by: end) {
        case .found(let zxid): snapshot = zxid
        case .none: snapshot = nil
        // What the server would load is not known, and must not pass for an older history.
        case .unread: return Loaded()
        }
        var runs: [ZxidRange] = []
        for file in files.logs(after: snapshot ?? Zxid(0)) {
            do throws(FileError) {
                let outcome = try contents(of: file, isNewest: file == files.logs.last, by: end)
                runs += outcome.runs
                if !outcome.isWhole {
                    tell("\(file.path): \(outcome.problem ?? "not read")", of: file)
                    return Loaded()
                }
                if let problem = outcome.problem { tell("\(file.path): \(problem)", of: file) }
                if case .refused = outcome.flaw { break }
            } catch .unavailable(_, _, code: ENOENT) {
                if !isLastAttempt { return nil }
            } catch {
                tell(error.description, of: file)
            }
        }
        return Loaded(snapshot: snapshot, runs: runs)
    }

    /// A server that begins a log is given the moment that it needs for the header.
    private mutating func contents(of file: DataFile, isNewest: Bool, by end: ContinuousClock.Instant)
        throws(FileError) -> TransactionLog.Outcome
    {
        let known = logs[file.path]
        let stamp = try stamp(of: file)
        if !isNewest, let known, known.stamp == stamp, known.verdict.isWhole { return known.verdict }
        var outcome = try TransactionLog.scan(file.path, known: known?.verdict, by: end)
        for _ in 0..<5 where isNewest && outcome.last == nil && outcome.flaw != nil {
            usleep(2000)
            outcome = try TransactionLog.scan(file.path)
        }
        logs[file.path] = Look(stamp: stamp, verdict: outcome)
        return outcome
    }

    private enum Newest {
        case found(Zxid)
        case none
        case unread
    }

    private mutating func newestSnapshot(_ files: [DataFile], by end: ContinuousClock.Instant) -> Newest {
        var incomplete: [DataFile] = []
        for file in files.reversed() {
            do throws(FileError) {
                switch try verdict(on: file, by: end) {
                case .complete: return .found(file.zxid)
                case .incomplete: incomplete.append(file)
                case .absurd(let error): tell(error.description, of: file)
                case .unread(let count):
                    tell(
                        "\(file.path): \(count >> 20) MiB of what it holds were read; there was no time for more",
                        of: file
                    )
                    return .unread
                }
            } catch .unavailable(_, _, code: ENOENT) {
                continue
            } catch {
                tell(error.description, of: file)
            }
        }
        if !incomplete.isEmpty {
            let said = { (paths: [String]) in "no snapshot is complete: \(paths.joined(separator: ", "))" }
            problems.append(
                FaultText(whole: said(incomplete.map(\.path)), shown: said(incomplete.map(\.shownPath)))
            )
        }
        return .none
    }

    private mutating func verdict(on file: DataFile, by end: ContinuousClock.Instant) throws(FileError)
        -> SnapshotVerdict
    {
        let stamp = try stamp(of: file)
        if let known = snapshots[file.path], known.stamp == stamp { return known.verdict }
        let verdict: SnapshotVerdict
        do throws(FileError) {
            let reading: SnapshotReading
            if let begun = readings.removeValue(forKey: file.path), begun.stamp == stamp {
                reading = begun.verdict
            } else {
                let open = try OpenFile(regular: file.path)
                reading = try SnapshotReading(open, SnapshotFile.form(of: file.name), limit: limit)
            }
            switch try reading.goOn(until: end) {
            case .complete: verdict = .complete
            case .incomplete: verdict = .incomplete
            case .unfinished:
                readings[file.path] = Look(stamp: stamp, verdict: reading)
                return .unread(count: reading.count)
            }
        } catch .notWhatItSeems(let path, let reason) {
            // Looked at anew each time: some file systems count blocks late.
            verdict = .absurd(.notWhatItSeems(path: path, reason: reason))
            if SnapshotFile.form(of: file.name) == .plain { return verdict }
        } catch {
            throw error
        }
        snapshots[file.path] = Look(stamp: stamp, verdict: verdict)
        return verdict
    }

    /// Nil when the file is absent; anything else that is no number is a problem.
    ///
    /// What else it holds is never told: the account that owns the directory may have put anything there.
    private mutating func number(
        in path: String,
        _ bound: ClosedRange<Int64>,
        followingLinks: Bool = false
    ) -> Int64? {
        do throws(FileError) {
            let content = try OpenFile(regular: path, followingLinks: followingLinks, listed: files)
                .content(limit: 4096)
            // ZooKeeper reads the first line, and takes nothing beside the number.
            let text = String(decoding: content.prefix { $0 != 10 && $0 != 13 }, as: UTF8.self)
            guard let number = Int64(text) else {
                let isPadded = Int64(text.trimmed) != nil
                tell(
                    "\(path) holds "
                        + (isPadded ? "blanks beside its number, which ZooKeeper refuses" : "no number")
                )
                return nil
            }
            guard bound.contains(number) else {
                tell("\(path) holds no number from \(bound.lowerBound) to \(bound.upperBound)")
                return nil
            }
            return number
        } catch .unavailable(_, _, code: ENOENT) {
            return nil
        } catch {
            tell(error.description)
            return nil
        }
    }
}

private enum SnapshotVerdict: Hashable, Sendable {
    case complete
    case incomplete
    case absurd(FileError)
    case unread(count: Int64)
}

/// What a server would have in memory after loading a directory.
private struct Loaded {
    var snapshot: Zxid?
    var last: Zxid?
    var missing: [ZxidRange] = []
    var epochEnds: [Zxid] = []

    init() {}

    init(snapshot: Zxid?, runs: [ZxidRange]) {
        let logged = ZxidSet(runs)
        self.snapshot = snapshot
        last = [logged.last, snapshot].compactMap { $0 }.max()
        // Without a snapshot the logs must hold everything, as they do where a server of 3.4 has never needed one.
        missing = logged.gaps(after: snapshot ?? Zxid(0))
        epochEnds = logged.epochEnds(after: snapshot)
    }
}

extension String {
    /// As `java.io.File` writes paths, so that one directory has one spelling.
    fileprivate var withoutDoubledSlashes: String {
        let parts = split(separator: "/")
        return (hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }
}
