package import Topology

/// `POST /v1/read/writes`: what this host's ZooKeeper has logged of writes into some trees.
///
/// Coordinators only.
package struct WritesRequest: Hashable, Sendable, Codable {
    package static let mostTrees = 200
    /// Bytes of a tree's path.
    package static let longestTree = 1024
    package static let mostApart = 1000

    /// 1 to 200: the nodes themselves, and all below them.
    package let trees: [String]
    /// What is later than this is looked at.
    package let after: Zxid
    /// Where an earlier look ended, so that what lies before it need not be read again; counts only where it still fits.
    package let place: LogPlace?
    /// Sessions whose writes are counted apart and not told, 1000 at most; earlier coordinators name none.
    package let apart: [SessionNumber]?

    package init(trees: [String], after: Zxid, place: LogPlace? = nil, apart: [SessionNumber]? = nil) {
        self.trees = trees
        self.after = after
        self.place = place
        self.apart = apart
    }
}

/// A finished record of a server's log.
package struct LogPlace: Hashable, Sendable, Codable {
    /// The file's, `log.<zxid>`.
    package let log: Zxid
    /// Where the record begins.
    package let offset: Int64
    /// The record's.
    package let zxid: Zxid

    package init(log: Zxid, offset: Int64, zxid: Zxid) {
        self.log = log
        self.offset = offset
        self.zxid = zxid
    }
}

/// Writes into some trees, by a server's log; a log may hold, at its end, what its ensemble never came to agree on.
package struct WritesReport: Hashable, Sendable, Codable {
    /// What is beyond is counted and not told.
    package static let most = 200
    /// Bytes of a path that are told.
    package static let longestPath = 1024

    package enum Kind: String, Hashable, Sendable, Codable {
        case create
        case delete
        case setData
        case setACL
    }

    package struct Write: Hashable, Sendable, Codable {
        package let zxid: Zxid
        /// Unix milliseconds, by the clock of the server that led.
        package let at: Int64
        package let kind: Kind
        package let path: String
        package let session: SessionNumber
        /// Where the session is, as far as this server tells.
        package let address: IPAddress?

        package init(
            zxid: Zxid,
            at: Int64,
            kind: Kind,
            path: String,
            session: SessionNumber,
            address: IPAddress? = nil
        ) {
            self.zxid = zxid
            self.at = at
            self.kind = kind
            self.path = path
            self.session = session
            self.address = address
        }
    }

    /// The first and the last record that were looked at, later than what was asked for; nil when there is none.
    package let first: Zxid?
    package let last: Zxid?
    /// Where to go on.
    package let place: LogPlace?
    /// Whether there may be more to read right now.
    package let hasMore: Bool
    /// Why something may be missing between what was asked for and `last`, or behind it; nil when nothing is.
    package let gap: String?
    /// Writes by clients, those that are not told as well.
    package let count: Int
    /// Writes of the sessions that were to be counted apart, none of which is in `count`; nil when there were none to be, and from
    /// agents of earlier versions, which count them with the others.
    package let countApart: Int?
    /// Nodes that the ensemble itself removed: ephemerals of sessions that ended, containers, nodes whose time was over.
    package let expired: Int
    /// Records whose form is not known.
    package let unread: Int
    /// In the log's order.
    package let writes: [Write]
    /// Why the log was not read; nothing is known then.
    package let obstacle: String?

    package init(
        first: Zxid? = nil,
        last: Zxid? = nil,
        place: LogPlace? = nil,
        hasMore: Bool = false,
        gap: String? = nil,
        count: Int = 0,
        countApart: Int? = nil,
        expired: Int = 0,
        unread: Int = 0,
        writes: [Write] = [],
        obstacle: String? = nil
    ) {
        self.first = first
        self.last = last
        self.place = place
        self.hasMore = hasMore
        self.gap = gap
        self.count = count
        self.countApart = countApart
        self.expired = expired
        self.unread = unread
        self.writes = writes
        self.obstacle = obstacle
    }

    /// The same, with what is known of where sessions are.
    package func locating(_ addresses: [SessionNumber: IPAddress]) -> WritesReport {
        WritesReport(
            first: first,
            last: last,
            place: place,
            hasMore: hasMore,
            gap: gap,
            count: count,
            countApart: countApart,
            expired: expired,
            unread: unread,
            writes: writes.map { write in
                Write(
                    zxid: write.zxid,
                    at: write.at,
                    kind: write.kind,
                    path: write.path,
                    session: write.session,
                    address: write.address ?? addresses[write.session]
                )
            },
            obstacle: obstacle
        )
    }
}
