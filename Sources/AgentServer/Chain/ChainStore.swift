import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls

/// `chain/entries.jsonl`: what a run's coordinator has this host keep for whoever takes the run over without its journal.
///
/// One run's at a time. An entry is on disk before anybody hears that it is kept.
///
/// | found at opening | becomes |
/// |---|---|
/// | a last line without its end | is cut off: nobody was told that it is kept, nor of those that came with it, which stay |
/// | any other line that is not what was written, or does not continue the one before | the chain is damaged: it says so, and grows no more until a coordinator puts its own in its place |
///
/// | comes | on a chain | becomes |
/// |---|---|---|
/// | what continues the head, or is there already | of this run, sound | kept |
/// | what does neither | of this run | nothing: the answer's head says what is there |
/// | entry 0 | of another run, or none | takes its place; the old one becomes `chain/previous` |
/// | entry 0, replacing | of this run, damaged or not | takes its place |
///
/// Not for several threads at once: `ChainBook` has the lock.
final class ChainStore {
    private struct Line: Codable, Bounded {
        let run: RunID
        let entry: ChainLink

        func check() throws(OutOfBounds) { try check("entry", entry) }
    }

    private struct Known {
        let extent: LineFile.Extent
        let digest: String
    }

    private let directory: String
    private let limit: Int
    private var file: LineFile
    private var run: RunID?
    private var known: [Known] = []
    private var damage: String?

    private var path: String { directory + "/entries.jsonl" }

    /// - Parameter directory: made when it is absent.
    init(directory: String, limit: Int = ChainLimit.chain) throws(AgentServerError) {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw .storage(path: directory, operation: "make the directory", reason: systemReason())
        }
        do throws(SystemCallError) { try DurableFile.flushDirectory(of: directory) } catch {
            throw .storage(path: directory, operation: error.call, reason: error.reason)
        }
        self.directory = directory
        self.limit = limit
        file = try Self.opening(directory + "/entries.jsonl")
        try replay()
    }

    /// Where it ends; `problem` says why nothing of it is to be believed, or what else stood in the way.
    func state(_ problem: String? = nil) -> ChainState {
        ChainState(run: run, head: damage == nil ? head : nil, problem: damage ?? problem)
    }

    private var head: ChainHead? {
        known.last.map { ChainHead(number: known.count - 1, digest: $0.digest) }
    }

    /// Keeps what continues the chain; throws with nothing of it said to be kept.
    func take(_ links: [ChainLink], of run: RunID, replacing: Bool) throws(AgentServerError) -> ChainState {
        guard let first = links.first else { return state() }
        let before =
            first.number == 0 ? nil : ChainHead(number: first.number - 1, digest: first.previous ?? "")
        if let objection = ChainLink.objection(to: links, after: before) { return state(objection) }
        if run != self.run || replacing {
            guard first.number == 0 else { return state() }
            return try replace(with: links, of: run)
        }
        guard damage == nil else { return state() }
        // They follow one another, so that what is new of them is their end.
        for link in links.prefix(while: { $0.number < known.count })
        where known[link.number].digest != link.digest { return state() }
        let fresh = links.drop { $0.number < known.count }
        guard fresh.first?.follows(head) ?? true else { return state() }
        return state(try append(fresh, of: run) ? nil : Self.full)
    }

    /// As many as there is room for, with one write and one wait for the disk, however many they are: leases and the removal of
    /// walls wait for it, too.
    ///
    /// - Returns: false when there was no room for all.
    private func append(_ links: ArraySlice<ChainLink>, of run: RunID) throws(AgentServerError) -> Bool {
        var content: [UInt8] = []
        var added: [Known] = []
        for link in links {
            let line = try Self.line(Line(run: run, entry: link), of: path)
            let offset = content.isEmpty ? 0 : content.count + 1
            guard file.size + offset + line.count < limit else { break }
            let extent = LineFile.Extent(
                offset: file.size + offset,
                length: line.count,
                line: known.count + added.count + 1
            )
            added.append(Known(extent: extent, digest: link.digest))
            content += (content.isEmpty ? [] : [UInt8(ascii: "\n")]) + line
        }
        if !added.isEmpty {
            do throws(SystemCallError) { _ = try file.append(Data(content)) } catch {
                throw .storage(path: path, operation: error.call, reason: error.reason)
            }
            known += added
        }
        return added.count == links.count
    }

    /// A page of what is kept, from this number on.
    func read(from number: Int) throws(AgentServerError) -> [ChainLink] {
        guard damage == nil else { return [] }
        var (links, size): ([ChainLink], Int) = ([], 0)
        for known in known.dropFirst(number) {
            size += known.extent.length
            guard links.isEmpty || size <= 2 * ChainLimit.page else { break }
            let content: Data
            do throws(SystemCallError) { content = try file.read(known.extent) } catch {
                throw .storage(path: path, operation: error.call, reason: error.reason)
            }
            guard case .sound(let object) = SealedJSON.open(content), let line = Self.line(object),
                line.entry.digest == known.digest
            else {
                damage = Self.damaged(known.extent.line, "it is not what was written")
                return []
            }
            links.append(line.entry)
        }
        return links.page
    }

    private func replace(with links: [ChainLink], of run: RunID) throws(AgentServerError) -> ChainState {
        var content: [UInt8] = []
        for link in links {
            content += try Self.line(Line(run: run, entry: link), of: path) + [UInt8(ascii: "\n")]
        }
        guard content.count <= limit else { return state(Self.full) }
        if let old = self.run, old != run { keepPrevious() }
        do throws(SystemCallError) {
            try DurableFile.replace(path, with: content)
        } catch {
            // Whether the new file is in place or not, its name leads to what counts.
            file = try Self.opening(path)
            try replay()
            throw .storage(path: path, operation: error.call, reason: error.reason)
        }
        file = try Self.opening(path)
        try replay()
        return state()
    }

    /// For people; nothing depends upon it.
    private func keepPrevious() {
        let previous = directory + "/previous"
        unlink(previous)
        link(path, previous)
    }

    private func replay() throws(AgentServerError) {
        run = nil
        known = []
        damage = nil
        guard file.size <= 2 * limit else {
            damage = "the chain is \(file.size >> 20) MiB long, which none is"
            return
        }
        _ = try file.replay(limit: 1 << 20) { extent, line in
            guard damage == nil else { return }
            damage = take(extent, line).map { Self.damaged(extent.line, $0) }
        }
    }

    /// Why the line is not what was written; nil when it is.
    private func take(_ extent: LineFile.Extent, _ line: Data?) -> String? {
        guard let line, case .sound(let object) = SealedJSON.open(line) else {
            return "its checksum does not match"
        }
        guard let line = Self.line(object) else { return "it is no entry" }
        guard run == nil || line.run == run, line.entry.follows(head) else {
            return "it does not continue the one before it"
        }
        run = line.run
        known.append(Known(extent: extent, digest: line.entry.digest))
        return nil
    }

    private static let full =
        "the chain would be longer than a host keeps (\(ChainLimit.chain >> 20) MiB); what comes is not kept"

    private static func damaged(_ line: Int, _ reason: String) -> String {
        "the chain was damaged on the disk (line \(line): \(reason))"
    }

    private static func line(_ object: [UInt8]) -> Line? {
        do throws(WireProblem) { return try WireJSON.decode(from: Data(object)) } catch { return nil }
    }

    private static func line(_ line: Line, of path: String) throws(AgentServerError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return SealedJSON.seal(try encoder.encode(line))
        } catch {
            throw .storage(path: path, operation: "encode a line of", reason: "\(error)")
        }
    }

    private static func opening(_ path: String) throws(AgentServerError) -> LineFile {
        do throws(SystemCallError) {
            return try LineFile.opening(path)
        } catch {
            throw .storage(path: path, operation: error.call, reason: error.reason)
        }
    }
}
