import ControlProtocol
import Glibc
import Topology

/// Looks for writes into some trees in a server's log, while the server runs or not.
struct WritesReader {
    /// Bytes that one look reads at most; whoever asked goes on where it ended.
    static let most: Int64 = 64 << 20
    private static let patience = Duration.seconds(2)

    private let trees: [[UInt8]]
    private let after: Zxid
    /// Of whom nothing is told; nil when nobody is to be left out.
    private let apart: Set<Int64>?
    private var first: Zxid?
    private var last: Zxid?
    private var place: LogPlace?
    private var gap: String?
    private var count = 0
    private var countApart = 0
    private var expired = 0
    private var unread = 0
    private var writes: [WritesReport.Write] = []
    /// The record before, which need not be later than what was asked for.
    private var previous: Zxid?

    /// Blocks for two seconds at most, unless the disk does not answer.
    ///
    /// - Parameter logDir: with `version-2` in it.
    static func read(_ request: WritesRequest, logDir: String, most: Int64 = Self.most) -> WritesReport {
        var reader = WritesReader(request)
        do throws(FileError) {
            return try reader.read(request.place, in: logDir + "/version-2", most: most)
        } catch {
            return WritesReport(obstacle: error.description)
        }
    }

    private init(_ request: WritesRequest) {
        // `/app` and `/app/...`, and everything for the root.
        trees = request.trees.map { $0 == "/" ? [] : Array($0.utf8) }
        after = request.after
        apart = request.apart.map { Set($0.map(\.value)) }
    }

    private mutating func read(_ known: LogPlace?, in directory: String, most: Int64) throws(FileError)
        -> WritesReport
    {
        let logs = try DataFile.list(directory).logs.read
        guard !logs.isEmpty else { return WritesReport(obstacle: "\(directory) holds no log") }
        let end = ContinuousClock.now + Self.patience
        var budget = most
        var files = logs.logs(after: after)
        var start: LogPlace?
        if let known, let index = logs.firstIndex(where: { $0.zxid == known.log }),
            try TransactionLog.holds(known, logs[index].path)
        {
            files = Array(logs[index...])
            (start, place, previous) = (known, known, known.zxid)
        } else if let oldest = files.first, oldest.zxid > after, oldest.zxid.value != after.value &+ 1 {
            gap = "the oldest log, \(oldest.path), begins after \(after); what was before it is gone"
        }
        for file in files {
            let visit = try TransactionLog.visit(
                file.path,
                behind: start?.offset,
                most: budget,
                by: end
            ) { position, content in
                take(position, content, of: file)
            }
            start = nil
            budget -= visit.bytes
            if let flaw = visit.flaw, file != logs.last || visit.bytes > 0 {
                note("\(file.path): \(flaw)")
            }
            if !visit.isAtEnd || budget <= 0 { return report(hasMore: true) }
        }
        return report(hasMore: false)
    }

    private mutating func note(_ reason: String) { gap = gap ?? reason }

    private mutating func take(
        _ position: TransactionLog.Position,
        _ content: ArraySlice<UInt8>,
        of file: DataFile
    ) {
        let zxid = position.zxid
        place = LogPlace(log: file.zxid, offset: position.offset, zxid: zxid)
        defer { previous = zxid }
        guard zxid > after else { return }
        let before = previous ?? after
        if !zxid.follows(before) { note("\(file.path): after \(before) comes \(zxid)") }
        first = first ?? zxid
        last = zxid
        guard let body = TransactionBody(content) else {
            unread += 1
            return
        }
        let isKnown = body.changes { change, path in
            guard trees.contains(where: { path.isWithin($0) }) else { return }
            switch change {
            case .expiry: expired += 1
            // What has no session is the ensemble's own.
            case .write where body.session == 0: expired += 1
            case .write where apart?.contains(body.session) == true: countApart += 1
            case .write(let kind): add(kind, path, body, zxid)
            }
        }
        if !isKnown { unread += 1 }
    }

    private mutating func add(
        _ kind: WritesReport.Kind,
        _ path: ArraySlice<UInt8>,
        _ body: TransactionBody,
        _ zxid: Zxid
    ) {
        count += 1
        guard writes.count < WritesReport.most else { return }
        writes.append(
            WritesReport.Write(
                zxid: zxid,
                at: min(max(body.time, Bound.time.lowerBound), Bound.time.upperBound),
                kind: kind,
                path: String(decoding: path.prefix(WritesReport.longestPath), as: UTF8.self),
                session: SessionNumber(body.session)
            )
        )
    }

    private func report(hasMore: Bool) -> WritesReport {
        WritesReport(
            first: first,
            last: last,
            place: place,
            hasMore: hasMore,
            gap: gap,
            count: count,
            countApart: apart == nil ? nil : countApart,
            expired: expired,
            unread: unread,
            writes: writes
        )
    }
}

extension Zxid {
    /// Whether nothing can be between them; at the end of an epoch that cannot be seen.
    fileprivate func follows(_ other: Zxid) -> Bool {
        epoch == other.epoch ? value == other.value &+ 1 : epoch > other.epoch && counter == 1
    }
}

extension ArraySlice<UInt8> {
    fileprivate func isWithin(_ tree: [UInt8]) -> Bool {
        starts(with: tree) && (count == tree.count || self[startIndex + tree.count] == UInt8(ascii: "/"))
    }
}
